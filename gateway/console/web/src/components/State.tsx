// What a page shows when it has nothing to show: loading, an error with what
// to do, emptiness with the next step.

import { KeyOutlined, ReloadOutlined } from "@ant-design/icons";
import { Button, Skeleton } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import type { ApiError } from "../api/client";
import { type Loaded } from "../api/hooks";
import { useI18n } from "../i18n";
import { tell } from "../lib/tell";
import { openKeyDialog } from "./KeyDialog";
import { Copy } from "./Copy";

export function ErrorBox({ error, retry, compact, note }: { error: ApiError; retry?: () => void; compact?: boolean; note?: ReactNode }) {
  const { lang, t } = useI18n();
  const told = tell(error, lang, t);
  const keyless = error.status === 401 || error.status === 403;
  return (
    <div className={compact ? "oops oops-compact" : "oops"} role="alert">
      <div className="oops-head">
        <strong>{told.what}</strong>
        <code>{told.code}</code>
      </div>
      {told.why ? <p>{told.why}</p> : null}
      {error.problems.length > 0 ? (
        <ul>
          {error.problems.slice(0, 8).map((p, i) => (
            <li key={i}>
              {p.location ? <code>{p.location}</code> : null} {lang === "zh" ? p.message : (p.message_en ?? p.message)}
            </li>
          ))}
        </ul>
      ) : null}
      <p className="oops-do">
        <b>{t("error.todo")}</b>
        {told.do}
        {error.retryAfter !== null ? " " + t("error.retryAfter", { n: error.retryAfter }) : null}
      </p>
      {note}
      <div className="oops-foot">
        {retry ? (
          <Button size="small" icon={<ReloadOutlined />} onClick={retry}>
            {t("common.retry")}
          </Button>
        ) : null}
        {keyless && retry ? (
          <Button size="small" type="primary" icon={<KeyOutlined />} onClick={openKeyDialog}>
            {t("key.enter")}
          </Button>
        ) : null}
        {error.requestId ? (
          <span className="dim">
            {t("error.request")} <code>{error.requestId}</code> <Copy text={error.requestId} />
          </span>
        ) : null}
      </div>
    </div>
  );
}

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <svg width="56" height="40" viewBox="0 0 56 40" aria-hidden="true">
        <rect x="6" y="8" width="44" height="28" rx="4" className="empty-box" />
        <path d="M6 24h13l3 5h12l3-5h13" className="empty-line" />
      </svg>
      <strong>{title}</strong>
      {children ? <p>{children}</p> : null}
      {action}
    </div>
  );
}

/** A skeleton that waits 200 ms, so that quick answers do not flicker. */
export function Waiting({ rows = 4 }: { rows?: number }) {
  const [late, setLate] = useState(false);
  const { t } = useI18n();
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div aria-busy="true" aria-label={t("common.loading")} className="waiting">
      {late ? <Skeleton active title={false} paragraph={{ rows }} /> : null}
    </div>
  );
}

/** Loading, error or the content; an error over old data keeps the data and says so. */
export function Ready<D>({ of, rows, children }: { of: Loaded<D>; rows?: number; children: (data: D) => ReactNode }) {
  if (of.data === undefined) {
    if (of.error) return <ErrorBox error={of.error} retry={of.reload} />;
    return <Waiting rows={rows} />;
  }
  return (
    <>
      {of.error ? <ErrorBox error={of.error} retry={of.reload} compact /> : null}
      {children(of.data)}
    </>
  );
}
