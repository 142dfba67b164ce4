import { Select, Tooltip } from "antd";
import { Link } from "react-router";
import { useFacts } from "../api/facts";
import { useApi } from "../api/hooks";
import { list, pathOf, type Quarantine as Data, type QuarantineEntry } from "../api/types";
import { Copy } from "../components/Copy";
import { type Column, Export, Listing, useMoment } from "../components/Listing";
import { Num } from "../components/Num";
import { Card, PageHead } from "../components/Page";
import { Empty, Ready } from "../components/State";
import { FieldName } from "../components/Value";
import { When } from "../components/When";
import { useI18n } from "../i18n";
import { useFilters } from "../lib/filters";
import { byReason } from "../lib/group";

function useColumns(entries: QuarantineEntry[]): Column<QuarantineEntry>[] {
  const { t, name, say } = useI18n();
  const moment = useMoment();
  const facts = useFacts(entries.filter((e) => e.field).map((e) => e.dataset));
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const titles = new Map(list(catalogue.data?.datasets).map((d) => [d.id, name(d.title, d.english)]));
  return [
    { key: "at", title: moment.title(t("quarantine.at")), heading: t("quarantine.at"), width: 112, show: (e) => <When at={e.at} />, text: (e) => moment.text(e.at) },
    {
      key: "where",
      title: t("quarantine.dataset"),
      heading: t("quarantine.where"),
      width: 210,
      head: true,
      show: (e) => (
        <div className="ds-name">
          {e.dataset ? (
            <Link to={`/catalogue/${encodeURIComponent(e.dataset)}`}>
              <b>{e.dataset}</b> {titles.get(e.dataset) ?? ""}
            </Link>
          ) : (
            <span className="dim">{t("common.unknown")}</span>
          )}
          <small>{e.field ? <FieldName name={e.field} facts={facts(e.dataset).get(e.field)} /> : <span className="dim">{t("quarantine.wholeRow")}</span>}</small>
        </div>
      ),
      text: (e) => e.dataset,
    },
    { key: "field", title: t("field.name"), text: (e) => e.field },
    {
      key: "reason",
      title: t("quarantine.reason"),
      show: (e) => (
        <div className="ds-name">
          <b>{say(`reason.${e.reason}`, e.reason)}</b>
          <small className="val">{name(e.detail, e.detail_en)}</small>
        </div>
      ),
      text: (e) => say(`reason.${e.reason}`, e.reason),
    },
    { key: "detail", title: t("quarantine.detail"), text: (e) => name(e.detail, e.detail_en) },
    {
      key: "locator",
      title: t("quarantine.position"),
      width: 230,
      show: (e) => (
        <div className="ds-name">
          <span className="mono val">{e.locator || "–"}</span>
          <small className="dim val">{e.source}</small>
        </div>
      ),
      text: (e) => e.locator,
    },
    { key: "source", title: t("nav.sources"), text: (e) => e.source },
    {
      key: "digest",
      title: t("quarantine.digest"),
      width: 130,
      show: (e) =>
        e.digest ? (
          <span className="nowrap">
            <Tooltip title={e.digest}>
              <code>{e.digest.slice(0, 8)}…</code>
            </Tooltip>{" "}
            <Copy text={e.digest} />
          </span>
        ) : (
          "–"
        ),
      text: (e) => e.digest,
    },
  ];
}

function Reasons({ d, chosen, choose }: { d: Data; chosen: string; choose: (reason: string) => void }) {
  const { t, say } = useI18n();
  const reasons = byReason(d);
  const most = Math.max(1, ...reasons.map((r) => r.count));
  return (
    <Card title={t("quarantine.byReason")} extra={<>{t("quarantine.total")} <Num n={d.total} /></>}>
      <div className="bars">
        {reasons.map((r) => (
          <button key={r.reason} type="button" className={chosen === r.reason ? "bar-row bar-on" : "bar-row"} aria-pressed={chosen === r.reason} onClick={() => choose(chosen === r.reason ? "" : r.reason)}>
            <span className="bar-name">{say(`reason.${r.reason}`, r.reason)}</span>
            <span className="bar-rail" aria-hidden="true">
              <i style={{ width: `${(r.count / most) * 100}%` }} />
            </span>
            <Num n={r.count} />
            <small className="dim">{say(`reason.${r.reason}.do`, "")}</small>
          </button>
        ))}
      </div>
    </Card>
  );
}

function Body({ d }: { d: Data }) {
  const { t, say } = useI18n();
  const { get, set } = useFilters();
  const columns = useColumns(d.entries);
  const sets = [...new Set(d.entries.map((e) => e.dataset).filter(Boolean))].sort();
  const rows = d.entries.filter((e) => (!get("reason") || e.reason === get("reason")) && (!get("dataset") || e.dataset === get("dataset")));
  if (d.total === 0 && d.entries.length === 0)
    return (
      <Card>
        <Empty title={t("quarantine.none")}>{t("quarantine.none.do")}</Empty>
      </Card>
    );
  return (
    <div className="stack">
      <Reasons d={d} chosen={get("reason")} choose={(reason) => set({ reason })} />
      <Card className="flush">
        <div className="toolbar">
          <Select allowClear value={get("dataset") || undefined} onChange={(v: string | undefined) => set({ dataset: v ?? "" })} placeholder={t("quarantine.allDatasets")} aria-label={t("quarantine.dataset")} options={sets.map((s) => ({ value: s, label: s }))} style={{ width: 180 }} />
          <Select allowClear value={get("reason") || undefined} onChange={(v: string | undefined) => set({ reason: v ?? "" })} placeholder={t("quarantine.allReasons")} aria-label={t("quarantine.reason")} options={byReason(d).map((r) => ({ value: r.reason, label: say(`reason.${r.reason}`, r.reason) }))} style={{ width: 200 }} />
          <Export name="quarantine" columns={columns} rows={rows} />
          <span className="dim grow-right">{t("quarantine.shown", { n: rows.length, all: d.total })}</span>
        </div>
        <Listing<QuarantineEntry> columns={columns} rows={rows} rowKey={(e) => [e.dataset, e.source, e.locator, e.field, e.digest].join("|")} empty={<Empty title={t("common.noMatch")}>{t("common.noMatch.do")}</Empty>} />
      </Card>
    </div>
  );
}

export default function Quarantine() {
  const { t } = useI18n();
  const data = useApi(pathOf("/v1/quarantine", {}, { limit: 500 }), 10000);
  return (
    <>
      <PageHead title={t("nav.quarantine")} lead={t("quarantine.lead")} />
      <Ready of={data} rows={8}>{(d) => <Body d={d} />}</Ready>
    </>
  );
}
