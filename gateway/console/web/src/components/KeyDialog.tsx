// The console's own key: asked for where the gateway does not keep the console
// open, kept for this tab only.

import { Button, Input, Modal } from "antd";
import { useEffect, useState } from "react";
import { ApiError, request } from "../api/client";
import { forget } from "../api/hooks";
import { consoleKey, SUPERVISE } from "../api/session";
import type { Me } from "../api/types";
import { useWhose } from "../api/whose";
import { useI18n } from "../i18n";
import { tell } from "../lib/tell";

const opened = new EventTarget();
export const openKeyDialog = () => opened.dispatchEvent(new Event("open"));

export function KeyDialog() {
  const { t, lang } = useI18n();
  const held = consoleKey.use();
  const whose = useWhose();
  const [open, setOpen] = useState(false);
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const on = () => {
      setKey("");
      setProblem("");
      setOpen(true);
    };
    opened.addEventListener("open", on);
    return () => opened.removeEventListener("open", on);
  }, []);

  const hold = (k: string) => {
    forget();
    consoleKey.set(k);
    setOpen(false);
  };
  const submit = async () => {
    const k = key.replace(/\s+/g, "");
    if (!k) return;
    setBusy(true);
    setProblem("");
    try {
      const { data } = await request<Me>("v1/me", { key: k, purpose: SUPERVISE });
      const may = data.purposes.some((p) => p.id === SUPERVISE);
      if (may) hold(k);
      else setProblem(t("key.noSupervise", { app: data.title || data.app }));
    } catch (e) {
      if (e instanceof ApiError) {
        const told = tell(e, lang, t);
        setProblem([told.code, told.what, told.why || told.do].filter(Boolean).join(" · "));
      }
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      open={open}
      title={t("key.title")}
      onCancel={() => setOpen(false)}
      destroyOnHidden
      footer={[
        held ? (
          <Button key="out" danger onClick={() => hold("")}>
            {t("key.forget")}
          </Button>
        ) : null,
        <Button key="no" onClick={() => setOpen(false)}>
          {t("common.cancel")}
        </Button>,
        <Button key="ok" type="primary" loading={busy} disabled={!key.trim()} onClick={() => void submit()}>
          {t("key.use")}
        </Button>,
      ]}
    >
      {whose ? (
        <p className="caller" data-caller={whose.app}>
          {t("key.whose", { app: whose.title || whose.app, department: whose.department_title })}
        </p>
      ) : null}
      <p>{t("key.why")}</p>
      <Input.Password
        autoFocus
        autoComplete="off"
        value={key}
        placeholder={t("key.placeholder")}
        aria-label={t("key.title")}
        onChange={(e) => setKey(e.target.value)}
        onPressEnter={() => void submit()}
      />
      <p className="dim">{t("key.kept")}</p>
      {problem ? (
        <p className="tone-bad" role="alert">
          {problem}
        </p>
      ) : null}
    </Modal>
  );
}
