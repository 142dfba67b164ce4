import { useI18n } from "../i18n";
import { type Detail, useDetails } from "./details";
import type { Code } from "./types";

/** What the catalogue says of a field: its title, and the words for its codes. */
export interface FieldFacts {
  title: string;
  element: string;
  codes: Map<string, string>;
}
export type Facts = Map<string, FieldFacts>;

type Name = (title?: string | null, english?: string | null) => string;

const wordsOf = (codes: Code[] | undefined, name: Name) => new Map((codes ?? []).map((c) => [c.value, name(c.title, c.english)]));

/** The facts of a dataset's or an entity's fields in the reader's tongue. */
export const factsOf = (d: Detail | undefined, name: Name): Facts => new Map((d?.fields ?? []).map((f) => [f.name, { title: name(f.title, f.english), element: f.element, codes: wordsOf(f.codes, name) }]));

const none: Facts = new Map();

/** The facts of fields by their owners: datasets, entities. */
export function useFacts(owners: readonly string[]): (owner: string) => Facts {
  const { name } = useI18n();
  const { of } = useDetails(owners);
  const made = new Map([...new Set(owners)].map((owner) => [owner, factsOf(of(owner), name)]));
  return (owner) => made.get(owner) ?? none;
}
