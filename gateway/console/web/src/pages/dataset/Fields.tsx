import { StarFilled } from "@ant-design/icons";
import { Tooltip } from "antd";
import { Fragment } from "react";
import type { DatasetDetail, FieldInfo } from "../../api/types";
import { type Column, Export, Listing } from "../../components/Listing";
import { useI18n } from "../../i18n";

const shown = 8;

/** The words of a field's codes, as many as fit a cell. */
function Codes({ of }: { of: FieldInfo }) {
  const { name } = useI18n();
  const codes = of.codes ?? [];
  if (codes.length === 0) return <span className="dim">–</span>;
  const line = (from: number, to?: number) =>
    codes.slice(from, to).map((c) => (
      <Fragment key={c.value}>
        <span className="nowrap">
          <code>{c.value}</code> {name(c.title, c.english)}
        </span>{" "}
      </Fragment>
    ));
  if (codes.length <= shown) return <span className="codes">{line(0)}</span>;
  return (
    <details className="codes">
      <summary>
        {line(0, 3)}… ({codes.length})
      </summary>
      {line(3)}
    </details>
  );
}

/** What fields a dataset has. */
export function Fields({ d }: { d: DatasetDetail }) {
  const { t, name, lang } = useI18n();
  const keys = new Set(d.key);
  const element = (f: FieldInfo) => (lang === "zh" && f.element_title) || f.element;
  const columns: Column<FieldInfo>[] = [
    {
      key: "name",
      title: t("field.name"),
      head: true,
      show: (f) => (
        <>
          <code>{f.name}</code> {keys.has(f.name) ? <span className="chip">{t("field.key")}</span> : null}
        </>
      ),
      text: (f) => f.name,
    },
    { key: "title", title: t("field.title"), head: true, show: (f) => name(f.title, f.english) || "–", text: (f) => name(f.title, f.english) },
    { key: "element", title: t("field.element"), show: element, text: element },
    { key: "type", title: t("field.type"), show: (f) => <code>{f.type}</code>, text: (f) => f.type },
    { key: "level", title: t("field.level"), show: (f) => <span className={`level level-${f.level}`}>{f.level || "–"}</span>, text: (f) => f.level },
    { key: "nullable", title: t("field.nullable"), show: (f) => t(f.nullable ? "field.optional" : "field.required"), text: (f) => t(f.nullable ? "field.optional" : "field.required") },
    {
      key: "source",
      title: t("field.source"),
      show: (f) =>
        f.source ? (
          <Tooltip title={t("field.source.long")}>
            <span className="source-mark">
              <StarFilled aria-hidden="true" /> {t("field.source.yes")}
            </span>
          </Tooltip>
        ) : (
          <span className="dim">{t("field.source.no")}</span>
        ),
      text: (f) => t(f.source ? "field.source.yes" : "field.source.no"),
    },
    { key: "codes", title: t("field.codes"), width: 300, show: (f) => <Codes of={f} />, text: (f) => (f.codes ?? []).map((c) => `${c.value} ${name(c.title, c.english)}`).join("; ") },
  ];
  return (
    <div className="stack">
      <Listing<FieldInfo> size="small" wide rowKey={(f) => f.name} columns={columns} rows={d.fields} />
      <p>
        <Export name={d.id} columns={columns} rows={d.fields} />
      </p>
    </div>
  );
}
