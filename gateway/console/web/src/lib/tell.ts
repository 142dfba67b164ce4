// What an error says: what, why and what to do.

import type { ApiError } from "../api/client";
import { maybe, type T } from "../i18n";
import { type Lang } from "./format";
import { digits } from "./trace";

export interface Told {
  code: string;
  what: string;
  why: string;
  do: string;
}

/** What, why and what to do, from the gateway's problem or from the status alone. */
export function tell(e: ApiError, lang: Lang, t: T): Told {
  const exact = digits(e.code);
  const family = e.status === 0 ? e.code.replace("CONSOLE-", "").toLowerCase() : e.status >= 500 && e.status !== 503 ? "500" : String(e.status);
  // A reader is served by our own words where the title is in the other tongue only.
  const own = maybe(lang, `error.${exact}`) ?? maybe(lang, `error.${family}`) ?? t("error.other");
  return {
    code: e.code,
    what: (lang === "zh" ? e.title : (maybe(lang, `error.${exact}`) ?? e.titleEn)) || own,
    why: lang === "zh" ? e.detail : e.detailEn,
    // That a row was refused is not mended by asking otherwise.
    do: e.refused.length > 0 ? t("refused.do") : (maybe(lang, `error.${exact}.do`) ?? maybe(lang, `error.${family}.do`) ?? t("error.other.do")),
  };
}
