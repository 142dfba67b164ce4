import { Link } from "react-router";
import { readRate, readSpark, useFlow } from "../../api/flow";
import type { FlowSource } from "../../api/types";
import { Copy } from "../../components/Copy";
import { SourceMark } from "../../components/Mark";
import { Num, Spark } from "../../components/Num";
import { When } from "../../components/When";
import { useI18n } from "../../i18n";
import { duration } from "../../lib/format";
import { broken as isBroken, lagOf, rereadOf } from "./state";

// The commands in a remedy, to be copied.
const command = /(yiyuan [a-z]+(?: [\w.-]+)*(?: --[\w-]+(?: \d+)?)*)/;

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

/** Reading a source again: the trial that counts its deletes, where there is one, then the order. The gateway is not the door to sources. */
function Reread({ trial, order }: { trial: string | null; order: string }) {
  const { t } = useI18n();
  return (
    <details className="reread">
      <summary>{t("sources.reread")}</summary>
      <p className="dim">{t(trial ? "sources.reread.long" : "sources.reread.files")}</p>
      {trial ? (
        <p>
          {t("sources.reread.dry")} <Command text={trial} />
        </p>
      ) : null}
      <p>
        {t(trial ? "sources.reread.do" : "sources.reread.once")} <Command text={order} />
      </p>
    </details>
  );
}

/** How far reading it again has come. */
function Resyncing({ of }: { of: NonNullable<FlowSource["resync"]> }) {
  const { t } = useI18n();
  return (
    <p className="infobox reread">
      {t("sources.resync", { rows: of.rows ?? 0, of: of.of ?? 0, deleted: of.deleted ?? 0 })}
    </p>
  );
}

/** Starting and stopping it. The page changes nothing: orders are given on the machine, where they are written down. */
function Orders({ of }: { of: FlowSource }) {
  const { t } = useI18n();
  const stopped = of.state === "stopped";
  return (
    <details className="reread">
      <summary>{t(stopped ? "sources.start" : "sources.stop")}</summary>
      <p className="dim">{t("sources.orders.long")}</p>
      <p>
        <Command text={`yiyuan source ${stopped ? "start" : "stop"} ${of.name}`} />
      </p>
    </details>
  );
}

/** How one source does, and what to do where it does not. */
export function SourceCard({ s, departments }: { s: FlowSource; departments: (dataset: string) => string }) {
  const { t, lang, name, say } = useI18n();
  const { flow, read } = useFlow();
  const ids = s.datasets;
  const lag = lagOf(s, flow);
  const perSecond = readRate(read[s.name]);
  const broken = isBroken(s);
  const reread = rereadOf(s);
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
          <dd>{duration(lag, lang) ?? <span className="dim">{t("common.unknown")}</span>}</dd>
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
      {s.resync ? <Resyncing of={s.resync} /> : null}
      {s.state !== "retired" ? <Orders of={s} /> : null}
      {reread && s.state !== "retired" ? <Reread {...reread} /> : null}
    </section>
  );
}
