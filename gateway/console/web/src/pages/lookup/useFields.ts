import { useEffect, useMemo, useState } from "react";
import { read, useApi } from "../../api/hooks";
import { type DatasetDetail, type EntityDetail, list, pathOf } from "../../api/types";
import { useI18n } from "../../i18n";
import { isEntityOwner, ownerOf } from "../../lib/views";

export interface FieldFacts {
  title: string;
  element: string;
  codes: Map<string, string>;
}

type Codes = Map<string, Map<string, string>>;

/** Code sets of golden fields, put together from the fields of that name in their sources, where the entity itself gives none. */
function useCodes(d: EntityDetail | undefined, name: (title?: string | null, english?: string | null) => string): Codes | null {
  const [state, setState] = useState<{ of: EntityDetail; codes: Codes } | null>(null);
  useEffect(() => {
    if (!d) return;
    const sources = new Map<string, string[]>();
    for (const f of list(d.fields)) {
      if (!f.codes) for (const s of list(f.sources)) sources.set(typeof s === "string" ? s : s.dataset, [...(sources.get(typeof s === "string" ? s : s.dataset) ?? []), f.name]);
    }
    const abort = new AbortController();
    const codes: Codes = new Map();
    const take = async ([dataset, fields]: [string, string[]]) => {
      const detail = await read(pathOf("/v1/catalogue/datasets/{id}", { id: dataset }), abort.signal);
      for (const f of list(detail.fields)) {
        if (!f.codes || !fields.includes(f.name)) continue;
        const known = codes.get(f.name) ?? new Map<string, string>();
        for (const c of f.codes) if (!known.has(c.value)) known.set(c.value, name(c.title, c.english));
        codes.set(f.name, known);
      }
    };
    // A source that cannot be read leaves its codes as they are: numbers.
    void Promise.allSettled([...sources].map(take)).then(() => {
      if (!abort.signal.aborted) setState({ of: d, codes });
    });
    return () => abort.abort();
  }, [d, name]);
  return state && state.of === d ? state.codes : null;
}

/** Titles and code sets of the fields of a view's owner, where the catalogue may be read. */
export function useFields(view: string): { facts: Map<string, FieldFacts>; key: string; keyTitle: string; keyElement: string } {
  const { lang, name, say } = useI18n();
  const owner = view ? ownerOf(view) : "";
  const entity = isEntityOwner(owner);
  const detail = useApi<DatasetDetail | EntityDetail>(
    owner ? `v1/catalogue/${entity ? "entities" : "datasets"}/${encodeURIComponent(owner)}` : null,
  );
  const codes = useCodes(entity ? (detail.data as EntityDetail | undefined) : undefined, name);
  return useMemo(() => {
    const facts = new Map<string, FieldFacts>();
    const d = detail.data;
    for (const f of list(d?.fields as DatasetDetail["fields"])) {
      facts.set(f.name, {
        title: name(f.title, f.english),
        element: f.element ?? "",
        codes: f.codes ? new Map(f.codes.map((c) => [c.value, name(c.title, c.english)])) : (codes?.get(f.name) ?? new Map()),
      });
    }
    if (!d) return { facts, key: "", keyTitle: "", keyElement: "" };
    if (entity) {
      const k = (d as EntityDetail).key;
      const key = typeof k === "string" ? k : (k?.name ?? "");
      const keyElement = typeof k === "string" ? "" : (k?.element ?? "");
      const title = typeof k === "string" ? "" : (k?.title ?? "");
      // Entities title their keys in Chinese only.
      const keyTitle = lang === "zh" ? title : say(`element.${keyElement}`, title);
      if (key && !facts.has(key)) facts.set(key, { title: keyTitle, element: keyElement, codes: new Map() });
      return { facts, key, keyTitle, keyElement };
    }
    const keys = list((d as DatasetDetail).key);
    return {
      facts,
      key: keys.join("|"),
      keyTitle: keys.map((k) => facts.get(k)?.title || k).join(" | "),
      keyElement: facts.get(keys[0] ?? "")?.element ?? "",
    };
  }, [detail.data, entity, codes, lang, name, say]);
}
