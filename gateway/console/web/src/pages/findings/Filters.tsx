import { Button, Select } from "antd";
import type { ReactNode } from "react";
import { useI18n } from "../../i18n";

const states = ["open", "closed", "all"];
const severities = ["high", "medium", "low"];
const certainties = ["contradiction", "to_confirm"];
/** A filter of the address if it is one of those that can be asked for, else none. */
const oneOf = <V extends string>(v: string, ...may: V[]): V | "" => may.find((m) => m === v) ?? "";

/** What the filters in the address ask the gateway for. Without a choice the open ones are shown: they are the work. */
export const asked = (get: (k: string) => string) => ({
  state: oneOf(get("state") || "open", "open", "closed"),
  rule: get("rule"),
  owner: get("owner"),
  severity: oneOf(get("severity"), "high", "medium", "low"),
  certainty: oneOf(get("certainty"), "contradiction", "to_confirm"),
  subject: get("subject"),
});

export function Filters({ get, set, rules, departments, filtered, clear, children }: {
  get: (k: string) => string;
  set: (change: Record<string, string>) => void;
  rules: { value: string; label: string }[];
  departments: Map<string, string>;
  filtered: boolean;
  clear: () => void;
  children: ReactNode;
}) {
  const { t, say } = useI18n();
  const choose = (k: string) => (v: string | undefined) => set({ [k]: v ?? "" });
  return (
    <div className="toolbar">
      <Select value={get("state") || "open"} onChange={(v) => set({ state: v === "open" ? "" : v })} options={states.map((s) => ({ value: s, label: say(`finding.filter.${s}`, s) }))} aria-label={t("finding.state")} style={{ width: 120 }} />
      <Select allowClear showSearch={{ optionFilterProp: "label" }} value={get("rule") || undefined} onChange={choose("rule")} placeholder={t("finding.allRules")} aria-label={t("finding.rule")} options={rules} style={{ width: 240 }} />
      <Select allowClear value={get("owner") || undefined} onChange={choose("owner")} placeholder={t("finding.allOwners")} aria-label={t("finding.owner")} options={[...departments].map(([value, label]) => ({ value, label }))} style={{ width: 170 }} />
      <Select allowClear value={get("severity") || undefined} onChange={choose("severity")} placeholder={t("finding.allSeverities")} aria-label={t("finding.severity")} options={severities.map((s) => ({ value: s, label: say(`severity.${s}`, s) }))} style={{ width: 130 }} />
      <Select allowClear value={get("certainty") || undefined} onChange={choose("certainty")} placeholder={t("finding.allCertainties")} aria-label={t("finding.certainty")} options={certainties.map((s) => ({ value: s, label: say(`certainty.${s}`, s) }))} style={{ width: 130 }} />
      {filtered ? <Button onClick={clear}>{t("catalogue.clear")}</Button> : null}
      {children}
    </div>
  );
}
