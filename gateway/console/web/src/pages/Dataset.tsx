import { ArrowLeftOutlined, StarFilled } from "@ant-design/icons";
import { Button, Table, type TableColumnsType, Tabs, Tooltip } from "antd";
import { Link, useParams } from "react-router";
import { useFlow } from "../api/flow";
import { useApi } from "../api/hooks";
import { address } from "../api/client";
import { type DatasetDetail, type FieldInfo, list, type ViewInfo, pathOf } from "../api/types";
import { Card, PageHead } from "../components/Page";
import { ClassMark, Code, DatasetMark, Num, SeverityMark, Spark, When } from "../components/Show";
import { Empty, Ready } from "../components/State";
import { useI18n } from "../i18n";
import { duration } from "../lib/format";
import { curlOf, isVerifyOnly, shortView } from "../lib/views";
import { useFilters } from "../lib/filters";

/** What a view does to one field: hidden when the view does not list it. */
function maskOf(f: FieldInfo, view: string): string | null {
  return f.mask[shortView(view)] ?? null;
}

function MaskCell({ rule, verify }: { rule: string | null; verify: boolean }) {
  const { t, say } = useI18n();
  if (rule === null) return <span className="dim">{t("mask.hidden")}</span>;
  if (verify) return <span className="mask mask-verify">{t("mask.verify")}</span>;
  if (rule === "" || rule === "clear") return <span className="mask mask-clear">{t("mask.clear")}</span>;
  return (
    <Tooltip title={say(`mask.${rule}.long`, rule)}>
      <span className="mask mask-on">{say(`mask.${rule}`, rule)}</span>
    </Tooltip>
  );
}

function Fields({ d }: { d: DatasetDetail }) {
  const { t, name, lang } = useI18n();
  const keys = new Set(d.key);
  const columns: TableColumnsType<FieldInfo> = [
    {
      title: t("field.name"),
      key: "name",
      render: (_, f) => (
        <>
          <code>{f.name}</code> {keys.has(f.name) ? <span className="chip">{t("field.key")}</span> : null}
        </>
      ),
    },
    { title: t("field.title"), key: "title", render: (_, f) => name(f.title, f.english) || "–" },
    { title: t("field.element"), key: "element", render: (_, f) => (lang === "zh" && f.element_title) || f.element || "–" },
    { title: t("field.type"), key: "type", render: (_, f) => <code>{f.type ?? "–"}</code> },
    { title: t("field.level"), key: "level", render: (_, f) => <span className={`level level-${f.level ?? ""}`}>{f.level ?? "–"}</span> },
    { title: t("field.nullable"), key: "nullable", render: (_, f) => (f.nullable ? t("field.optional") : t("field.required")) },
    {
      title: t("field.source"),
      key: "source",
      render: (_, f) =>
        f.source ? (
          <Tooltip title={t("field.source.long")}>
            <span className="source-mark">
              <StarFilled aria-hidden="true" /> {t("field.source.yes")}
            </span>
          </Tooltip>
        ) : (
          <span className="dim">{t("field.source.no")}</span>
        ),
    },
  ];
  return <Table<FieldInfo> size="small" rowKey="name" columns={columns} dataSource={d.fields} pagination={false} scroll={{ x: "max-content" }} />;
}

function Masks({ d }: { d: DatasetDetail }) {
  const { t, name, say } = useI18n();
  const views = d.views;
  if (views.length === 0) return <Empty title={t("dataset.noViews")}>{t("dataset.noViews.do")}</Empty>;
  const columns: TableColumnsType<FieldInfo> = [
    {
      title: t("field.name"),
      key: "name",
      fixed: "left",
      render: (_, f) => (
        <>
          <code>{f.name}</code> <span className="dim">{name(f.title, f.english)}</span>
        </>
      ),
    },
    ...views.map((v) => ({
      title: (
        <span>
          {v.title || say(`view.${shortView(v.id)}`, shortView(v.id))}
          <br />
          <code>{v.id}</code>
        </span>
      ),
      key: v.id,
      render: (_: unknown, f: FieldInfo) => <MaskCell rule={maskOf(f, v.id)} verify={isVerifyOnly(v)} />,
    })),
  ];
  return (
    <div className="stack">
      <p className="dim">{t("dataset.masks.lead")}</p>
      <Table<FieldInfo> size="small" rowKey="name" columns={columns} dataSource={d.fields} pagination={false} scroll={{ x: "max-content" }} />
    </div>
  );
}

