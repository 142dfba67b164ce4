import { Button } from "antd";
import { useMemo } from "react";
import { useApi } from "../api/hooks";
import { usePages } from "../api/pages";
import { type Answers, type Finding, list, pathOf } from "../api/types";
import { Export, Listing } from "../components/Listing";
import { Num } from "../components/Num";
import { Card, PageHead } from "../components/Page";
import { Empty, ErrorBox, Ready } from "../components/State";
import { useI18n } from "../i18n";
import { useFilters } from "../lib/filters";
import { useColumns } from "./findings/columns";
import { asked, Filters } from "./findings/Filters";
import { FindingDrawer } from "./findings/FindingDrawer";

const found = (page: Answers["/v1/findings"]) => page.findings;
const filters = ["rule", "owner", "severity", "certainty", "subject"];

export default function Findings() {
  const { t, name } = useI18n();
  const { get, set } = useFilters();
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const departments = useMemo(() => new Map(list(catalogue.data?.departments).map((d) => [d.id, name(d.title, d.english)])), [catalogue.data, name]);
  const sets = useMemo(() => new Map(list(catalogue.data?.datasets).map((d) => [d.id, d])), [catalogue.data]);
  const { first, rows, next, busy, error, loadMore, all } = usePages((cursor, limit) => pathOf("/v1/findings", {}, { ...asked(get), limit, cursor }), found);

  const counts = first.data?.by_rule ?? {};
  const rules = new Map(list(catalogue.data?.rules).map((r) => [r.id, r]));
  // Rules that the catalogue no longer has, or that it may not be read for, are named by what is found.
  const titles = new Map([...rows.map((f) => [f.rule, f.title] as const), ...[...rules].map(([id, r]) => [id, name(r.title, r.english)] as const)]);
  if (get("rule") && !titles.has(get("rule"))) titles.set(get("rule"), "");
  const options = [...titles].sort(([a], [b]) => a.localeCompare(b)).map(([id, title]) => ({ value: id, label: `${id} ${title}${counts[id] ? ` (${counts[id]})` : ""}` }));
  const titleOf = (f: Finding) => name(f.title, rules.get(f.rule)?.english);
  const filtered = filters.some((k) => get(k)) || (get("state") !== "" && get("state") !== "open");
  const clear = () => set(Object.fromEntries([...filters, "state"].map((k) => [k, ""])));
  const datasetOf = (id: string) => (id === "golden" ? t("finding.golden") : [id, name(sets.get(id)?.title, sets.get(id)?.english)].filter(Boolean).join(" "));
  const columns = useColumns({ titleOf, department: (f) => departments.get(f.owner) ?? (f.owner_title || f.owner), dataset: datasetOf, open: (f) => set({ id: f.id }) });
  return (
    <>
      <PageHead title={t("nav.findings")} lead={t("finding.lead")} actions={<Export name="findings" columns={columns} rows={rows} all={all} />} />
      <Card className="flush">
        <Filters get={get} set={set} rules={options} departments={departments} filtered={filtered} clear={clear}>
          <span className="dim grow-right">
            {t("finding.total")} <Num n={first.data?.total ?? null} />
          </span>
        </Filters>
        {get("subject") ? <p className="infobox toolbar-note">{t("finding.ofSubject")}</p> : null}
        <Ready of={first} rows={10}>
          {(page) => (
            <>
              {page.waiting.length > 0 ? <p className="infobox toolbar-note">{t("finding.waiting", { n: page.waiting.length, datasets: [...new Set(page.waiting.flatMap((w) => w.datasets))].join(", ") })}</p> : null}
              <Listing<Finding>
                whole
                columns={columns}
                rows={rows}
                rowKey={(f) => f.id}
                open={(f) => set({ id: f.id })}
                empty={
                  filtered ? (
                    <Empty title={t("finding.noMatch")} action={<Button onClick={clear}>{t("catalogue.clear")}</Button>}>
                      {t("finding.noMatch.do")}
                    </Empty>
                  ) : (
                    <Empty title={t("finding.none")}>{t("finding.none.do")}</Empty>
                  )
                }
              />
              {error ? <ErrorBox error={error} retry={() => void loadMore()} compact /> : null}
              {next ? (
                <div className="more">
                  <Button onClick={() => void loadMore()} loading={busy}>
                    {t("common.more")}
                  </Button>
                </div>
              ) : null}
            </>
          )}
        </Ready>
      </Card>
      <FindingDrawer id={get("id")} known={rows.find((f) => f.id === get("id"))} departments={departments} datasets={list(catalogue.data?.datasets)} titleOf={titleOf} ofSubject={(subject) => set({ id: "", rule: "", owner: "", severity: "", certainty: "", state: "all", subject })} close={() => set({ id: "" })} />
    </>
  );
}
