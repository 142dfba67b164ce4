import { RightOutlined } from "@ant-design/icons";
import { useMemo, useState } from "react";
import { Link } from "react-router";
import { useFlow } from "../api/flow";
import { useApi } from "../api/hooks";
import { type Indicator, list, pathOf } from "../api/types";
import { Gauge } from "../components/Gauge";
import { Card, PageHead } from "../components/Page";
import { Mark } from "../components/Mark";
import { Num } from "../components/Num";
import { When } from "../components/When";
import { Empty, ErrorBox, Ready, Waiting } from "../components/State";
import { useI18n } from "../i18n";
import { known, percent } from "../lib/format";
import { todos } from "../lib/todo";
import { FlowCard } from "./overview/FlowCard";
import { FreshnessCard } from "./overview/FreshnessCard";
import { IndicatorDrawer } from "./overview/IndicatorDrawer";
import { TodoCard } from "./overview/TodoCard";

const isShare = (i: Indicator) => i.value <= 1 && i.denominator > 0;

function Fraction({ of }: { of: Indicator }) {
  if (!known(of.numerator) || !known(of.denominator)) return null;
  return (
    <span className="num dim">
      {of.numerator} / {of.denominator}
    </span>
  );
}

function GaugeCard({ main, shareable, open }: { main: Indicator | undefined; shareable: Indicator | undefined; open: (id: string) => void }) {
  const { t, name } = useI18n();
  if (!main) return null;
  const rows = [
    { of: main, label: t("overview.ofAll") },
    ...(shareable ? [{ of: shareable, label: t("overview.ofShareable") }] : []),
  ];
  return (
    <Card title={name(main.title, main.english)} extra={<span>{t("overview.target", { n: percent(main.target, 0) ?? "–" })}</span>} className="gauge-card">
      <button type="button" className="gauge-button" onClick={() => open(main.id)}>
        <Gauge value={main.value} target={main.target ?? null} met={main.met ?? null} />
        <span className="sr">
          {t("indicator.open", { name: name(main.title, main.english) })} {percent(main.value) ?? t("common.unknown")}
        </span>
      </button>
      <div className="gauge-rows">
        {rows.map((r) => (
          <button key={r.of.id} type="button" className="gauge-row" onClick={() => open(r.of.id)}>
            <span>{r.label}</span>
            <span>
              <Fraction of={r.of} /> <b className="num">{percent(r.of.value) ?? t("common.unknown")}</b> <RightOutlined />
            </span>
          </button>
        ))}
      </div>
      <Observed of={main} />
    </Card>
  );
}

/** On how long a watch and how many look-ups a number rests, and whether that is enough. */
function Observed({ of }: { of: Indicator }) {
  const { t } = useI18n();
  if (!known(of.window_s) || !known(of.observed_s)) return null;
  const hours = (s: number) => (s / 3600).toFixed(1);
  return (
    <p className="dim num">
      {of.met === null || of.met === undefined ? <b>{t("indicator.unknown")} · </b> : null}
      {t("indicator.observed", { n: hours(of.observed_s), of: hours(of.window_s), lookups: of.lookups ?? 0 })}
    </p>
  );
}

function IndicatorCard({ of, open }: { of: Indicator; open: (id: string) => void }) {
  const { t, name } = useI18n();
  const share = isShare(of);
  const value = known(of.value) ? of.value : null;
  const target = known(of.target) ? of.target : null;
  const full = share ? 1 : Math.max(target ?? 0, value ?? 0, 1);
  const tone = of.met === true ? "ok" : of.met === false ? "warn" : "idle";
  return (
    <button type="button" className="card indicator" onClick={() => open(of.id)}>
      <span className="indicator-name">
        {name(of.title, of.english)} <RightOutlined />
      </span>
      <span className="indicator-value">
        {share ? <b className="num">{percent(value) ?? t("common.unknown")}</b> : <b><Num n={value} /></b>} {share ? <Fraction of={of} /> : null}
      </span>
      <span className={`meter tone-${tone}`} aria-hidden="true">
        <i style={{ width: `${Math.min(100, ((value ?? 0) / full) * 100)}%` }} />
        {target !== null ? <em style={{ left: `${Math.min(100, (target / full) * 100)}%` }} /> : null}
      </span>
      <span className="indicator-foot">
        <Mark tone={tone}>{t(of.met === true ? "indicator.met" : of.met === false ? "indicator.unmet" : target !== null ? "indicator.unknown" : "indicator.noTarget")}</Mark>
        {target !== null ? <span className="dim">{t("overview.target", { n: share ? (percent(target, 0) ?? "") : target })}</span> : null}
      </span>
    </button>
  );
}

