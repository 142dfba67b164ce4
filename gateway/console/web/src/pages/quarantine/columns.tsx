import { Tooltip } from "antd";
import { Link } from "react-router";
import { useFacts } from "../../api/facts";
import { useApi } from "../../api/hooks";
import { list, pathOf, type QuarantineEntry } from "../../api/types";
import { Copy } from "../../components/Copy";
import { type Column, useMoment } from "../../components/Listing";
import { Mark } from "../../components/Mark";
import { FieldName } from "../../components/Value";
import { When } from "../../components/When";
import { useI18n } from "../../i18n";

export function useColumns(entries: QuarantineEntry[]): Column<QuarantineEntry>[] {
  const { t, name, say } = useI18n();
  const moment = useMoment();
  const facts = useFacts(entries.filter((e) => e.field).map((e) => e.dataset));
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const titles = new Map(list(catalogue.data?.datasets).map((d) => [d.id, name(d.title, d.english)]));
  return [
    { key: "at", title: moment.title(t("quarantine.at")), heading: t("quarantine.at"), width: 112, show: (e) => <When at={e.arrived_at} />, text: (e) => moment.text(e.arrived_at) },
    {
      key: "where",
      title: t("quarantine.dataset"),
      heading: t("quarantine.where"),
      width: 210,
      head: true,
      show: (e) => (
        <div className="ds-name">
          {e.dataset ? (
            <Link to={`/catalogue/${encodeURIComponent(e.dataset)}`}>
              <b>{e.dataset}</b> {titles.get(e.dataset) ?? ""}
            </Link>
          ) : (
            <span className="dim">{t("common.unknown")}</span>
          )}
          <small>{e.field ? <FieldName name={e.field} facts={facts(e.dataset).get(e.field)} /> : <span className="dim">{t("quarantine.wholeRow")}</span>}</small>
        </div>
      ),
      text: (e) => e.dataset,
    },
    { key: "field", title: t("field.name"), text: (e) => e.field },
    {
      key: "reason",
      title: t("quarantine.reason"),
      show: (e) => (
        <div className="ds-name">
          <b>{say(`reason.${e.reason}`, e.reason)}</b>
          <small className="val">{name(e.detail, e.detail_en)}</small>
        </div>
      ),
      text: (e) => say(`reason.${e.reason}`, e.reason),
    },
    { key: "detail", title: t("quarantine.detail"), text: (e) => name(e.detail, e.detail_en) },
    {
      key: "locator",
      title: t("quarantine.position"),
      width: 200,
      show: (e) => (
        <div className="ds-name">
          <span className="mono val">{e.locator || "–"}</span>
          <small className="dim val">{e.from || e.source}</small>
        </div>
      ),
      text: (e) => e.locator,
    },
    { key: "source", title: t("nav.sources"), text: (e) => e.from || e.source },
    { key: "row", title: t("quarantine.row"), width: 180, show: (e) => <Row e={e} />, text: (e) => e.row_key?.map((k) => `${k.field}=${k.value}`).join(" ") || e.row },
    { key: "state", title: t("quarantine.state"), width: 190, show: (e) => <State e={e} />, text: (e) => say(`quarantine.state.${e.settled?.how ?? e.state}`, e.settled?.how ?? e.state) },
    { key: "settled", title: moment.title(t("quarantine.settledAt")), text: (e) => moment.text(e.settled?.at) },
    { key: "do", title: t("quarantine.do"), text: (e) => name(e.do, e.do_en) },
    { key: "digest", title: t("quarantine.digest"), text: (e) => e.digest },
    { key: "id", title: t("quarantine.id"), text: (e) => e.id },
  ];
}

/** Which row it was: its key for who may see it, else its token. */
function Row({ e }: { e: QuarantineEntry }) {
  const { t } = useI18n();
  const facts = useFacts(e.row_key?.length ? [e.dataset] : []);
  if (e.row_key?.length)
    return (
      <div className="ds-name">
        {e.row_key.map((k) => (
          <small key={k.field}>
            <FieldName name={k.field} facts={facts(e.dataset).get(k.field)} /> <span className="mono val">{k.value}</span>
          </small>
        ))}
      </div>
    );
  if (!e.row) return <span className="dim">{t("quarantine.rowUnknown")}</span>;
  return (
    <span className="nowrap">
      <Tooltip title={t("quarantine.rowToken")}>
        <code>{e.row.slice(0, 8)}…</code>
      </Tooltip>{" "}
      <Copy text={e.row} />
    </span>
  );
}

/** Whether it is settled, when and by what, or how it will be. */
function State({ e }: { e: QuarantineEntry }) {
  const { t, say, name } = useI18n();
  if (!e.settled)
    return (
      <div className="ds-name">
        <Mark tone="warn">{t("quarantine.state.open")}</Mark>
        <small className="dim val">{e.row ? t("quarantine.byItself") : name(e.do, e.do_en)}</small>
      </div>
    );
  return (
    <div className="ds-name">
      <Mark tone="ok">{say(`quarantine.state.${e.settled.how}`, e.settled.how)}</Mark>
      <small className="dim val">
        <When at={e.settled.at} /> {e.settled.by}
      </small>
    </div>
  );
}
