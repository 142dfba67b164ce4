import { useEffect, useState } from "react";
import { Link } from "react-router";
import { ApiError, request } from "../../api/client";
import type { Facts } from "../../api/facts";
import { type ExplainAnswer, list } from "../../api/types";
import { Refusals } from "./Refusals";
import { Coded, FieldName } from "../../components/Value";
import { AsOf, SourceTime } from "../../components/When";
import { Empty, ErrorBox, Waiting } from "../../components/State";
import { useI18n } from "../../i18n";
import { isEntityOwner, ownerOf } from "../../lib/views";
import type { Round } from "./model";

/** Each cell of the golden record: who said it, why that one won, who lost. */
export function Explain({ round, facts, departments, datasets }: { round: Round; facts: Facts; departments: Map<string, string>; datasets: Map<string, string> }) {
  const { t, say } = useI18n();
  const entity = ownerOf(round.view.id);
  const applies = isEntityOwner(entity);
  const [answer, setAnswer] = useState<ExplainAnswer | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    setAnswer(null);
    setError(null);
    if (!applies) return;
    const abort = new AbortController();
    request<ExplainAnswer>(`v1/explain/${encodeURIComponent(entity)}`, {
      body: { key: round.key },
      key: round.apiKey,
      purpose: round.purpose,
      signal: abort.signal,
    }).then(
      (a) => setAnswer(a.data),
      (e: unknown) => {
        if (e instanceof ApiError) setError(e);
      },
    );
    return () => abort.abort();
  }, [applies, entity, round, turn]);

  if (!applies)
    return (
      <Empty title={t("explain.dataset")}>
        {t("explain.dataset.do")} <Link to={`/catalogue/${encodeURIComponent(entity)}`}>{entity}</Link>
      </Empty>
    );
  if (error)
    return (
      <div className="stack">
        <Refusals rows={error.refused} datasets={datasets} />
        <ErrorBox error={error} note={error.status === 403 ? <p>{t("explain.right", { view: `${entity}.explain` })}</p> : null} retry={error.status === 403 || error.status === 404 ? undefined : () => setTurn((n) => n + 1)} />
      </div>
    );
  if (!answer) return <Waiting rows={6} />;
  const reasonOf = (r: string | undefined) => (r ? say(`why.${r}`, r) : "–");
  const lostBy = (r: string | undefined) => (r ? say(`lost.${r}`, r) : "");
  const departmentOf = (d: string | undefined) => (d ? (departments.get(d) ?? d) : "");
  const cells = list(answer.cells);
  if (cells.length === 0) return <Empty title={t("explain.none")}>{t("explain.none.do")}</Empty>;
  return (
    <div className="stack">
      <Refusals rows={answer.refused} datasets={datasets} />
      <p className="dim">
        {t("explain.lead")} {answer.key_masked ? <code>{answer.key_masked}</code> : null} <AsOf at={answer.as_of} />
      </p>
      <div className="frame"><table className="record explain">
        <thead>
          <tr>
            <th>{t("field.title")}</th>
            <th>{t("result.value")}</th>
            <th>{t("explain.source")}</th>
            <th>{t("explain.reason")}</th>
            <th>{t("explain.losers")}</th>
          </tr>
        </thead>
        <tbody>
          {cells.map((c) => (
            <tr key={c.field}>
              <th scope="row">
                <FieldName name={c.field} facts={facts.get(c.field)} title={c.title} />
              </th>
              <td>
                <Coded v={c.value} facts={facts.get(c.field)} /> {c.flag ? <span className="chip chip-warn">{c.flag}</span> : null}
              </td>
              <td>
                {c.dataset ? <Link to={`/catalogue/${encodeURIComponent(c.dataset)}`}>{c.dataset} {datasets.get(c.dataset) ?? ""}</Link> : <span className="dim">{t("entity.noSource")}</span>}{" "}
                {departmentOf(c.department)}
                {c.at ? (
                  <small className="block">
                    <SourceTime at={c.at} />
                  </small>
                ) : null}
              </td>
              <td>{reasonOf(c.reason)}</td>
              <td>
                {list(c.losers).length === 0 ? (
                  <span className="dim">{t("explain.noLosers")}</span>
                ) : (
                  <ul className="losers">
                    {list(c.losers).map((l, i) => (
                      <li key={i}>
                        <span className="chip">
                          {l.dataset} {departmentOf(l.department)}
                        </span>{" "}
                        <Coded v={l.value} facts={facts.get(c.field)} /> <span className="dim">{lostBy(l.reason)}</span>
                      </li>
                    ))}
                  </ul>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table></div>
    </div>
  );
}
