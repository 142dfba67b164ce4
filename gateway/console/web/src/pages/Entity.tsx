import { ArrowLeftOutlined } from "@ant-design/icons";
import { Link, useParams } from "react-router";
import { useApi } from "../api/hooks";
import { type EntityDetail, type GoldenField, list, pathOf } from "../api/types";
import { type Column, Export, Listing } from "../components/Listing";
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
  const element = (f: GoldenField) => (lang === "zh" && f.element_title) || f.element;
  const sourceOf = (id: string) => [id, name(sets.get(id)?.title, sets.get(id)?.english)].filter(Boolean).join(" ");
  const columns: Column<GoldenField>[] = [
    { key: "name", title: t("field.name"), head: true, show: (f) => <code>{f.name}</code>, text: (f) => f.name },
    { key: "title", title: t("field.title"), head: true, show: (f) => name(f.title, f.english) || "–", text: (f) => name(f.title, f.english) },
    { key: "element", title: t("field.element"), show: element, text: element },
    {
      key: "sources",
      title: t("entity.sources"),
      show: (f) =>
        f.sources.length === 0 ? (
          <span className="dim">{t("entity.noSource")}</span>
        ) : (
          <ol className="ranked">
            {f.sources.map((s, i) => (
              <li key={i}>
                <span className="rank">{s.same_rank ? "=" : i + 1}</span>
                <Link to={`/catalogue/${encodeURIComponent(s.dataset)}`}>{sourceOf(s.dataset)}</Link> <span className="dim">{departments.get(sets.get(s.dataset)?.provider ?? "") ?? ""}</span>
                {s.flag ? <span className="chip">{s.flag}</span> : null}
              </li>
            ))}
          </ol>
        ),
      text: (f) => f.sources.map((s) => sourceOf(s.dataset)).join("; "),
    },
    { key: "group", title: t("entity.group"), show: (f) => (f.group ? <span className="chip">{f.group}</span> : <span className="dim">–</span>), text: (f) => f.group },
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
        <Card title={t("entity.fields")} extra={<Export name={e.id} columns={columns} rows={e.fields} />}>
          <Listing<GoldenField> size="small" wide rowKey={(f) => f.name} columns={columns} rows={e.fields} empty={<Empty title={t("entity.noFields")}>{t("entity.noFields.do")}</Empty>} />
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
