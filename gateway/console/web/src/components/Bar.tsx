// The bar on top: search, how live the page is, key, tongue, light.

import { KeyOutlined, MenuOutlined, MoonOutlined, SunOutlined, TranslationOutlined } from "@ant-design/icons";
import { Tooltip } from "antd";
import { useEffect, useRef, useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { useFlow } from "../api/flow";
import { consoleKey } from "../api/session";
import { useWhose } from "../api/whose";
import { langStore, useI18n } from "../i18n";
import { keepUnsaid } from "../lib/filters";
import { personal } from "../lib/keys";
import { modeStore, useMode } from "../theme";
import { openKeyDialog } from "./KeyDialog";
import { Mark } from "./Mark";

function LiveMark() {
  const { t } = useI18n();
  const { mode } = useFlow();
  const shown = {
    live: ["ok", "ok", "live.live"],
    polling: ["info", "sync", "live.polling"],
    waiting: ["idle", "loading", "live.waiting"],
    down: ["bad", "bad", "live.down"],
    refused: ["idle", "idle", "live.refused"],
  } as const;
  const [tone, icon, key] = shown[mode];
  return (
    <Tooltip title={t(`${key}.long`)}>
      <span role="status">
        <Mark tone={tone} icon={icon}>
          {t(key)}
        </Mark>
      </span>
    </Tooltip>
  );
}

function GlobalSearch() {
  const { t } = useI18n();
  const go = useNavigate();
  const at = useLocation();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  useEffect(() => {
    const on = (e: KeyboardEvent) => {
      const el = e.target as HTMLElement;
      if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) || el.isContentEditable) return;
      e.preventDefault();
      const page = document.querySelector<HTMLInputElement>("[data-search]");
      (page ?? input.current)?.focus();
    };
    addEventListener("keydown", on);
    return () => removeEventListener("keydown", on);
  }, []);
  // The catalogue has its own search box: one is enough.
  if (at.pathname === "/catalogue") return <div className="bar-search" />;
  return (
    <form
      className="bar-search"
      role="search"
      onSubmit={(e) => {
        e.preventDefault();
        const q = text.trim();
        keepUnsaid("/catalogue", "q", personal(q) ? q : "");
        void go(personal(q) ? "/catalogue" : `/catalogue?q=${encodeURIComponent(q)}`);
        setText("");
      }}
    >
      <input
        ref={input}
        type="search"
        value={text}
        onChange={(e) => setText(e.target.value)}
        placeholder={t("search.placeholder")}
        aria-label={t("search.placeholder")}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

/** Whose key the console reads with, and the way to another. */
function KeyButton({ locked }: { locked: boolean }) {
  const { t } = useI18n();
  const key = consoleKey.use();
  const whose = useWhose();
  const said = locked ? t("app.locked") : key ? (whose?.title ?? t("app.withKey")) : t("app.open");
  return (
    <button type="button" className="tool" onClick={openKeyDialog} aria-label={`${t("key.title")} · ${said}`}>
      <KeyOutlined aria-hidden="true" />
      <span className="tool-text">{said}</span>
    </button>
  );
}

export function Bar({ locked, menu, toggleMenu }: { locked: boolean; menu: boolean; toggleMenu: () => void }) {
  const { t, lang } = useI18n();
  const mode = useMode();
  return (
    <header className="bar">
      <button type="button" className="tool menu-button" aria-label={t("app.menu")} aria-expanded={menu} aria-controls="menu" onClick={toggleMenu}>
        <MenuOutlined aria-hidden="true" />
      </button>
      <GlobalSearch />
      <div className="bar-tools">
        <LiveMark />
        <KeyButton locked={locked} />
        <button
          type="button"
          className="tool"
          lang={lang === "zh" ? "en" : "zh-CN"}
          onClick={() => langStore.set(lang === "zh" ? "en" : "zh")}
          aria-label={lang === "zh" ? "Switch to English" : "切换到中文"}
        >
          <TranslationOutlined aria-hidden="true" />
          <span className="tool-text">{lang === "zh" ? "English" : "中文"}</span>
        </button>
        <Tooltip title={t(mode === "dark" ? "app.light" : "app.dark")} placement="bottomRight">
          <button
            type="button"
            className="tool"
            onClick={() => modeStore.set(mode === "dark" ? "light" : "dark")}
            aria-label={t(mode === "dark" ? "app.light" : "app.dark")}
          >
            {mode === "dark" ? <SunOutlined /> : <MoonOutlined />}
          </button>
        </Tooltip>
      </div>
    </header>
  );
}
