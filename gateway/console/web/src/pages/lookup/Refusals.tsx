import { Link } from "react-router";
import { list, type Refused } from "../../api/types";
import { Mark } from "../../components/Mark";
import { When } from "../../components/When";
import { useI18n } from "../../i18n";

/** Says that what is shown is older than what a department sent: its newer row was refused. */
export function Refusals({ rows, datasets }: { rows: Refused[] | undefined; datasets: Map<string, string> }) {
  const { lang, t } = useI18n();
  const all = list(rows);
  if (all.length === 0) return null;
  return (
    <div className="refused" role="alert">
      <Mark tone="warn" icon="warn">
        <strong>{t(all.every((r) => r.more) ? "refused.maybe" : "refused.title")}</strong>
      </Mark>
      <ul>
        {all.map((r) => (
          <li key={r.dataset}>
            <Link to={`/catalogue/${encodeURIComponent(r.dataset)}`}>
              {datasets.get(r.dataset) ?? ""} <code>{r.dataset}</code>
            </Link>{" "}
            <span className="dim">{t("refused.since")}</span> <When at={r.since} full none={t("common.unknown")} />
            <p>{lang === "zh" ? r.message : (r.message_en ?? r.message)}</p>
          </li>
        ))}
      </ul>
    </div>
  );
}
