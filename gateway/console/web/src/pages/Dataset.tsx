import { ArrowLeftOutlined } from "@ant-design/icons";
import { Button, Tabs } from "antd";
import { Link, useParams } from "react-router";
import { useFlow } from "../api/flow";
import { useApi } from "../api/hooks";
import { type DatasetDetail, list, pathOf } from "../api/types";
import { ClassMark, DatasetMark } from "../components/Mark";
import { Num, Spark } from "../components/Num";
import { Card, PageHead } from "../components/Page";
import { Ready } from "../components/State";
import { When } from "../components/When";
import { useI18n } from "../i18n";
import { useFilters } from "../lib/filters";
import { duration } from "../lib/format";
import { Fields } from "./dataset/Fields";
import { Interface } from "./dataset/Interface";
import { Masks } from "./dataset/Masks";
import { Relations } from "./dataset/Relations";

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
              <dt>{t("when.asOf")}</dt>
              <dd>
                <When at={d.as_of} none={t("common.unknown")} />
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
