import { Link } from "react-router";
import { type Column, useMoment } from "../../components/Listing";
import { ClassMark, DatasetMark } from "../../components/Mark";
import { Num } from "../../components/Num";
import { When } from "../../components/When";
import { useI18n } from "../../i18n";
import type { Hit } from "../../lib/search";

/** The columns of datasets, on the page and in the file. */
export function useColumns(department: (id: string) => string): Column<Hit>[] {
  const { t, name, say } = useI18n();
  const moment = useMoment();
  return [
    { key: "id", title: t("dataset.id"), text: (h) => h.dataset.id },
    {
      key: "title",
      title: t("dataset.name"),
      head: true,
      show: ({ dataset: d, fields }) => (
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
      text: (h) => name(h.dataset.title, h.dataset.english),
    },
    { key: "code", title: t("dataset.code"), text: (h) => h.dataset.code },
    { key: "provider", title: t("dataset.provider"), width: 136, show: (h) => department(h.dataset.provider), text: (h) => department(h.dataset.provider) },
    { key: "class", title: t("dataset.class"), width: 104, show: (h) => <ClassMark c={h.dataset.class} />, text: (h) => say(`class.${h.dataset.class}`, h.dataset.class) },
    { key: "cycle", title: t("dataset.cycle"), width: 94, show: (h) => say(`cycle.${h.dataset.cycle}`, h.dataset.cycle), text: (h) => say(`cycle.${h.dataset.cycle}`, h.dataset.cycle) },
    { key: "fields", title: t("dataset.fields"), width: 88, align: "right", show: (h) => <Num n={h.dataset.fields} />, text: (h) => h.dataset.fields, sort: (a, b) => a.dataset.fields - b.dataset.fields },
    { key: "rows", title: t("dataset.rows"), width: 96, align: "right", show: (h) => <Num n={h.dataset.rows} />, text: (h) => h.dataset.rows, sort: (a, b) => (a.dataset.rows ?? -1) - (b.dataset.rows ?? -1) },
    {
      key: "updated",
      title: moment.title(t("dataset.updated")),
      heading: t("dataset.updated"),
      width: 122,
      show: (h) => <When at={h.dataset.last_update} />,
      text: (h) => moment.text(h.dataset.last_update),
      sort: (a, b) => Date.parse(a.dataset.last_update ?? "") - Date.parse(b.dataset.last_update ?? ""),
    },
    { key: "asOf", title: moment.title(t("when.asOf")), text: (h) => moment.text(h.dataset.as_of) },
    { key: "state", title: t("dataset.state"), width: 98, show: (h) => <DatasetMark state={h.dataset.state} />, text: (h) => say(`state.${h.dataset.state}`, h.dataset.state) },
  ];
}
