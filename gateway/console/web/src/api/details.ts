import { useEffect, useState } from "react";
import { isEntityOwner } from "../lib/views";
import { read } from "./hooks";
import { consoleKey } from "./session";
import { type DatasetDetail, type EntityDetail, pathOf } from "./types";

export type Detail = DatasetDetail | EntityDetail;

// What was answered, by reader and id; undefined = it could not be read.
const known = new Map<string, Detail | undefined>();

/** Datasets and entities by their ids, as far as they have been read: four at a time, each once. */
export function useDetails(ids: readonly string[]): { of: (id: string) => Detail | undefined; busy: boolean } {
  const key = consoleKey.use();
  const [, setTurn] = useState(0);
  const [busy, setBusy] = useState(false);
  const wanted = [...new Set(ids)].filter(Boolean).sort().join(",");
  useEffect(() => {
    const missing = wanted.split(",").filter((id) => id && !known.has(key + "\n" + id));
    if (missing.length === 0) return;
    const abort = new AbortController();
    setBusy(true);
    const worker = async () => {
      for (let id = missing.shift(); id !== undefined; id = missing.shift()) {
        try {
          const path = isEntityOwner(id) ? pathOf("/v1/catalogue/entities/{id}", { id }) : pathOf("/v1/catalogue/datasets/{id}", { id });
          known.set(key + "\n" + id, await read<Detail>(path, abort.signal));
        } catch {
          if (abort.signal.aborted) return;
          known.set(key + "\n" + id, undefined);
        }
      }
    };
    void Promise.all([worker(), worker(), worker(), worker()]).then(() => {
      if (abort.signal.aborted) return;
      setBusy(false);
      setTurn((n) => n + 1);
    });
    return () => abort.abort();
  }, [wanted, key]);
  return { of: (id) => known.get(key + "\n" + id), busy };
}
