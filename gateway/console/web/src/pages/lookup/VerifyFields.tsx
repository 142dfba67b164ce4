import { Input, Select } from "antd";
import type { Facts } from "../../api/facts";
import { FieldName } from "../../components/Value";
import { useI18n } from "../../i18n";
import type { AskedView } from "./model";

/** What is held against the record, field by field; codes are chosen by their words. */
export function VerifyFields({ view, keyFields, facts, values, set }: { view: AskedView; keyFields: string[]; facts: Facts; values: Record<string, string>; set: (field: string, value: string) => void }) {
  const { t } = useI18n();
  return (
    <fieldset className="verify-fields">
      <legend>{t("lookup.fields")}</legend>
      {view.fields
        .filter((f) => f.kind !== "rows" && !keyFields.includes(f.name))
        .map((f) => {
          const known = facts.get(f.name);
          return (
            <label key={f.name} className="field">
              <span>
                <FieldName name={f.name} facts={known} title={f.title} />
              </span>
              {known && known.codes.size > 0 ? (
                <Select
                  allowClear
                  showSearch={{ optionFilterProp: "label" }}
                  value={values[f.name] || undefined}
                  onChange={(v: string | undefined) => set(f.name, v ?? "")}
                  options={[...known.codes].map(([value, title]) => ({ value, label: `${value} ${title}` }))}
                />
              ) : (
                <Input value={values[f.name] ?? ""} autoComplete="off" onChange={(e) => set(f.name, e.target.value)} />
              )}
            </label>
          );
        })}
    </fieldset>
  );
}
