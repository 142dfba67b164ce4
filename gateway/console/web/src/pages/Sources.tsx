import { Input, Segmented } from "antd";
import { useFlow } from "../api/flow";
import { useApi } from "../api/hooks";
import { type FlowSource, list, pathOf } from "../api/types";
import { Export, useMoment } from "../components/Listing";
import { Card, PageHead } from "../components/Page";
import { Empty, ErrorBox, Waiting } from "../components/State";
import { useI18n } from "../i18n";
import type { TextColumn } from "../lib/csv";
import { useFilters } from "../lib/filters";
import { fold } from "../lib/search";
import { SourceCard } from "./sources/SourceCard";
import { lagOf } from "./sources/state";

const harm: Record<string, number> = { failed: 0, held: 0, silent: 0, waiting: 1, stopped: 1, resync: 2, snapshot: 2, starting: 2, running: 3 };
export default function Sources() {
  const { t, name, say } = useI18n();
  const { flow, error } = useFlow();
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const { get, set } = useFilters();
  const moment = useMoment();
  const departments = new Map(list(catalogue.data?.departments).map((d) => [d.id, name(d.title, d.english)]));
  const provider = new Map(list(catalogue.data?.datasets).map((d) => [d.id, departments.get(d.provider) ?? d.provider_title ?? d.provider]));
  const of = (id: string) => provider.get(id) ?? "";
  const all = list(flow?.sources);
  const q = fold(get("q"));
  const state = get("state") || "all";
  const rows = all
    .filter((s) => state === "all" || s.state === state)
    .filter((s) => !q || fold([s.name, s.kind, ...s.datasets, ...s.datasets.map(of)].join(" ")).includes(q))
    .sort((a, b) => (harm[a.state] ?? 1) - (harm[b.state] ?? 1) || a.name.localeCompare(b.name));
  const states = [...new Set(all.map((s) => s.state))].sort((a, b) => (harm[a] ?? 1) - (harm[b] ?? 1));
  const columns: TextColumn<FlowSource>[] = [
    { title: t("dataset.sources"), text: (s) => s.name },
    { title: t("sources.kind"), text: (s) => say(`kind.${s.kind}`, s.kind) },
    { title: t("finding.state"), text: (s) => say(`source.${s.state}`, s.state) },
    { title: t("quarantine.dataset"), text: (s) => s.datasets.join("; ") },
    { title: t("dataset.provider"), text: (s) => [...new Set(s.datasets.map(of))].join("; ") },
    { title: t("sources.lag.seconds"), text: (s) => lagOf(s, flow) },
    { title: t("sources.rows"), text: (s) => s.rows },
    { title: moment.title(t("sources.seen")), text: (s) => moment.text(s.last_seen) },
    { title: t("sources.error"), text: (s) => name(s.last_error, s.last_error_en) },
    { title: t("error.todo.title"), text: (s) => name(s.do, s.do_en) },
  ];
  return (
    <>
      <PageHead title={t("nav.sources")} lead={t("sources.lead")} actions={<Export name="sources" columns={columns} rows={rows} />} />
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
