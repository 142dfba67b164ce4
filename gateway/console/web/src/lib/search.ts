// Finding datasets by whatever a person remembers of them.

import type { DatasetSummary } from "../api/types";
import { narrow } from "./keys";

export interface FieldEntry {
  name: string;
  title: string;
  english: string;
}
export type FieldIndex = Map<string, FieldEntry[]>;

export const fold = (s: string) => narrow(s).toLowerCase().replace(/\s+/g, " ").trim();

/** The fields by the names that the summary gives, without their titles. */
export const fieldsOf = (d: DatasetSummary): FieldEntry[] => d.field_names.map((name) => ({ name, title: "", english: "" }));

export interface Hit {
  dataset: DatasetSummary;
  /** smaller = better */
  rank: number;
  /** the fields that matched, when nothing better did */
  fields: FieldEntry[];
}

/** All words of the query must be found in the dataset; better places first, else in the order given. */
export function searchDatasets(sets: DatasetSummary[], query: string, index: FieldIndex, department: (id: string) => string): Hit[] {
  const words = fold(query).split(" ").filter(Boolean);
  const hits: Hit[] = [];
  for (const dataset of sets) {
    const id = fold(dataset.id);
    const title = fold(`${dataset.title} ${dataset.english ?? ""}`);
    const rest = fold(`${dataset.code ?? ""} ${department(dataset.provider)} ${dataset.provider}`);
    const fields = index.get(dataset.id) ?? fieldsOf(dataset);
    let rank = 0;
    let ok = true;
    const matched = new Set<FieldEntry>();
    for (const w of words) {
      if (id === w) continue;
      if (id.startsWith(w)) rank += 1;
      else if (title.includes(w)) rank += 2;
      else if (rest.includes(w)) rank += 3;
      else {
        const fs = fields.filter((f) => fold(`${f.name} ${f.title} ${f.english}`).includes(w));
        if (fs.length === 0) {
          ok = false;
          break;
        }
        rank += fs.some((f) => [f.name, f.title, f.english].some((s) => fold(s) === w)) ? 4 : 5;
        for (const f of fs) matched.add(f);
      }
    }
    if (ok) hits.push({ dataset, rank, fields: [...matched] });
  }
  return words.length ? hits.sort((a, b) => a.rank - b.rank) : hits;
}

export type FacetName = "provider" | "class" | "cycle" | "state";

/** Which values each facet has among the hits that pass the *other* facets. */
export function facetCounts(hits: DatasetSummary[], chosen: Record<FacetName, string[]>, valueOf: (d: DatasetSummary, f: FacetName) => string): Record<FacetName, Map<string, number>> {
  const names: FacetName[] = ["provider", "class", "cycle", "state"];
  const out = Object.fromEntries(names.map((n) => [n, new Map<string, number>()])) as Record<FacetName, Map<string, number>>;
  for (const d of hits) {
    for (const n of names) {
      const passes = names.every((o) => o === n || chosen[o].length === 0 || chosen[o].includes(valueOf(d, o)));
      if (!passes) continue;
      const v = valueOf(d, n);
      out[n].set(v, (out[n].get(v) ?? 0) + 1);
    }
  }
  return out;
}
