import type { FieldIndex } from "../lib/search";
import { useDetails } from "./details";
import type { DatasetSummary } from "./types";

const most = 300;

/** The fields of all datasets with their titles, asked for once someone searches. */
export function useFieldIndex(sets: DatasetSummary[], wanted: boolean): { index: FieldIndex; busy: boolean } {
  const ids = wanted && sets.length <= most ? sets.map((d) => d.id) : [];
  const { of, busy } = useDetails(ids);
  return { index: new Map(ids.flatMap((id) => (of(id) ? [[id, of(id)!.fields]] : []))), busy };
}
