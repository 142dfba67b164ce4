import { Input, Segmented } from "antd";
import { Link } from "react-router";
import { readRate, readSpark, useFlow } from "../api/flow";
import { useApi } from "../api/hooks";
import { type FlowSource, list, pathOf } from "../api/types";
import { Card, PageHead } from "../components/Page";
import { Copy, Num, SourceMark, Spark, When } from "../components/Show";
import { Empty, ErrorBox, Waiting } from "../components/State";
import { useI18n } from "../i18n";
import { useFilters } from "../lib/filters";
import { duration, known } from "../lib/format";
import { fold } from "../lib/search";

const harm: Record<string, number> = { failed: 0, held: 0, silent: 0, waiting: 1, stopped: 1, resync: 2, snapshot: 2, starting: 2, running: 3 };
// The commands in a remedy, to be copied; what was pushed is kept by nobody and cannot be read again.
const command = /(yiyuan [a-z]+(?: [\w.-]+)*(?: --[\w-]+(?: \d+)?)*)/;
const rereadable = (kind: string) => kind !== "push";

function Command({ text }: { text: string }) {
  return (
    <span className="nowrap">
      <code>{text}</code> <Copy text={text} />
    </span>
  );
}

/** A remedy with its commands ready to be taken away. */
function Remedy({ text }: { text: string }) {
  return <span className="val">{text.split(command).map((part, i) => (i % 2 === 1 ? <Command key={i} text={part} /> : part))}</span>;
}

/** Reading a source again: the trial that counts its deletes, then the order. The gateway is not the door to sources. */
function Reread({ of }: { of: string }) {
  const { t } = useI18n();
  return (
    <details className="reread">
      <summary>{t("sources.reread")}</summary>
      <p className="dim">{t("sources.reread.long")}</p>
      <p>
        {t("sources.reread.dry")} <Command text={`yiyuan source resync ${of} --dry-run`} />
      </p>
      <p>
        {t("sources.reread.do")} <Command text={`yiyuan source resync ${of}`} />
      </p>
    </details>
  );
}

const still = ["failed", "held", "silent", "waiting", "stopped"];

function SourceCard({ s, departments }: { s: FlowSource; departments: (dataset: string) => string }) {
  const { t, lang, name, say } = useI18n();
  const { flow, read } = useFlow();
  const ids = list(s.datasets);
  const mine = list(flow?.datasets).filter((d) => ids.includes(d.id));
  const lags = mine.map((d) => d.lag_s).filter(known).filter((n) => n >= 0);
  const perSecond = readRate(read[s.name]);
  const broken = still.includes(s.state);
  const owners = [...new Set(ids.map(departments).filter(Boolean))];
  return (
    <section className={`card source${broken ? " source-broken" : ""}`} aria-label={s.name}>
      <div className="card-head">
        <h2>
          {s.name} <small className="dim">{say(`kind.${s.kind}`, s.kind)}</small>
        </h2>
        <SourceMark state={s.state} solid />
      </div>
      <div className="chips">
        {ids.map((id) => (
          <Link key={id} className="chip" to={`/catalogue/${encodeURIComponent(id)}`}>
            {id}
          </Link>
        ))}
        <span className="dim">{owners.join(" · ")}</span>
      </div>
      <dl className="facts facts-tight">
        <div>
          <dt>{t("sources.lag")}</dt>
          <dd>{broken || lags.length === 0 ? <span className="dim">{t("common.unknown")}</span> : duration(Math.max(...lags), lang)}</dd>
        </div>
        <div>
          <dt>{t("sources.rate")}</dt>
          <dd>
            <Num n={perSecond} unit={perSecond === null ? undefined : t("unit.perSecond")} />
            <Spark values={readSpark(read[s.name])} tone={broken ? "idle" : "info"} label={t("sources.rate")} />
          </dd>
        </div>
        <div>
          <dt>{t("sources.rows")}</dt>
          <dd>
            <Num n={s.rows} />
          </dd>
        </div>
        <div>
          <dt>{t("sources.seen")}</dt>
          <dd>
            <When at={s.last_seen} />
          </dd>
        </div>
      </dl>
      {s.last_error ? (
        <div className={broken ? "oops oops-compact" : "warnbox"}>
          <span className="val">
            {broken ? null : <b>{t("sources.lastError")} </b>}
            {name(s.last_error, s.last_error_en)}
          </span>
        </div>
      ) : null}
      {broken ? (
        <p className="oops-do">
          <b>{t("error.todo")}</b> {s.do ? <Remedy text={name(s.do, s.do_en)} /> : t("sources.stopped.do")}
        </p>
      ) : null}
      {rereadable(s.kind) && s.state !== "retired" ? <Reread of={s.name} /> : null}
    </section>
  );
}

export default function Sources() {
  const { t, name, say } = useI18n();
  const { flow, error } = useFlow();
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const { get, set } = useFilters();
  const departments = new Map(list(catalogue.data?.departments).map((d) => [d.id, name(d.title, d.english)]));
  const provider = new Map(list(catalogue.data?.datasets).map((d) => [d.id, departments.get(d.provider) ?? d.provider_title ?? d.provider]));
  const of = (id: string) => provider.get(id) ?? "";
  const all = list(flow?.sources);
  const q = fold(get("q"));
  const state = get("state") || "all";
  const rows = all
    .filter((s) => state === "all" || s.state === state)
    .filter((s) => !q || fold([s.name, s.kind, ...list(s.datasets), ...list(s.datasets).map(of)].join(" ")).includes(q))
    .sort((a, b) => (harm[a.state] ?? 1) - (harm[b.state] ?? 1) || a.name.localeCompare(b.name));
  const states = [...new Set(all.map((s) => s.state))].sort((a, b) => (harm[a] ?? 1) - (harm[b] ?? 1));
  return (
    <>
      <PageHead title={t("nav.sources")} lead={t("sources.lead")} />
      {!flow ? (
        error ? (
          <ErrorBox error={error} />
        ) : (
          <Waiting rows={8} />
        )
      ) : all.length === 0 ? (
        <Card>
          <Empty title={t("sources.none")}>{t("sources.none.do")}</Empty>
        </Card>
      ) : (
        <div className="stack">
          <div className="filters">
            <Segmented
              value={state}
              onChange={(v) => set({ state: v === "all" ? "" : v })}
              options={[
                { value: "all", label: `${t("common.all")} ${all.length}` },
                ...states.map((s) => ({ value: s, label: `${say(`source.${s}`, s)} ${all.filter((x) => x.state === s).length}` })),
              ]}
            />
            <Input.Search data-search="" allowClear value={get("q")} onChange={(e) => set({ q: e.target.value })} placeholder={t("sources.search")} aria-label={t("sources.search")} style={{ maxWidth: 320 }} />
          </div>
          {rows.length === 0 ? (
            <Card>
              <Empty title={t("common.noMatch")}>{t("common.noMatch.do")}</Empty>
            </Card>
          ) : (
            <div className="sources">
              {rows.map((s) => (
                <SourceCard key={s.name} s={s} departments={of} />
              ))}
            </div>
          )}
        </div>
      )}
    </>
  );
}
