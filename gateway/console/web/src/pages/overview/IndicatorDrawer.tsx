import { Drawer, Input, Segmented } from "antd";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { type Indicator, list } from "../../api/types";
import { Export } from "../../components/Listing";
import { Mark } from "../../components/Mark";
import { When } from "../../components/When";
import { Empty } from "../../components/State";
import { useI18n } from "../../i18n";
import type { TextColumn } from "../../lib/csv";
import { known, percent } from "../../lib/format";

/** The list behind a number, and how the number is made (口径). */
export function IndicatorDrawer({ indicator, asOf, close }: { indicator: Indicator | undefined; asOf?: string | null; close: () => void }) {
  const { t, lang, name } = useI18n();
  const [only, setOnly] = useState<"all" | "in" | "out">("all");
  const [q, setQ] = useState("");
  // The drawer keeps its last content while it slides away.
  const [last, setLast] = useState<Indicator>();
  useEffect(() => {
    if (indicator) setLast(indicator);
  }, [indicator]);
  const i = indicator ?? last;
  const items = list(i?.items);
  const counted = items.filter((x) => x.counted).length;
  const needle = q.trim().toLowerCase();
  const rows = items
    .filter((x) => only === "all" || x.counted === (only === "in"))
    .filter((x) => !needle || `${x.id} ${x.title} ${x.why} ${x.why_en}`.toLowerCase().includes(needle));
  const columns: TextColumn<(typeof rows)[number]>[] = [
    { title: t("dataset.id"), text: (x) => x.id },
    { title: t("dataset.name"), text: (x) => x.title },
    { title: t("indicator.counted"), text: (x) => t(x.counted ? "common.yes" : "common.no") },
    { title: t("indicator.why"), text: (x) => name(x.why, x.why_en) },
  ];
  return (
    <Drawer open={indicator !== undefined} onClose={close} size="min(560px, 100vw)" title={i ? name(i.title, i.english) : ""}>
      {i ? (
        <div className="stack">
          <div className="formula">
            <span className="dim">{t("indicator.formula")}</span>
            <p>{(lang === "en" ? i.formula_en || i.formula : i.formula || i.formula_en) || t("indicator.noFormula")}</p>
            {known(i.numerator) && known(i.denominator) && i.denominator > 0 ? (
              <p className="formula-sum num">
                {i.numerator} ÷ {i.denominator} = {percent(i.numerator / i.denominator)}
                {known(i.target) && i.target <= 1 ? <span className="dim"> · {t("overview.target", { n: percent(i.target, 0) ?? "" })}</span> : null}
              </p>
            ) : null}
            {known(i.window_s) && known(i.observed_s) ? (
              <p className="dim num">
                {i.met === null || i.met === undefined ? <b>{t("indicator.unknown")} · </b> : null}
                {t("indicator.observed", { n: (i.observed_s / 3600).toFixed(1), of: (i.window_s / 3600).toFixed(1), lookups: i.lookups ?? 0 })}
              </p>
            ) : null}
            {asOf ? (
              <p className="dim">
                {t("indicator.asOf")} <When at={asOf} full />
              </p>
            ) : null}
          </div>
          {items.length === 0 ? (
            <Empty title={t("indicator.noItems")}>{t("indicator.noItems.do")}</Empty>
          ) : (
            <>
              <div className="filters">
                <Segmented
                  value={only}
                  onChange={(v) => setOnly(v as typeof only)}
                  options={[
                    { value: "all", label: `${t("common.all")} ${items.length}` },
                    { value: "in", label: `${t("indicator.counted")} ${counted}` },
                    { value: "out", label: `${t("indicator.notCounted")} ${items.length - counted}` },
                  ]}
                />
                <Export name={i.id} columns={columns} rows={rows} />
                <Input.Search allowClear aria-label={t("indicator.filter")} placeholder={t("indicator.filter")} onChange={(e) => setQ(e.target.value)} style={{ maxWidth: 200 }} />
              </div>
              <ul className="counted">
                {rows.map((x) => (
                  <li key={x.id}>
                    <Mark tone={x.counted ? "ok" : "bad"}>{t(x.counted ? "indicator.counted" : "indicator.notCounted")}</Mark>
                    <span>
                      {/^[A-Z]{2}\d+$/.test(x.id) ? <Link to={`/catalogue/${x.id}`}>{x.id}</Link> : <b>{x.id}</b>} {x.title}
                      {x.why ? <small className="dim">{name(x.why, x.why_en)}</small> : null}
                    </span>
                  </li>
                ))}
                {rows.length === 0 ? <Empty title={t("common.noMatch")} /> : null}
              </ul>
            </>
          )}
        </div>
      ) : null}
    </Drawer>
  );
}
