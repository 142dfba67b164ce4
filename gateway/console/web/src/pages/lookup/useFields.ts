import { useMemo } from "react";
import { useApi } from "../../api/hooks";
import { type DatasetDetail, type EntityDetail, list } from "../../api/types";
import { useI18n } from "../../i18n";
import { isEntityOwner, ownerOf } from "../../lib/views";

export interface FieldFacts {
  title: string;
  element: string;
  codes: Map<string, string>;
}

/** Titles and code sets of the fields of a view's owner, where the catalogue may be read. */
export function useFields(view: string): { facts: Map<string, FieldFacts>; key: string; keyTitle: string; keyElement: string } {
  const { name } = useI18n();
  const owner = view ? ownerOf(view) : "";
  const entity = isEntityOwner(owner);
  const detail = useApi<DatasetDetail | EntityDetail>(
    owner ? `v1/catalogue/${entity ? "entities" : "datasets"}/${encodeURIComponent(owner)}` : null,
  );
  return useMemo(() => {
    const facts = new Map<string, FieldFacts>();
    const d = detail.data;
    for (const f of list(d?.fields as DatasetDetail["fields"])) {
      facts.set(f.name, {
        title: name(f.title, f.english),
        element: f.element ?? "",
        codes: new Map(list(f.codes).map((c) => [c.value, name(c.title, c.english)])),
      });
    }
    if (!d) return { facts, key: "", keyTitle: "", keyElement: "" };
    if (entity) {
      const k = (d as EntityDetail).key;
      const key = typeof k === "string" ? k : (k?.name ?? "");
      const keyTitle = typeof k === "string" ? "" : (k?.title ?? "");
      const keyElement = typeof k === "string" ? "" : (k?.element ?? "");
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
  }, [detail.data, entity, name]);
}
