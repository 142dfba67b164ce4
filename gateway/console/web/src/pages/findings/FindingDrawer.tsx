import { Drawer, Timeline } from "antd";
import { Link } from "react-router";
import { type Facts, useFacts } from "../../api/facts";
import { useApi } from "../../api/hooks";
import { type DatasetSummary, type Evidence, type Finding, pathOf } from "../../api/types";
import { Copy } from "../../components/Copy";
import { CertaintyMark, FindingMark, SeverityMark } from "../../components/Mark";
import { Subject } from "../../components/Subject";
import { Coded, FieldName } from "../../components/Value";
import { SourceTime, When } from "../../components/When";
import { ErrorBox, Waiting } from "../../components/State";
import { useI18n } from "../../i18n";
import { day, daysUntil } from "../../lib/format";
import { groupBy } from "../../lib/group";
import { useNow } from "../../lib/now";
import { Due } from "./Due";

function Side({ dataset, rows, title, department, letter, facts }: { dataset: string; rows: Evidence[]; facts: Facts; title: string; department: string; letter: string }) {
  const { t } = useI18n();
  return (
    <div className="side-card">
      <div className="side-head">
        <span className="rank">{letter}</span>
        <div>
          <b>{department || (dataset === "golden" ? t("finding.golden") : dataset)}</b>
          <small className="dim block">{dataset === "golden" ? t("finding.golden.long") : <Link to={`/catalogue/${encodeURIComponent(dataset)}`}>{dataset} {title}</Link>}</small>
        </div>
      </div>
      <dl className="kv">
        {rows.map((e, i) => (
          <div key={i} style={{ display: "contents" }}>
            <dt>
              <FieldName name={e.field} facts={facts.get(e.field)} />
            </dt>
            <dd>
              <b>
                <Coded v={e.value} facts={facts.get(e.field)} />
              </b>
              {e.at ? (
                <small className="block">
                  <SourceTime at={e.at} />
                </small>
              ) : null}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function Body({ f, departments, datasets, ofSubject }: { f: Finding; departments: Map<string, string>; datasets: DatasetSummary[]; ofSubject: (token: string) => void }) {
  const { t, name, say } = useI18n();
  const now = useNow();
  const sets = new Map(datasets.map((d) => [d.id, d]));
  const facts = useFacts([f.entity, ...f.evidence.map((e) => e.dataset).filter((d) => d !== "golden")]);
  const sides = [...groupBy(f.evidence, (e) => e.dataset)];
  const left = daysUntil(f.due, now);
  const events = [
    { color: "blue", content: <><b>{t("timeline.opened")}</b><br /><When at={f.opened_at} full /></> },
    ...(f.reopened > 0 ? [{ color: "orange", content: <b>{t("timeline.reopened", { n: f.reopened })}</b> }] : []),
    ...(f.due ? [{ color: f.state !== "closed" && left !== null && left < 0 ? "red" : "gray", content: <><b>{t("timeline.due")}</b><br /><span className="num">{day(f.due)}</span> <Due finding={f} /></> }] : []),
    ...(f.state === "closed" ? [{ color: "green", content: <><b>{t("timeline.closed")}</b><br /><When at={f.closed_at} full /></> }] : []),
  ];
  return (
    <div className="stack">
      <p className="chips">
        <FindingMark state={f.state} /> <SeverityMark severity={f.severity} /> <CertaintyMark certainty={f.certainty} /> <span className="chip">{f.rule}{f.case ? ` · ${f.case}` : ""}</span>
      </p>
      <dl className="kv">
        <dt>{t("finding.subject")}</dt>
        <dd>
          {say(`entity.${f.entity}`, f.entity)} <Subject masked={f.subject_masked} token={f.subject} />{" "}
          <button type="button" className="linkish" onClick={() => ofSubject(f.subject)}>
            {t("subject.others")}
          </button>
        </dd>
        <dt>{t("finding.token")}</dt>
        <dd className="mono">
          {f.subject} <Copy text={f.subject} />
        </dd>
        <dt>{t("finding.owner")}</dt>
        <dd>{departments.get(f.owner) ?? f.owner_title ?? f.owner}</dd>
      </dl>
      <section>
        <h2 className="minor">{t("finding.evidence")}</h2>
        {sides.length === 0 ? (
          <p className="dim">{t("finding.noEvidence")}</p>
        ) : (
          <div className="sides">
            {sides.map(([dataset, rows], i) => {
              const d = sets.get(dataset);
              return <Side key={dataset} dataset={dataset} rows={rows} title={name(d?.title, d?.english)} department={departments.get(d?.provider ?? "") ?? d?.provider_title ?? ""} facts={facts(dataset === "golden" ? f.entity : dataset)} letter={String.fromCharCode(65 + (i % 26))} />;
            })}
          </div>
        )}
        <p className="dim">{t("finding.evidence.masked")}</p>
      </section>
      {f.advice ? (
        <section>
          <h2 className="minor">{t("finding.advice")}</h2>
          <p className="infobox">{name(f.advice, f.advice_en)}</p>
          <p className="dim">{t("finding.selfClose")}</p>
        </section>
      ) : null}
      <section>
        <h2 className="minor">{t("finding.timeline")}</h2>
        <Timeline items={events} />
      </section>
      <p className="dim mono">
        {f.id} <Copy text={f.id} />
      </p>
    </div>
  );
}

/** One finding: what department A says against what B says, what to do, until when. */
export function FindingDrawer({ id, known, departments, datasets, titleOf, ofSubject, close }: { id: string; known: Finding | undefined; departments: Map<string, string>; datasets: DatasetSummary[]; titleOf: (f: Finding) => string; ofSubject: (token: string) => void; close: () => void }) {
  const one = useApi(id ? pathOf("/v1/findings/{id}", { id }) : null, 10000);
  const f = one.data ?? known;
  return (
    <Drawer open={id !== ""} onClose={close} size="min(640px, 100vw)" title={f ? titleOf(f) : id} destroyOnHidden>
      {f ? <Body f={f} departments={departments} datasets={datasets} ofSubject={ofSubject} /> : one.error ? <ErrorBox error={one.error} retry={one.reload} /> : <Waiting rows={8} />}
    </Drawer>
  );
}