function Relations({ d }: { d: DatasetDetail }) {
  const { t, name, say, lang } = useI18n();
  const rules = d.rules;
  const links = d.links;
  return (
    <div className="two">
      <div>
        <h3>{t("dataset.links")}</h3>
        {links.length === 0 ? (
          <Empty title={t("dataset.noLinks")}>{t("dataset.noLinks.do")}</Empty>
        ) : (
          <ul className="plain">
            {links.map((l, i) => (
              <li key={i}>
                <Link to={`/catalogue/entities/${encodeURIComponent(l.entity)}`}>{(lang === "zh" && l.entity_title) || say(`entity.${l.entity}`, l.entity)}</Link>{" "}
                {l.key ? (
                  <>
                    {t("dataset.by")} <code>{l.key}</code>
                  </>
                ) : null}{" "}
                {l.role ? <span className="chip">{say(`role.${l.role}`, l.role)}</span> : <span className="chip">{t("dataset.subject")}</span>}
              </li>
            ))}
          </ul>
        )}
      </div>
      <div>
        <h3>{t("dataset.rules")}</h3>
        {rules.length === 0 ? (
          <Empty title={t("dataset.noRules")}>{t("dataset.noRules.do")}</Empty>
        ) : (
          <ul className="plain">
            {rules.map((r) => (
              <li key={r.id}>
                <Link to={`/findings?state=open&rule=${encodeURIComponent(r.id)}`}>{r.id}</Link> {name(r.title, r.english)} {r.severity ? <SeverityMark severity={r.severity} /> : null}
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}

function Interface({ d }: { d: DatasetDetail }) {
  const { t, say } = useI18n();
  const views = d.views;
  if (views.length === 0) return <Empty title={t("dataset.noViews")}>{t("dataset.noViews.do")}</Empty>;
  // Two fields of the view to begin with; without its own list, the dataset's.
  const verified = (v: ViewInfo) => {
    const own = v.fields.length > 0 ? v.fields : d.fields;
    return own.map((f) => f.name).slice(0, 2);
  };
  return (
    <div className="stack">
      <p className="dim">{t("dataset.curl.lead")}</p>
      {views.map((v) => (
        <div key={v.id}>
          <p>
            <code>{v.id}</code> {v.title || say(`view.${shortView(v.id)}`, "")} <Link to={`/lookup?view=${encodeURIComponent(v.id)}`}>{t("dataset.try")}</Link>
          </p>
          <Code text={curlOf(address(""), v.id, d.key.map((k) => `{${k}}`).join("|"), isVerifyOnly(v) ? verified(v) : null)} />
        </div>
      ))}
    </div>
  );
}

function Body({ d }: { d: DatasetDetail }) {
  const { t, name, lang, say } = useI18n();
  const { flow, spark } = useFlow();
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const { get, set } = useFilters();
  const live = list(flow?.datasets).find((x) => x.id === d.id);
  const state = live?.state ?? d.state;
  const dept = list(catalogue.data?.departments).find((x) => x.id === d.provider);
  const tabs = [
    { key: "fields", label: `${t("dataset.tab.fields")} ${d.fields.length}`, children: <Fields d={d} /> },
    { key: "masks", label: `${t("dataset.tab.masks")} ${d.views.length}`, children: <Masks d={d} /> },
    { key: "rules", label: t("dataset.tab.rules"), children: <Relations d={d} /> },
    { key: "curl", label: t("dataset.tab.curl"), children: <Interface d={d} /> },
  ];
  return (
    <>
      <PageHead
        back={
          <Link to="/catalogue">
            <ArrowLeftOutlined /> {t("nav.catalogue")}
          </Link>
        }
        title={
          <>
            {d.id} {name(d.title, d.english)} <ClassMark c={d.class} /> <DatasetMark state={state} solid />
          </>
        }
        actions={
          d.views.length > 0 ? (
            <Link to={`/lookup?view=${encodeURIComponent(d.views[0]!.id)}`}>
              <Button type="primary">{t("dataset.try")}</Button>
            </Link>
          ) : null
        }
      />
      <div className="stack">
        <Card>
          <dl className="facts">
            <div>
              <dt>{t("dataset.provider")}</dt>
              <dd>
                <Link to={`/catalogue?provider=${encodeURIComponent(d.provider)}`}>{name(dept?.title ?? d.provider_title, dept?.english) || d.provider}</Link>
              </dd>
            </div>
            <div>
              <dt>{t("dataset.code")}</dt>
              <dd className="mono">{d.code || "–"}</dd>
            </div>
            <div>
              <dt>{t("dataset.cycle")}</dt>
              <dd>{say(`cycle.${d.cycle}`, d.cycle)}</dd>
            </div>
            <div>
              <dt>{t("dataset.updated")}</dt>
              <dd>
                <When at={d.last_update} />
              </dd>
            </div>
            <div>
              <dt>{t("sources.lag")}</dt>
              <dd>{duration(live?.lag_s, lang) ?? <span className="dim">{t("common.unknown")}</span>}</dd>
            </div>
            <div>
              <dt>{t("dataset.rows")}</dt>
              <dd>
                <Num n={d.rows} />
              </dd>
            </div>
            <div>
              <dt>{t("flow.changes")}</dt>
              <dd>
                <Num n={live?.changes_per_s} unit={t("unit.perSecond")} /> <Spark values={spark[d.id] ?? []} label={t("flow.changes")} />
              </dd>
            </div>
            <div>
              <dt>{t("dataset.sources")}</dt>
              <dd>
                {d.sources.length === 0
                  ? "–"
                  : d.sources.map((s) => (
                      <Link key={s} className="chip" to={`/sources?q=${encodeURIComponent(s)}`}>
                        {s}
                      </Link>
                    ))}
              </dd>
            </div>
          </dl>
          {d.basis ? <p className="warnbox">{t("dataset.basis", { basis: d.basis })}</p> : null}
        </Card>
        <Card>
          <Tabs activeKey={get("tab") || "fields"} onChange={(tab) => set({ tab: tab === "fields" ? "" : tab })} items={tabs} />
        </Card>
      </div>
    </>
  );
}

export default function Dataset() {
  const { id = "" } = useParams();
  const d = useApi(pathOf("/v1/catalogue/datasets/{id}", { id }), 15000);
  return <Ready of={d} rows={10}>{(x) => <Body d={x} />}</Ready>;
}
