import { useEffect, useState } from "react";
import type { FieldEntry, FieldIndex } from "../lib/search";
import { read } from "./hooks";
import { type DatasetSummary, pathOf } from "./types";

const most = 300;
const known = new Map<string, FieldEntry[]>();

/** The fields of all datasets with their titles, asked for a few at a time once someone searches. */
export function useFieldIndex(sets: DatasetSummary[], wanted: boolean): { index: FieldIndex; busy: boolean } {
  const [, setTurn] = useState(0);
  const [busy, setBusy] = useState(false);
  const ids = sets.length <= most ? sets.map((d) => d.id).join(",") : "";
  useEffect(() => {
    if (!wanted || !ids) return;
    const missing = ids.split(",").filter((id) => !known.has(id));
    if (missing.length === 0) return;
    const abort = new AbortController();
    setBusy(true);
    const worker = async () => {
      for (let id = missing.shift(); id !== undefined; id = missing.shift()) {
        try {
          const d = await read(pathOf("/v1/catalogue/datasets/{id}", { id }), abort.signal);
          known.set(id, d.fields);
        } catch {
          if (abort.signal.aborted) return;
          known.set(id, []);
        }
      }
    };
    void Promise.all([worker(), worker(), worker(), worker()]).then(() => {
      if (abort.signal.aborted) return;
      setBusy(false);
      setTurn((n) => n + 1);
    });
    return () => abort.abort();
  }, [ids, wanted]);
  return { index: known, busy };
}
