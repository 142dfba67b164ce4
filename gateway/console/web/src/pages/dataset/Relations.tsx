import { Link } from "react-router";
import { type DatasetDetail } from "../../api/types";
import { SeverityMark } from "../../components/Mark";
import { Empty } from "../../components/State";
import { useI18n } from "../../i18n";

/** Whom its rows speak about, and which rules read them. */
export function Relations({ d }: { d: DatasetDetail }) {
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
