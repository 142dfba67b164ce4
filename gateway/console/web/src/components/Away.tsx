// What the gateway rests on and does not answer: over every page, or the numbers of a
// moment ago would look like those of now.

import { list } from "../api/types";
import { useFlow } from "../api/flow";
import { useI18n } from "../i18n";
import { Mark } from "./Mark";
import { When } from "./When";

export function Away() {
  const { lang, t } = useI18n();
  const { flow } = useFlow();
  return list(flow?.away).map((a) => (
    <div key={a.part} className="oops oops-compact" role="alert">
      <div className="oops-head">
        <Mark tone="bad">{t(`away.${a.part}`)}</Mark>
        <span className="dim">
          {t("away.since")} <When at={a.since} />
        </span>
      </div>
      <p>{lang === "zh" ? a.message : a.message_en}</p>
    </div>
  ));
}
