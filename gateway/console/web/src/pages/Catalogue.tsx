import { Button, Input, Table, type TableColumnsType } from "antd";
import { useMemo } from "react";
import { Link } from "react-router";
import { useFlow } from "../api/flow";
import { useFieldIndex } from "../api/fields";
import { useApi } from "../api/hooks";
import { type Catalogue as Data, type DatasetSummary, list, pathOf } from "../api/types";
import { Card, PageHead } from "../components/Page";
import { ClassMark, DatasetMark, Num, When } from "../components/Show";
import { Empty, Ready } from "../components/State";
import { useI18n } from "../i18n";
import { useFilters } from "../lib/filters";
import { type FacetName, facetCounts, type Hit, searchDatasets } from "../lib/search";

const facets: FacetName[] = ["state", "class", "cycle", "provider"];
const orders: Partial<Record<FacetName, string[]>> = {
  state: ["fresh", "due", "overdue", "stopped", "unknown"],
  class: ["A", "B", "C"],
  cycle: ["realtime", "daily", "weekly", "monthly", "quarterly", "halfyear", "yearly"],
};

function Facet({ facet, counts, chosen, label, toggle }: { facet: FacetName; counts: Map<string, number>; chosen: string[]; label: (v: string) => string; toggle: (v: string) => void }) {
  const { t } = useI18n();
  const order = orders[facet];
  const values = [...new Set([...counts.keys(), ...chosen])].sort((a, b) => (order ? order.indexOf(a) - order.indexOf(b) : (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || a.localeCompare(b)));
  if (values.length === 0) return null;
  return (
    <fieldset className="facet">
      <legend>{t(`facet.${facet}`)}</legend>
      {values.map((v) => (
        <label key={v}>
          <input type="checkbox" checked={chosen.includes(v)} onChange={() => toggle(v)} />
          <span title={label(v)}>{label(v)}</span>
          <span className="num dim">{counts.get(v) ?? 0}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Entities({ data }: { data: Data }) {
  const { t, name } = useI18n();
  const entities = data.entities.filter((e) => e.fields !== 0);
  if (entities.length === 0) return null;
  return (
    <div className="bases">
      <span className="dim">{t("catalogue.bases")}</span>
      {entities.map((e) => {
        return (
          <Link key={e.id} className="chip" to={`/catalogue/entities/${encodeURIComponent(e.id)}`}>
            {name(e.title, e.english) || e.id}
            {` · ${t("catalogue.nFields", { n: e.fields })}`}
          </Link>
        );
      })}
    </div>
  );
}

function Browse({ data }: { data: Data }) {
  const { t, name, say } = useI18n();
  const { get, all, set } = useFilters();
  const { flow } = useFlow();
  const q = get("q");
  const live = useMemo(() => new Map(list(flow?.datasets).map((d) => [d.id, d])), [flow]);
  const sets = useMemo(() => data.datasets.map((d) => ({ ...d, state: live.get(d.id)?.state ?? d.state })), [data, live]);
  const { index, busy } = useFieldIndex(data.datasets, q.trim().length >= 2);
  const departments = useMemo(() => new Map(data.departments.map((d) => [d.id, name(d.title, d.english)])), [data, name]);
  const department = (id: string) => departments.get(id) ?? id;
  const valueOf = (d: DatasetSummary, f: FacetName) => d[f];
  const hits = searchDatasets(sets, q, index, department);
  const chosen = Object.fromEntries(facets.map((f) => [f, all(f)])) as Record<FacetName, string[]>;
  const counts = facetCounts(
    hits.map((h) => h.dataset),
    chosen,
    valueOf,
  );
  const rows = hits.filter((h) => facets.every((f) => chosen[f].length === 0 || chosen[f].includes(valueOf(h.dataset, f))));
  const labelOf = (f: FacetName) => (v: string) =>
    f === "provider" ? department(v) : f === "state" ? say(`state.${v}`, v) : f === "class" ? say(`class.${v}`, v) : say(`cycle.${v}`, v);
  const filtered = q !== "" || facets.some((f) => chosen[f].length > 0);
  const clear = () => set({ q: "", provider: "", class: "", cycle: "", state: "" });

  const columns: TableColumnsType<Hit> = [
    {
      title: t("dataset.name"),
      key: "title",
      render: (_, { dataset: d, fields }) => (
        <div className="ds-name">
          <Link to={`/catalogue/${encodeURIComponent(d.id)}`}>
            <b>{d.id}</b> {name(d.title, d.english)}
          </Link>
          {d.code ? <small className="dim mono">{d.code}</small> : null}
          {fields.length > 0 ? (
            <small>
              {t("catalogue.matched")}{" "}
              {fields.slice(0, 4).map((f) => (
                <span key={f.name} className="chip">
                  {f.name} {name(f.title, f.english)}
                </span>
              ))}
            </small>
          ) : null}
        </div>
      ),
    },
    { title: t("dataset.provider"), key: "provider", width: 136, render: (_, h) => department(h.dataset.provider) },
    { title: t("dataset.class"), key: "class", width: 104, render: (_, h) => <ClassMark c={h.dataset.class} /> },
    { title: t("dataset.cycle"), key: "cycle", width: 94, render: (_, h) => say(`cycle.${h.dataset.cycle}`, h.dataset.cycle) },
    { title: t("dataset.fields"), key: "fields", width: 88, align: "right", render: (_, h) => <Num n={h.dataset.fields} />, sorter: (a, b) => a.dataset.fields - b.dataset.fields },
    {
      title: t("dataset.rows"),
      key: "rows",
      width: 96,
      align: "right",
      render: (_, h) => <Num n={h.dataset.rows} />,
      sorter: (a, b) => (a.dataset.rows ?? -1) - (b.dataset.rows ?? -1),
    },
    {
      title: t("dataset.updated"),
      key: "updated",
      width: 122,
      render: (_, h) => (
        <span className="nowrap">
          <When at={h.dataset.last_update} />
        </span>
      ),
      sorter: (a, b) => Date.parse(a.dataset.last_update ?? "") - Date.parse(b.dataset.last_update ?? ""),
    },
    { title: t("dataset.state"), key: "state", width: 98, render: (_, h) => <DatasetMark state={h.dataset.state} /> },
  ];
  return (
    <div className="browse">
      <aside className="card facets" aria-label={t("facet.aria")}>
        {facets.map((f) => (
          <Facet
            key={f}
            facet={f}
            counts={counts[f]}
            chosen={chosen[f]}
            label={labelOf(f)}
            toggle={(v) => set({ [f]: chosen[f].includes(v) ? chosen[f].filter((x) => x !== v) : [...chosen[f], v] })}
          />
        ))}
      </aside>
      <Card className="flush">
        <div className="toolbar">
          <Input.Search
            data-search=""
            allowClear
            value={q}
            onChange={(e) => set({ q: e.target.value })}
            placeholder={t("catalogue.search")}
            aria-label={t("catalogue.search")}
            style={{ maxWidth: 460 }}
          />
          <span className="dim">
            {t("catalogue.found", { n: rows.length, all: sets.length })}
            {busy ? ` · ${t("catalogue.indexing")}` : ""}
          </span>
          {filtered ? (
            <Button size="small" onClick={clear}>
              {t("catalogue.clear")}
            </Button>
          ) : null}
        </div>
        <Table<Hit>
          size="middle"
          tableLayout="fixed"
          rowKey={(h) => h.dataset.id}
          columns={columns}
          dataSource={rows}
          pagination={rows.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
          locale={{
            emptyText: filtered ? (
              <Empty title={t("catalogue.noMatch")} action={<Button onClick={clear}>{t("catalogue.clear")}</Button>}>
                {t("catalogue.noMatch.do")}
              </Empty>
            ) : (
              <Empty title={t("catalogue.empty")}>{t("catalogue.empty.do")}</Empty>
            ),
          }}
        />
      </Card>
    </div>
  );
}

export default function Catalogue() {
  const { t } = useI18n();
  const data = useApi(pathOf("/v1/catalogue"), 15000);
  return (
    <>
      <PageHead
        title={t("nav.catalogue")}
        lead={t("catalogue.lead")}
        actions={
          data.data ? (
            <span className="dim">
              {t("catalogue.version")} <code>{data.data.version}</code>
            </span>
          ) : null
        }
      />
      <Ready of={data} rows={10}>
        {(d) => (
          <div className="stack">
            <Entities data={d} />
            <Browse data={d} />
          </div>
        )}
      </Ready>
    </>
  );
}
