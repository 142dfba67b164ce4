import { Button, Select, Table, type TableColumnsType } from "antd";
import { useEffect, useMemo, useState } from "react";
import { ApiError } from "../api/client";
import { read, useApi } from "../api/hooks";
import { type Finding, list, pathOf } from "../api/types";
import { Card, PageHead } from "../components/Page";
import { FindingMark, Num, CertaintyMark, SeverityMark, When } from "../components/Show";
import { Empty, ErrorBox, Ready } from "../components/State";
import { useI18n } from "../i18n";
import { useFilters } from "../lib/filters";
import { Due } from "./findings/Due";
import { FindingDrawer } from "./findings/FindingDrawer";

const pageSize = 100;

/** A filter of the address if it is one of those that can be asked for, else none. */
const oneOf = <V extends string>(v: string, ...may: V[]): V | "" => may.find((m) => m === v) ?? "";

// Rules met in this session, so that a filter can be changed after it was set.
const met = new Map<string, string>();

export default function Findings() {
  const { t, name, say } = useI18n();
  const { get, set } = useFilters();
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const departments = useMemo(() => new Map(list(catalogue.data?.departments).map((d) => [d.id, name(d.title, d.english)])), [catalogue.data, name]);
  // Without a choice the open ones are shown: they are the work.
  const state = get("state") || "open";
  const asked = (cursor: string) =>
    pathOf("/v1/findings", {}, {
      state: oneOf(state, "open", "closed"),
      rule: get("rule"),
      owner: get("owner"),
      severity: oneOf(get("severity"), "high", "medium", "low"),
      certainty: oneOf(get("certainty"), "contradiction", "to_confirm"),
      limit: pageSize,
      cursor,
    });
  const path = asked("");
  const first = useApi(path, 10000);
  const [more, setMore] = useState<{ path: string; rows: Finding[]; next: string | null; error?: ApiError; busy: boolean }>({ path: "", rows: [], next: null, busy: false });
  const mine = more.path === path ? more : null;
  const next = mine ? mine.next : (first.data?.next ?? null);
  const rows = useMemo(() => {
    const byId = new Map<string, Finding>();
    for (const f of [...list(first.data?.findings), ...(mine?.rows ?? [])]) if (!byId.has(f.id)) byId.set(f.id, f);
    return [...byId.values()];
  }, [first.data, mine]);
  useEffect(() => {
    for (const f of rows) met.set(f.rule, f.title);
  }, [rows]);

  const loadMore = async () => {
    if (!next) return;
    setMore({ path, rows: mine?.rows ?? [], next, busy: true });
    try {
      const page = await read(asked(next));
      setMore((m) => ({ path, rows: [...(m.path === path ? m.rows : []), ...list(page.findings)], next: page.next, busy: false }));
    } catch (e) {
      if (e instanceof ApiError) setMore((m) => ({ ...m, path, error: e, busy: false }));
    }
  };

  const counts = first.data?.by_rule ?? {};
  const ruleTitles = new Map<string, string>(list(catalogue.data?.rules).map((r) => [r.id, name(r.title, r.english)]));
  for (const [id, title] of met) if (!ruleTitles.has(id)) ruleTitles.set(id, title);
  const english = new Map(list(catalogue.data?.rules).map((r) => [r.id, r.english]));
  const titleOf = (f: Finding) => name(f.title, english.get(f.rule));
  if (get("rule") && !ruleTitles.has(get("rule"))) ruleTitles.set(get("rule"), "");
  const ruleOptions = [...ruleTitles].sort(([a], [b]) => a.localeCompare(b)).map(([id, title]) => ({ value: id, label: `${id} ${title}${counts[id] ? ` (${counts[id]})` : ""}` }));
  const filtered = get("rule") || get("owner") || get("severity") || get("certainty") || (get("state") && get("state") !== "open");
  const clear = () => set({ rule: "", owner: "", severity: "", certainty: "", state: "" });

  const columns: TableColumnsType<Finding> = [
    { title: t("finding.severity"), key: "severity", width: 96, render: (_, f) => <SeverityMark severity={f.severity} /> },
    {
      title: t("finding.what"),
      key: "what",
      render: (_, f) => (
        <div className="ds-name">
          <button type="button" className="linkish left" onClick={() => set({ id: f.id })}>
            <b>{f.rule}</b> {titleOf(f)}
          </button>{" "}
          <CertaintyMark certainty={f.certainty} />
          <small className="dim">{list(f.evidence).map((e) => e.dataset).filter((d, i, a) => a.indexOf(d) === i).join(" ↔ ")}</small>
        </div>
      ),
    },
    {
      title: t("finding.subject"),
      key: "subject",
      width: 216,
      render: (_, f) => (
        <div className="ds-name">
          <span className="mono val">{f.subject_masked || f.subject}</span>
          <small className="dim">{say(`entity.${f.entity}`, f.entity)}</small>
        </div>
      ),
    },
    { title: t("finding.owner"), key: "owner", width: 150, render: (_, f) => departments.get(f.owner) ?? f.owner_title ?? f.owner },
    {
      title: t("finding.opened"),
      key: "opened",
      width: 126,
      render: (_, f) => (
        <span className="nowrap">
          <When at={f.opened_at} />
        </span>
      ),
      sorter: (a, b) => Date.parse(a.opened_at) - Date.parse(b.opened_at),
    },
    { title: t("finding.due"), key: "due", width: 108, render: (_, f) => <Due finding={f} /> },
    { title: t("finding.state"), key: "state", width: 98, render: (_, f) => <FindingMark state={f.state} /> },
  ];
  return (
    <>
      <PageHead title={t("nav.findings")} lead={t("finding.lead")} />
      <Card className="flush">
        <div className="toolbar">
          <Select
            value={state}
            onChange={(v) => set({ state: v === "open" ? "" : v })}
            options={["open", "closed", "all"].map((s) => ({ value: s, label: say(`finding.filter.${s}`, s) }))}
            aria-label={t("finding.state")}
            style={{ width: 120 }}
          />
          <Select
            allowClear
            showSearch={{ optionFilterProp: "label" }}
            value={get("rule") || undefined}
            onChange={(v: string | undefined) => set({ rule: v ?? "" })}
            placeholder={t("finding.allRules")}
            aria-label={t("finding.rule")}
            options={ruleOptions}
            style={{ width: 240 }}
          />
          <Select
            allowClear
            value={get("owner") || undefined}
            onChange={(v: string | undefined) => set({ owner: v ?? "" })}
            placeholder={t("finding.allOwners")}
            aria-label={t("finding.owner")}
            options={[...departments].map(([value, label]) => ({ value, label }))}
            style={{ width: 170 }}
          />
          <Select
            allowClear
            value={get("severity") || undefined}
            onChange={(v: string | undefined) => set({ severity: v ?? "" })}
            placeholder={t("finding.allSeverities")}
            aria-label={t("finding.severity")}
            options={["high", "medium", "low"].map((s) => ({ value: s, label: say(`severity.${s}`, s) }))}
            style={{ width: 130 }}
          />
          <Select
            allowClear
            value={get("certainty") || undefined}
            onChange={(v: string | undefined) => set({ certainty: v ?? "" })}
            placeholder={t("finding.allCertainties")}
            aria-label={t("finding.certainty")}
            options={["contradiction", "to_confirm"].map((s) => ({ value: s, label: say(`certainty.${s}`, s) }))}
            style={{ width: 130 }}
          />
          {filtered ? (
            <Button size="small" onClick={clear}>
              {t("catalogue.clear")}
            </Button>
          ) : null}
          <span className="dim grow-right">
            {t("finding.total")} <Num n={first.data?.total ?? (first.data ? rows.length : null)} />
          </span>
        </div>
        <Ready of={first} rows={10}>
          {() => (
            <>
              <Table<Finding>
                size="middle"
                tableLayout="fixed"
                rowKey="id"
                columns={columns}
                dataSource={rows}
                pagination={false}
                onRow={(f) => ({ onClick: (e) => (e.target as HTMLElement).closest("a,button") === null && set({ id: f.id }), className: "clickable" })}
                locale={{
                  emptyText: filtered ? (
                    <Empty title={t("finding.noMatch")} action={<Button onClick={clear}>{t("catalogue.clear")}</Button>}>
                      {t("finding.noMatch.do")}
                    </Empty>
                  ) : (
                    <Empty title={t("finding.none")}>{t("finding.none.do")}</Empty>
                  ),
                }}
              />
              {mine?.error ? <ErrorBox error={mine.error} retry={() => void loadMore()} compact /> : null}
              {next ? (
                <div className="more">
                  <Button onClick={() => void loadMore()} loading={mine?.busy}>
                    {t("common.more")}
                  </Button>
                </div>
              ) : null}
            </>
          )}
        </Ready>
      </Card>
      <FindingDrawer id={get("id")} known={rows.find((f) => f.id === get("id"))} departments={departments} datasets={list(catalogue.data?.datasets)} titleOf={titleOf} close={() => set({ id: "" })} />
    </>
  );
}
