import { Tooltip } from "antd";
import type { DatasetDetail, FieldInfo } from "../../api/types";
import { type Column, Listing } from "../../components/Listing";
import { Empty } from "../../components/State";
import { FieldName } from "../../components/Value";
import { useI18n } from "../../i18n";
import { isVerifyOnly, shortView } from "../../lib/views";

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

/** What each view shows of each field. */
export function Masks({ d }: { d: DatasetDetail }) {
  const { t, name, say } = useI18n();
  const views = d.views;
  if (views.length === 0) return <Empty title={t("dataset.noViews")}>{t("dataset.noViews.do")}</Empty>;
  const columns: Column<FieldInfo>[] = [
    {
      key: "name",
      title: t("field.name"),
      head: true,
      show: (f) => <FieldName name={f.name} title={name(f.title, f.english)} />,
      text: (f) => f.name,
    },
    ...views.map((v): Column<FieldInfo> => ({
      key: v.id,
      title: v.id,
      heading: (
        <span>
          {v.title || say(`view.${shortView(v.id)}`, shortView(v.id))} <code>{v.id}</code>
        </span>
      ),
      show: (f) => <MaskCell rule={maskOf(f, v.id)} verify={isVerifyOnly(v)} />,
      text: (f) => maskOf(f, v.id) ?? "",
    })),
  ];
  return (
    <div className="stack">
      <p className="dim">{t("dataset.masks.lead")}</p>
      <Listing<FieldInfo> size="small" wide rowKey={(f) => f.name} columns={columns} rows={d.fields} />
    </div>
  );
}
