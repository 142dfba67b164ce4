import { Button, Select } from "antd";
import { useApi } from "../api/hooks";
import { usePages } from "../api/pages";
import { list, pathOf, type Quarantine as Data, type QuarantineEntry } from "../api/types";
import { Export, Listing } from "../components/Listing";
import { Num } from "../components/Num";
import { Card, PageHead } from "../components/Page";
import { Empty, ErrorBox, Ready } from "../components/State";
import { useI18n } from "../i18n";
import { useFilters } from "../lib/filters";
import { byReason } from "../lib/group";
import { useColumns } from "./quarantine/columns";

const known = ["missing", "invalid", "unreadable", "schema", "unknown", "duplicate", "too_large", "internal"] as const;
const states = ["open", "settled", "all"];
const entriesOf = (page: Data) => page.entries;
/** A filter of the address if it is one of those that can be asked for, else none. */
const oneOf = <V extends string>(v: string, may: readonly V[]): V | "" => may.find((m) => m === v) ?? "";

function Reasons({ d, chosen, choose }: { d: Data; chosen: string; choose: (reason: string) => void }) {
  const { t, say } = useI18n();
  const reasons = byReason(d);
  const most = Math.max(1, ...reasons.map((r) => r.count));
  return (
    <Card title={t("quarantine.byReason")} extra={<>{t("quarantine.open")} <Num n={d.open} /></>}>
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

export default function Quarantine() {
  const { t, say, name } = useI18n();
  const { get, set } = useFilters();
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const state = get("state") || "open";
  const { first, rows, next, busy, error, loadMore, all } = usePages(
    (cursor, limit) => pathOf("/v1/quarantine", {}, { dataset: get("dataset"), source: get("source"), reason: oneOf(get("reason"), known), state: oneOf(state, ["open", "settled"] as const), limit, cursor }),
    entriesOf,
  );
  const columns = useColumns(rows);
  const sources = [...new Set([...rows.map((e) => e.from || e.source), get("source")].filter(Boolean))].sort();
  const filtered = ["dataset", "source", "reason", "state"].some((k) => get(k));
  const choose = (k: string) => (v: string | undefined) => set({ [k]: v ?? "" });
  return (
    <>
      <PageHead title={t("nav.quarantine")} lead={t("quarantine.lead")} actions={<Export name="quarantine" columns={columns} rows={rows} all={all} />} />
      <Ready of={first} rows={8}>
        {(d) => (
          <div className="stack">
            <Reasons d={d} chosen={get("reason")} choose={(reason) => set({ reason })} />
            <Card className="flush">
              <div className="toolbar">
                <Select value={state} onChange={(v) => set({ state: v === "open" ? "" : v })} aria-label={t("quarantine.state")} options={states.map((s) => ({ value: s, label: say(`quarantine.filter.${s}`, s) }))} style={{ width: 120 }} />
                <Select allowClear showSearch={{ optionFilterProp: "label" }} value={get("dataset") || undefined} onChange={choose("dataset")} placeholder={t("quarantine.allDatasets")} aria-label={t("quarantine.dataset")} options={list(catalogue.data?.datasets).map((s) => ({ value: s.id, label: `${s.id} ${name(s.title, s.english)}` }))} style={{ width: 210 }} />
                <Select allowClear value={get("source") || undefined} onChange={choose("source")} placeholder={t("quarantine.allSources")} aria-label={t("nav.sources")} options={sources.map((s) => ({ value: s, label: s }))} style={{ width: 170 }} />
                <Select allowClear value={get("reason") || undefined} onChange={choose("reason")} placeholder={t("quarantine.allReasons")} aria-label={t("quarantine.reason")} options={known.map((r) => ({ value: r, label: say(`reason.${r}`, r) }))} style={{ width: 180 }} />
                <span className="dim grow-right">{t("quarantine.shown", { n: rows.length, all: d.total })}</span>
              </div>
              {d.beyond > 0 ? <p className="infobox toolbar-note">{t("quarantine.beyond", { n: d.beyond })}</p> : null}
              <Listing<QuarantineEntry>
                whole
                columns={columns}
                rows={rows}
                rowKey={(e) => e.id}
                empty={filtered ? <Empty title={t("common.noMatch")}>{t("common.noMatch.do")}</Empty> : <Empty title={t("quarantine.none")}>{t("quarantine.none.do")}</Empty>}
              />
              {error ? <ErrorBox error={error} retry={() => void loadMore()} compact /> : null}
              {next ? (
                <div className="more">
                  <Button onClick={() => void loadMore()} loading={busy}>
                    {t("common.more")}
                  </Button>
                </div>
              ) : null}
            </Card>
          </div>
        )}
      </Ready>
    </>
  );
}
