import { useDetails } from "../../api/details";
import { type Facts, factsOf } from "../../api/facts";
import { useI18n } from "../../i18n";
import { ownerOf } from "../../lib/views";

/** Titles and codes of the fields of a view's owner, where the catalogue may be read, and what its key is. */
export function useFields(view: string): { facts: Facts; keys: string[]; keyTitle: string; keyElement: string } {
  const { lang, name, say } = useI18n();
  const owner = view ? ownerOf(view) : "";
  const { of } = useDetails([owner]);
  const d = of(owner);
  const facts = factsOf(d, name);
  if (!d) return { facts, keys: [], keyTitle: "", keyElement: "" };
  if ("authority" in d || !Array.isArray(d.key)) {
    const key = d.key as { name: string; title: string; element: string };
    // Entities title their keys in Chinese only.
    const keyTitle = lang === "zh" ? key.title : say(`element.${key.element}`, key.title);
    if (!facts.has(key.name)) facts.set(key.name, { title: keyTitle, element: key.element, codes: new Map() });
    return { facts, keys: [key.name], keyTitle, keyElement: key.element };
  }
  return {
    facts,
    keys: d.key,
    keyTitle: d.key.map((k) => facts.get(k)?.title || k).join(" | "),
    keyElement: facts.get(d.key[0] ?? "")?.element ?? "",
  };
}