function Totals({ open }: { open: number | null }) {
  const { t } = useI18n();
  const { flow } = useFlow();
  const totals = flow?.totals;
  const items = [
    { label: t("totals.changes"), n: totals?.changes, to: "/sources" },
    { label: t("totals.lookups"), n: totals?.lookups, to: "/lookup" },
    { label: t("totals.denied"), n: totals?.denied, to: "/lookup" },
    { label: t("totals.quarantined"), n: totals?.quarantined, to: "/quarantine" },
    { label: t("totals.findings"), n: totals?.findings_open ?? open, to: "/findings?state=open" },
  ];
  return (
    <div className="totals card">
      {items.map((i) => (
        <Link key={i.label} to={i.to}>
          <span className="dim">{i.label}</span>
          <b>
            <Num n={i.n} />
          </b>
        </Link>
      ))}
    </div>
  );
}

export default function Overview() {
  const { t, name } = useI18n();
  const live = useFlow();
  const indicators = useApi(pathOf("/v1/indicators"), 5000);
  const catalogue = useApi(pathOf("/v1/catalogue"), 15000);
  const high = useApi(pathOf("/v1/findings", {}, { state: "open", severity: "high", limit: 200 }), 10000);
  const quarantine = useApi(pathOf("/v1/quarantine", {}, { state: "open", limit: 1 }), 15000);
  const [shown, setShown] = useState<string | null>(null);

  const all = list(indicators.data?.indicators);
  const main = all.find((i) => i.id === "realtime");
  const shareable = all.find((i) => i.id === "realtime_shareable");
  const others = all.filter((i) => i.id !== "realtime" && i.id !== "realtime_shareable");
  const todo = useMemo(
    () =>
      todos(
        live.flow,
        catalogue.data,
        high.data ? { list: list(high.data.findings), total: high.data.total ?? list(high.data.findings).length } : undefined,
        quarantine.data,
        name,
      ),
    [live.flow, catalogue.data, high.data, quarantine.data, name],
  );

  return (
    <>
      <PageHead
        title={t("nav.overview")}
        lead={t("overview.lead")}
        actions={
          indicators.data?.as_of ? (
            <span className="dim">
              {t("indicator.asOf")} <When at={indicators.data.as_of} />
            </span>
          ) : null
        }
      />
      <div className="stack">
        {indicators.error && !indicators.data ? (
          <ErrorBox error={indicators.error} retry={indicators.reload} />
        ) : indicators.loading ? (
          <Waiting rows={6} />
        ) : all.length === 0 ? (
          <Card>
            <Empty title={t("indicator.none")}>{t("indicator.none.do")}</Empty>
          </Card>
        ) : (
          <div className="overview-top">
            <GaugeCard main={main} shareable={shareable} open={setShown} />
            <div className="overview-side">
              <div className="indicators">
                {others.map((i) => (
                  <IndicatorCard key={i.id} of={i} open={setShown} />
                ))}
              </div>
              <TodoCard items={todo} ready={catalogue.data !== undefined && live.mode !== "waiting"} />
            </div>
          </div>
        )}
        <Totals open={high.data?.total ?? null} />
        <FlowCard />
        <Ready of={catalogue} rows={6}>
          {(c) => <FreshnessCard catalogue={c} />}
        </Ready>
      </div>
      <IndicatorDrawer indicator={all.find((i) => i.id === shown)} asOf={indicators.data?.as_of} close={() => setShown(null)} />
    </>
  );
}
