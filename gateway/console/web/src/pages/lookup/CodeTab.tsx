import { Segmented } from "antd";
import { useState } from "react";
import { address } from "../../api/client";
import { Code } from "../../components/Copy";
import { useI18n } from "../../i18n";
import { type Language, languages, snippet } from "../../lib/snippets";

export function CodeTab({ view, valueKey, purpose, verify }: { view: string; valueKey: string; purpose: string; verify: Record<string, string> | null }) {
  const { t } = useI18n();
  const [lang, setLang] = useState<Language>("curl");
  return (
    <div className="stack">
      <p className="dim">{t("code.lead")}</p>
      <Segmented value={lang} onChange={setLang} options={[...languages]} />
      <Code text={snippet(lang, { base: address(""), view, key: valueKey || "…", purpose, fields: verify })} />
    </div>
  );
}
