import { EyeInvisibleOutlined, FlagOutlined, StopOutlined } from "@ant-design/icons";
import { Tooltip } from "antd";
import type { ReactNode } from "react";
import type { Facts } from "../../api/facts";
import { list, type LookupAnswer, type Refused } from "../../api/types";
import { Copy } from "../../components/Copy";
import { Mark } from "../../components/Mark";
import { Coded, FieldName } from "../../components/Value";
import { AsOf, SourceTime } from "../../components/When";
import { Empty, ErrorBox } from "../../components/State";
import { useI18n } from "../../i18n";
import { time } from "../../lib/format";
import type { Round } from "./model";
import { Refusals } from "./Refusals";
import { useFields } from "./useFields";

/** Rows of another dataset inside a record: a person's vehicles. */
function Rows({ of, rows, masked }: { of: string; rows: Record<string, unknown>[]; masked: string[] }) {
  const { t } = useI18n();
  const { facts } = useFields(of);
  if (rows.length === 0) return <span className="dim">{t("result.noRows")}</span>;
  const columns = [...new Set(rows.flatMap((r) => Object.keys(r)))];
  return (
    <div className="frame"><table className="mini">
      <thead>
        <tr>
          {columns.map((c) => (
            <th key={c}>
              <FieldName name={c} facts={facts.get(c)} />{" "}
              {masked.includes(c) ? <EyeInvisibleOutlined title={t("result.masked")} /> : null}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((r, i) => (
          <tr key={i}>
            {columns.map((c) => (
              <td key={c}>
                <Coded v={r[c]} facts={facts.get(c)} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table></div>
  );
}

const isRows = (v: unknown): v is Record<string, unknown>[] => Array.isArray(v) && v.every((x) => x !== null && typeof x === "object" && !Array.isArray(x));

function Stamp({ answer, took, extra }: { answer: { as_of?: string | null; source_time?: string; stale?: boolean; refused?: Refused[]; audit_id?: string; request_id?: string; version?: string }; took: number; extra?: ReactNode }) {
  const { t } = useI18n();
  return (
    <div className="answer-stamp">
      {/* What everybody delivered is in, and yet it is not the newest: the notice says so. */}
      {list(answer.refused).length > 0 && !answer.stale ? null : (
        <Mark tone={answer.stale ? "warn" : "ok"} icon={answer.stale ? (time(answer.as_of) ? "clock" : "question") : "ok"} solid>
          {t(!answer.stale ? "result.current" : time(answer.as_of) ? "result.stale" : "result.unknownAge")}
        </Mark>
      )}
      {extra}
      <AsOf at={answer.as_of} full />
      {answer.source_time ? <SourceTime at={answer.source_time} full /> : null}
      <span>
        <span className="dim">{t("result.took")}</span> <span className="num">{Math.max(1, Math.round(took))} ms</span>
      </span>
      {answer.version ? (
        <span>
          <span className="dim">{t("result.version")}</span> <code>{answer.version}</code>
        </span>
      ) : null}
      {answer.audit_id ? (
        <span>
          <span className="dim">{t("result.audit")}</span> <code>{answer.audit_id}</code> <Copy text={answer.audit_id} />
        </span>
      ) : null}
      {answer.request_id ? (
        <span>
          <span className="dim">{t("error.request")}</span> <code>{answer.request_id}</code> <Copy text={answer.request_id} />
        </span>
      ) : null}
    </div>
  );
}

function Record({ answer, facts, titles }: { answer: LookupAnswer; facts: Facts; titles: Map<string, string> }) {
  const { t } = useI18n();
  const masked = new Set(list(answer.masked));
  // "GA03.HPHM" says that a column of the embedded rows is masked.
  const isMasked = (field: string) => masked.has(field) || [...masked].some((m) => m.startsWith(field + "."));
  const disputed = new Set(list(answer.disputed));
  const entries = Object.entries(answer.data ?? {});
  if (entries.length === 0) return <Empty title={t("result.noFields")}>{t("result.noFields.do")}</Empty>;
  return (
    <table className="record">
      <thead>
        <tr>
          <th>{t("field.title")}</th>
          <th>{t("result.value")}</th>
          <th>{t("result.marks")}</th>
        </tr>
      </thead>
      <tbody>
        {entries.map(([field, v]) => (
          <tr key={field}>
            <th scope="row">
              <FieldName name={field} facts={facts.get(field)} title={titles.get(field)} />
            </th>
            <td>{isRows(v) ? <Rows of={field} rows={v} masked={list(answer.masked).filter((m) => m.startsWith(field + ".")).map((m) => m.slice(field.length + 1))} /> : <Coded v={v} facts={facts.get(field)} />}</td>
            <td>
              <span className="chips">
                {isMasked(field) ? (
                  <Tooltip title={t("result.masked.long")}>
                    <span className="chip">
                      <EyeInvisibleOutlined /> {t("result.masked")}
                    </span>
                  </Tooltip>
                ) : null}
                {disputed.has(field) ? (
                  <Tooltip title={t("result.disputed.long")}>
                    <span className="chip chip-warn">
                      <FlagOutlined /> {t("result.disputed")}
                    </span>
                  </Tooltip>
                ) : null}
                {v === null ? (
                  <Tooltip title={t("result.missing.long")}>
                    <span className="chip">
                      <StopOutlined /> {t("result.missing")}
                    </span>
                  </Tooltip>
                ) : null}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The answer as the asking program got it, or why there is none. */
export function Result({ round, facts, datasets, retry }: { round: Round; facts: Facts; datasets: Map<string, string>; retry: () => void }) {
  const { t } = useI18n();
  const titles = new Map(round.view.fields.map((f) => [f.name, f.kind === "rows" ? (datasets.get(f.name) ?? f.title) : f.title]));
  if (round.error?.status === 404)
    return (
      <div className="stack">
        <Refusals rows={round.error.refused} datasets={datasets} />
        <ErrorBox error={round.error} note={<p className="dim">{t(round.error.refused.length > 0 ? "refused.notThere" : "result.notThere")}</p>} />
      </div>
    );
  if (round.error) return <ErrorBox error={round.error} retry={round.error.status === 503 || round.error.status === 0 || round.error.status === 429 ? retry : undefined} />;
  if (round.verdict)
    return (
      <div className="stack">
        <div className={round.verdict.match ? "verdict verdict-yes" : "verdict verdict-no"} role="status">
          <Mark tone={round.verdict.match ? "ok" : "bad"}>{t(round.verdict.match ? "verify.match" : "verify.noMatch")}</Mark>
          <p>{t(round.verdict.match ? "verify.match.long" : "verify.noMatch.long", { n: Object.keys(round.verify ?? {}).length })}</p>
        </div>
        <Refusals rows={round.verdict.refused} datasets={datasets} />
        <Stamp answer={round.verdict} took={round.took} />
      </div>
    );
  if (!round.lookup) return null;
  return (
    <div className="stack">
      <Refusals rows={round.lookup.refused} datasets={datasets} />
      <Stamp
        answer={round.lookup}
        took={round.took}
        extra={
          list(round.lookup.disputed).length > 0 ? (
            <Mark tone="warn" icon="warn" solid>
              {t("result.hasDisputed", { n: list(round.lookup.disputed).length })}
            </Mark>
          ) : null
        }
      />
      <Record answer={round.lookup} facts={facts} titles={titles} />
      <details>
        <summary>{t("result.raw")}</summary>
        <div className="code">
          <Copy text={JSON.stringify(round.lookup, null, 2)} />
          <pre tabIndex={0}>{JSON.stringify(round.lookup, null, 2)}</pre>
        </div>
      </details>
    </div>
  );
}
