import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import type { Lang } from "../lib/format";
import { stored } from "../lib/store";
import { en } from "./en";
import { type Key, zh } from "./zh";

export type { Key };
export type T = (key: Key, values?: Record<string, string | number>) => string;

const tables: Record<Lang, Record<Key, string>> = { zh, en };

export const langStore = stored("local", "yiyuan.lang", () => (/^en\b/i.test(globalThis.navigator?.language ?? "") ? "en" : "zh"));

/** The sentence of that key with {name} replaced. */
export function translate(lang: Lang, key: Key, values?: Record<string, string | number>): string {
  const s = tables[lang][key];
  return values ? s.replace(/\{(\w+)\}/g, (m, name: string) => (name in values ? String(values[name]) : m)) : s;
}

/** A key that may not exist: the sentence, or null. */
export function maybe(lang: Lang, key: string): string | null {
  return key in zh ? tables[lang][key as Key] : null;
}

interface I18n {
  lang: Lang;
  t: T;
  /** the sentence of a key made from data, or the fallback */
  say: (key: string, fallback: string) => string;
  /** title or english, whichever the reader wants and there is */
  name: (title?: string | null, english?: string | null) => string;
}

const Context = createContext<I18n | null>(null);

export function I18nProvider({ children }: { children: ReactNode }) {
  const lang: Lang = langStore.use() === "en" ? "en" : "zh";
  useEffect(() => {
    document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  }, [lang]);
  const value = useMemo<I18n>(
    () => ({
      lang,
      t: (key, values) => translate(lang, key, values),
      say: (key, fallback) => maybe(lang, key) ?? fallback,
      name: (title, english) => (lang === "en" ? english || title || "" : title || english || ""),
    }),
    [lang],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useI18n(): I18n {
  const v = useContext(Context);
  if (!v) throw new Error("useI18n outside I18nProvider");
  return v;
}
