import { useI18n } from "../../i18n";
import type { FacetName } from "../../lib/search";

export const facets: FacetName[] = ["state", "class", "cycle", "provider"];
const orders: Partial<Record<FacetName, string[]>> = {
  state: ["fresh", "due", "overdue", "stopped", "unknown"],
  class: ["A", "B", "C"],
  cycle: ["realtime", "daily", "weekly", "monthly", "quarterly", "halfyear", "yearly"],
};

export function Facet({ facet, counts, chosen, label, toggle }: { facet: FacetName; counts: Map<string, number>; chosen: string[]; label: (v: string) => string; toggle: (v: string) => void }) {
  const { t } = useI18n();
  const order = orders[facet];
  const values = [...new Set([...counts.keys(), ...chosen])].sort((a, b) => (order ? order.indexOf(a) - order.indexOf(b) : (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || a.localeCompare(b)));
  if (values.length === 0) return null;
  return (
    <fieldset className="facet">
      <legend>{t(`facet.${facet}`)}</legend>
      {values.map((v) => (
        <label key={v}>
          <input type="checkbox" checked={chosen.includes(v)} onChange={() => toggle(v)} />
          <span title={label(v)}>{label(v)}</span>
          <span className="num dim">{counts.get(v) ?? 0}</span>
        </label>
      ))}
    </fieldset>
  );
}
