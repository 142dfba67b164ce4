import { Select, Table, type TableColumnsType, Tooltip } from "antd";
import { Link } from "react-router";
import { useApi } from "../api/hooks";
import { list, type QuarantineEntry, pathOf } from "../api/types";
import { Card, PageHead } from "../components/Page";
import { Copy, Num, When } from "../components/Show";
import { Empty, Ready } from "../components/State";
import { useI18n } from "../i18n";
import { useFilters } from "../lib/filters";
import { byReason } from "../lib/group";

export default function Quarantine() {
  const { t, name, say } = useI18n();
  const { get, set } = useFilters();
  const data = useApi(pathOf("/v1/quarantine", {}, { limit: 500 }), 10000);
  const columns: TableColumnsType<QuarantineEntry> = [
    { title: t("quarantine.at"), key: "at", width: 122, render: (_, e) => <span className="nowrap"><When at={e.at} /></span> },
    {
      title: t("quarantine.where"),
      key: "where",
      width: 150,
      render: (_, e) => (
        <>
          {e.dataset ? <Link to={`/catalogue/${encodeURIComponent(e.dataset)}`}>{e.dataset}</Link> : <span className="dim">{t("common.unknown")}</span>} {e.field ? <code>{e.field}</code> : <span className="dim">{t("quarantine.wholeRow")}</span>}
        </>
      ),
    },
    {
      title: t("quarantine.reason"),
      key: "reason",
      render: (_, e) => (
        <div className="ds-name">
          <b>{say(`reason.${e.reason}`, e.reason)}</b>
          <small className="val">{name(e.detail, e.detail_en)}</small>
        </div>
      ),
    },
    {
      title: t("quarantine.position"),
      key: "locator",
      width: 260,
      render: (_, e) => (
        <div className="ds-name">
          <span className="mono val">{e.locator || "–"}</span>
          <small className="dim val">{e.source}</small>
        </div>
      ),
    },
    {
      title: t("quarantine.digest"),
      key: "digest",
      width: 130,
      render: (_, e) =>
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
    },
  ];
  return (
    <>
      <PageHead title={t("nav.quarantine")} lead={t("quarantine.lead")} />
      <Ready of={data} rows={8}>
        {(d) => {
          const reasons = byReason(d);
          const entries = list(d.entries);
          const total = d.total ?? reasons.reduce((n, r) => n + r.count, 0);
          const sets = [...new Set(entries.map((e) => e.dataset ?? "").filter(Boolean))].sort();
          const rows = entries.filter((e) => (!get("reason") || e.reason === get("reason")) && (!get("dataset") || e.dataset === get("dataset")));
          const most = Math.max(1, ...reasons.map((r) => r.count));
          if (total === 0 && entries.length === 0)
            return (
              <Card>
                <Empty title={t("quarantine.none")}>{t("quarantine.none.do")}</Empty>
              </Card>
            );
          return (
            <div className="stack">
              <Card title={t("quarantine.byReason")} extra={<>{t("quarantine.total")} <Num n={total} /></>}>
                <div className="bars">
                  {reasons.map((r) => (
                    <button key={r.reason} type="button" className={get("reason") === r.reason ? "bar-row bar-on" : "bar-row"} aria-pressed={get("reason") === r.reason} onClick={() => set({ reason: get("reason") === r.reason ? "" : r.reason })}>
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
              <Card className="flush">
                <div className="toolbar">
                  <Select allowClear value={get("dataset") || undefined} onChange={(v: string | undefined) => set({ dataset: v ?? "" })} placeholder={t("quarantine.allDatasets")} aria-label={t("quarantine.where")} options={sets.map((s) => ({ value: s, label: s }))} style={{ width: 180 }} />
                  <Select allowClear value={get("reason") || undefined} onChange={(v: string | undefined) => set({ reason: v ?? "" })} placeholder={t("quarantine.allReasons")} aria-label={t("quarantine.reason")} options={reasons.map((r) => ({ value: r.reason, label: say(`reason.${r.reason}`, r.reason) }))} style={{ width: 200 }} />
                  <span className="dim grow-right">{t("quarantine.shown", { n: rows.length, all: total })}</span>
                </div>
                <Table<QuarantineEntry> size="middle" tableLayout="fixed" rowKey={(e) => [e.dataset, e.source, e.locator, e.field, e.digest].join("|")} columns={columns} dataSource={rows} pagination={rows.length > 50 ? { pageSize: 50, showSizeChanger: false } : false} locale={{ emptyText: <Empty title={t("common.noMatch")}>{t("common.noMatch.do")}</Empty> }} />
              </Card>
            </div>
          );
        }}
      </Ready>
    </>
  );
}
