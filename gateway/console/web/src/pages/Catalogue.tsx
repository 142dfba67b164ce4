import { Button, Input } from "antd";
import { useMemo } from "react";
import { Link } from "react-router";
import { useFlow } from "../api/flow";
import { useFieldIndex } from "../api/fields";
import { useApi } from "../api/hooks";
import { type Catalogue as Data, type DatasetSummary, list, pathOf } from "../api/types";
import { Export, Listing } from "../components/Listing";
import { Card, PageHead } from "../components/Page";
import { Empty, Ready } from "../components/State";
import { useI18n } from "../i18n";
import { useFilters } from "../lib/filters";
import { useNarrow } from "../lib/narrow";
import { type FacetName, facetCounts, type Hit, searchDatasets } from "../lib/search";
import { useColumns } from "./catalogue/columns";
import { Facet, facets } from "./catalogue/Facet";

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
  const narrow = useNarrow();
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

  const columns = useColumns(department);
  const choices = facets.map((f) => (
          <Facet
            key={f}
            facet={f}
            counts={counts[f]}
            chosen={chosen[f]}
            label={labelOf(f)}
            toggle={(v) => set({ [f]: chosen[f].includes(v) ? chosen[f].filter((x) => x !== v) : [...chosen[f], v] })}
          />
        ));
  return (
    <div className="browse">
      <aside className="card facets" aria-label={t("facet.aria")}>
        {narrow ? (
          <details>
            <summary>{t("facet.aria")}</summary>
            {choices}
          </details>
        ) : (
          choices
        )}
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
          {filtered ? <Button onClick={clear}>{t("catalogue.clear")}</Button> : null}
          <span className="grow-right">
            <Export name="datasets" columns={columns} rows={rows} />
          </span>
        </div>
        <Listing<Hit>
          columns={columns}
          rows={rows}
          rowKey={(h) => h.dataset.id}
          empty={
            filtered ? (
              <Empty title={t("catalogue.noMatch")} action={<Button onClick={clear}>{t("catalogue.clear")}</Button>}>
                {t("catalogue.noMatch.do")}
              </Empty>
            ) : (
              <Empty title={t("catalogue.empty")}>{t("catalogue.empty.do")}</Empty>
            )
          }
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
