import { Button } from "antd";
import { useRouteError } from "react-router";
import { useI18n } from "../i18n";

/** A page that failed: says so and offers the two things that help. */
export function Crash() {
  const { t } = useI18n();
  const error = useRouteError();
  // A chunk that is gone means that the gateway was upgraded under an open page.
  const gone = error instanceof Error && /dynamically imported|module script|Failed to fetch/i.test(error.message);
  return (
    <div className="oops" role="alert">
      <div className="oops-head">
        <strong>{gone ? t("crash.upgraded") : t("crash.title")}</strong>
        <code>CONSOLE-PAGE</code>
      </div>
      <p className="oops-do">
        <b>{t("error.todo")}</b>
        {gone ? t("crash.upgraded.do") : t("crash.do")}
      </p>
      {!gone && error instanceof Error ? <pre className="mono dim">{error.name}</pre> : null}
      <Button type="primary" onClick={() => location.reload()}>
        {t("crash.reload")}
      </Button>
    </div>
  );
}
