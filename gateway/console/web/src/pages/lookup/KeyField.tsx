import { Button, Input } from "antd";
import { useI18n } from "../../i18n";
import { cleanKey, hint } from "../../lib/keys";

/** The key of the record that is asked for, what was cleaned of it, and a sample where there is one. */
export function KeyField({ label, element, raw, set, sample }: { label: string; element: string; raw: string; set: (raw: string) => void; sample: string }) {
  const { t } = useI18n();
  const cleaned = cleanKey(raw);
  const said = hint(cleaned.key, element || undefined);
  const changed = cleaned.spaces + cleaned.wide + cleaned.dashes > 0 || cleaned.upper;
  return (
    <div className="field">
      <label htmlFor="bench-record">{label}</label>
      <div className="joined">
        <Input
          id="bench-record"
          data-search=""
          value={raw}
          allowClear
          autoComplete="off"
          spellCheck={false}
          className="mono"
          placeholder={t("lookup.key.placeholder", { key: label })}
          onChange={(e) => set(e.target.value)}
          status={said && said !== "ok" ? "warning" : undefined}
        />
        {sample ? (
          <Button onClick={() => set(sample)} data-sample="">
            {t("lookup.sample")}
          </Button>
        ) : null}
      </div>
      {changed && cleaned.key ? (
        <small className="dim">
          {t("lookup.cleaned")} <code>{cleaned.key}</code>
        </small>
      ) : null}
      {said && said !== "ok" ? <small className="tone-warn">{t(`lookup.hint.${said}`)}</small> : null}
      {sample && raw === sample ? <small className="dim">{t("lookup.sample.long")}</small> : null}
    </div>
  );
}
