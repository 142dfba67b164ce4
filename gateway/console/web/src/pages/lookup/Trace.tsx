import { Mark, type Tone } from "../../components/Mark";
import { tell } from "../../lib/tell";
import { useI18n } from "../../i18n";
import { day } from "../../lib/format";
import { trace } from "../../lib/trace";
import type { Caller, Round } from "./model";

const tone: Record<string, [Tone, string]> = { passed: ["ok", "ok"], failed: ["bad", "bad"], skipped: ["idle", "idle"] };

/** What the gateway checked, in its order, and where it ended. */
export function Trace({ round, caller }: { round: Round; caller: Caller | null }) {
  const { t, lang } = useI18n();
  const told = round.error ? tell(round.error, lang, t) : null;
  const detail: Record<string, string> = {
    identity: [caller?.title, caller?.departmentTitle].filter(Boolean).join(" · "),
    purpose: round.purpose,
    view: round.view.id,
    mode: t(round.verify ? "lookup.mode.verify" : "lookup.mode.lookup"),
    term: round.view.until ? t("lookup.until", { date: day(round.view.until) ?? "" }) : "",
    quota: round.view.quota > 0 ? t("lookup.quota", { n: round.view.quota }) : "",
    fields: round.verify ? Object.keys(round.verify).join(" ") : Object.keys(round.lookup?.data ?? {}).join(" "),
    data: round.error?.status === 404 ? t("trace.data.absent") : "",
    audit: round.lookup?.audit_id ?? round.verdict?.audit_id ?? "",
  };
  return (
    <div className="stack">
      <p className="dim">{t("trace.lead")}</p>
      <ol className="trace">
        {trace(round.error).map(({ step, outcome }, i) => (
          <li key={step} className={`trace-${outcome}`}>
            <span className="trace-n">{i + 1}</span>
            <div>
              <b>{t(`trace.${step}`)}</b> <Mark tone={tone[outcome]![0]} icon={tone[outcome]![1]}>{t(`trace.${outcome}`)}</Mark>
              <p className="dim">
                {t(`trace.${step}.long`)}
                {detail[step] && outcome !== "skipped" ? <span className="val"> — {detail[step]}</span> : null}
              </p>
              {outcome === "failed" && told ? (
                <div className="trace-why">
                  <p>
                    <code>{told.code}</code> {told.what}
                  </p>
                  {told.why ? <p>{told.why}</p> : null}
                  <p>
                    <b>{t("error.todo")}</b> {told.do}
                  </p>
                </div>
              ) : null}
            </div>
          </li>
        ))}
      </ol>
    </div>
  );
}
