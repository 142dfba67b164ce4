import { Button } from "antd";
import { useEffect, useState } from "react";
import { useRouteError } from "react-router";
import { useI18n } from "../i18n";
import { unreached } from "../lib/unreached";

/** So often a page that could not be loaded asks whether the gateway is back. */
const ASK_EVERY_MS = 2000;

/** What kept a page from being shown: the console's own fault, a gateway that is away, or one that was upgraded. */
type Cause = "crash" | "offline" | "upgraded";

/**
 * Why a page's code did not come: the gateway is away, or, if it answers, it was
 * upgraded under an open page. Once it is back after having been away, the page
 * is loaded again.
 */
function useCause(lost: boolean): Cause {
  const [away, setAway] = useState(false);
  useEffect(() => {
    if (!lost) return;
    let timer = 0;
    let left = false;
    let was = false;
    const ask = async () => {
      const now = await unreached(location.pathname);
      if (left) return;
      setAway(now);
      if (!now) {
        if (was) location.reload();
        return;
      }
      was = true;
      timer = window.setTimeout(() => void ask(), ASK_EVERY_MS);
    };
    void ask();
    return () => {
      left = true;
      window.clearTimeout(timer);
    };
  }, [lost]);
  if (!lost) return "crash";
  return away ? "offline" : "upgraded";
}

/** A page that failed: says why and offers what helps. */
export function Crash() {
  const { t } = useI18n();
  const error = useRouteError();
  const cause = useCause(error instanceof Error && /dynamically imported|module script|Failed to fetch/i.test(error.message));
  const head = { crash: t("crash.title"), offline: t("error.offline"), upgraded: t("crash.upgraded") }[cause];
  const remedy = { crash: t("crash.do"), offline: t("error.offline.do"), upgraded: t("crash.upgraded.do") }[cause];
  return (
    <div className="oops" role="alert">
      <div className="oops-head">
        <strong>{head}</strong>
        <code>CONSOLE-PAGE</code>
      </div>
      <p className="oops-do">
        <b>{t("error.todo")}</b>
        {remedy}
      </p>
      {cause === "crash" && error instanceof Error ? <pre className="mono dim">{error.name}</pre> : null}
      <Button type="primary" onClick={() => location.reload()}>
        {t("crash.reload")}
      </Button>
    </div>
  );
}
