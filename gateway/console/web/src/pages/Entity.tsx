import { ArrowLeftOutlined } from "@ant-design/icons";
import { Table, type TableColumnsType } from "antd";
import { Link, useParams } from "react-router";
import { useApi } from "../api/hooks";
import { type EntityDetail, type GoldenField, list, pathOf } from "../api/types";
import { Card, PageHead } from "../components/Page";
import { Empty, Ready } from "../components/State";
import { useI18n } from "../i18n";
import { day } from "../lib/format";
import { isExplain, shortView } from "../lib/views";

function Body({ e }: { e: EntityDetail }) {
  const { t, lang, name, say } = useI18n();
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const sets = new Map(list(catalogue.data?.datasets).map((d) => [d.id, d]));
  const departments = new Map(list(catalogue.data?.departments).map((d) => [d.id, name(d.title, d.english)]));
  const columns: TableColumnsType<GoldenField> = [
    { title: t("field.name"), key: "name", render: (_, f) => <code>{f.name}</code> },
    { title: t("field.title"), key: "title", render: (_, f) => name(f.title, f.english) || "–" },
    { title: t("field.element"), key: "element", render: (_, f) => (lang === "zh" && f.element_title) || f.element },
    {
      title: t("entity.sources"),
      key: "sources",
      render: (_, f) => {
        const sources = f.sources;
        if (sources.length === 0) return <span className="dim">{t("entity.noSource")}</span>;
        return (
          <ol className="ranked">
            {sources.map((s, i) => {
              const d = sets.get(s.dataset);
              return (
                <li key={i}>
                  <span className="rank">{s.same_rank ? "=" : i + 1}</span>
                  <Link to={`/catalogue/${encodeURIComponent(s.dataset)}`}>
                    {s.dataset} {name(d?.title, d?.english)}
                  </Link>{" "}
                  <span className="dim">{departments.get(d?.provider ?? "") ?? ""}</span>
                  {s.flag ? <span className="chip">{s.flag}</span> : null}
                </li>
              );
            })}
          </ol>
        );
      },
    },
    { title: t("entity.group"), key: "group", render: (_, f) => (f.group ? <span className="chip">{f.group}</span> : <span className="dim">–</span>) },
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
            {name(e.title, e.english) || e.id} <code>{e.id}</code>
          </>
        }
        lead={t("entity.lead")}
      />
      <div className="stack">
        <Card>
          <dl className="facts">
            <div>
              <dt>{t("entity.key")}</dt>
              <dd>
                <code>{e.key.name}</code>
              </dd>
            </div>
            {e.authority ? (
              <div>
                <dt>{t("entity.authority")}</dt>
                <dd>
                  v{e.authority.version} · {day(e.authority.effective) ?? ""} {e.authority.basis}
                </dd>
              </div>
            ) : null}
            <div>
              <dt>{t("dataset.tab.masks")}</dt>
              <dd className="chips">
                {e.views.map((v) =>
                  isExplain(v) ? (
                    <span key={v.id} className="chip">
                      {v.id}
                    </span>
                  ) : (
                    <Link key={v.id} className="chip" to={`/lookup?view=${encodeURIComponent(v.id)}`}>
                      {v.id} {v.title || say(`view.${shortView(v.id)}`, "")}
                    </Link>
                  ),
                )}
              </dd>
            </div>
          </dl>
        </Card>
        <Card title={t("entity.fields")}>
          <Table<GoldenField>
            size="small"
            rowKey="name"
            columns={columns}
            dataSource={e.fields}
            pagination={false}
            scroll={{ x: "max-content" }}
            locale={{ emptyText: <Empty title={t("entity.noFields")}>{t("entity.noFields.do")}</Empty> }}
          />
        </Card>
      </div>
    </>
  );
}

export default function Entity() {
  const { id = "" } = useParams();
  const e = useApi(pathOf("/v1/catalogue/entities/{id}", { id }));
  return <Ready of={e} rows={8}>{(x) => <Body e={x} />}</Ready>;
}
