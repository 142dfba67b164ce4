import { Link } from "react-router";
import { address } from "../../api/client";
import type { DatasetDetail, ViewInfo } from "../../api/types";
import { Code } from "../../components/Copy";
import { Empty } from "../../components/State";
import { useI18n } from "../../i18n";
import { curlOf, isVerifyOnly, shortView } from "../../lib/views";

/** How a program asks for it. */
export function Interface({ d }: { d: DatasetDetail }) {
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
