// Menu on the left, bar on top, the page in the middle.

import { KeyOutlined, MenuFoldOutlined, MenuUnfoldOutlined, MoonOutlined, SunOutlined, TranslationOutlined } from "@ant-design/icons";
import { Tooltip } from "antd";
import { Suspense, useEffect, useRef, useState } from "react";
import { NavLink, Outlet, useLocation, useNavigate } from "react-router";
import { useFlow } from "../api/flow";
import { type Loaded, refusal, useApi } from "../api/hooks";
import { consoleKey } from "../api/session";
import {type Catalogue, pathOf } from "../api/types";
import { langStore, useI18n } from "../i18n";
import { keepUnsaid } from "../lib/filters";
import { personal } from "../lib/keys";
import { stored } from "../lib/store";
import { nav } from "../nav";
import { modeStore, useMode } from "../theme";
import { KeyDialog, openKeyDialog } from "./KeyDialog";
import { Seal } from "./Seal";
import { Mark } from "./Show";
import { Card, PageHead } from "./Page";
import { ErrorBox, Waiting } from "./State";

const foldStore = stored("local", "yiyuan.menu", () => "");

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

/** One question for a key instead of a refusal in every corner of the page. */
function Gate({ of }: { of: Loaded<Catalogue> }) {
  const { t } = useI18n();
  return (
    <>
      <PageHead title={t("key.title")} lead={t("key.why")} />
      <Card>
        <ErrorBox error={of.error!} retry={of.reload} />
      </Card>
    </>
  );
}

export function Shell() {
  const { t, lang, name } = useI18n();
  const mode = useMode();
  const folded = foldStore.use() === "folded";
  const key = consoleKey.use();
  const at = useLocation();
  const main = useRef<HTMLElement>(null);
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const city = catalogue.data?.city;
  const cityName = typeof city === "string" ? city : name(city?.name, city?.english);
  // The bench asks with its own key; all else needs the console's.
  const locked = refusal(catalogue.error) && at.pathname !== "/lookup";
  const item = nav.flatMap((g) => g.items).find((i) => (i.path === "/" ? at.pathname === "/" : at.pathname.startsWith(i.path)));
  useEffect(() => {
    document.title = `${item ? t(item.label) + " · " : ""}${t("app.name")}`;
  }, [item, t]);
  useEffect(() => {
    scrollTo(0, 0);
  }, [at.pathname]);
  return (
    <div className={folded ? "shell shell-folded" : "shell"}>
      <a className="skip" href="#main" onClick={(e) => (e.preventDefault(), main.current?.focus())}>
        {t("app.skip")}
      </a>
      <aside className="side">
        <div className="brand">
          <Seal />
          <div className="brand-text">
            <b>{t("app.short")}</b>
            <span>{cityName || t("app.long")}</span>
          </div>
        </div>
        <nav aria-label={t("app.menu")}>
          {nav.map((g) => (
            <div key={g.label} className="nav-group">
              <div className="nav-label">{t(g.label)}</div>
              {g.items.map((i) => (
                <Tooltip key={i.path} placement="right" title={folded ? t(i.label) : ""}>
                  <NavLink to={i.path} end={i.path === "/"} className="nav-item">
                    <span aria-hidden="true">{i.icon}</span>
                    <span className="nav-text">{t(i.label)}</span>
                  </NavLink>
                </Tooltip>
              ))}
            </div>
          ))}
        </nav>
        <button type="button" className="fold" onClick={() => foldStore.set(folded ? "" : "folded")} aria-label={t(folded ? "app.unfold" : "app.fold")}>
          {folded ? <MenuUnfoldOutlined /> : <MenuFoldOutlined />}
          <span className="nav-text">{t("app.fold")}</span>
        </button>
      </aside>
      <div className="stage">
        <header className="bar">
          <GlobalSearch />
          <div className="bar-tools">
            <LiveMark />
            <button type="button" className="tool" onClick={openKeyDialog}>
              <KeyOutlined aria-hidden="true" />
              <span>{t(refusal(catalogue.error) ? "app.locked" : key ? "app.withKey" : "app.open")}</span>
            </button>
            <button
              type="button"
              className="tool"
              lang={lang === "zh" ? "en" : "zh-CN"}
              onClick={() => langStore.set(lang === "zh" ? "en" : "zh")}
              aria-label={lang === "zh" ? "Switch to English" : "切换到中文"}
            >
              <TranslationOutlined aria-hidden="true" />
              <span>{lang === "zh" ? "English" : "中文"}</span>
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
        <main id="main" ref={main} tabIndex={-1}>
          <Suspense fallback={<Waiting rows={8} />}>
            {locked ? <Gate of={catalogue} /> : <Outlet />}
          </Suspense>
        </main>
      </div>
      <KeyDialog />
    </div>
  );
}
