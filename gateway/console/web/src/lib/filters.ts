import { useCallback } from "react";
import { useSearchParams } from "react-router";

/** Filters kept in the address, so that a list can be sent to a colleague. */
export function useFilters(): { get: (k: string) => string; all: (k: string) => string[]; set: (change: Record<string, string | string[]>) => void } {
  const [params, setParams] = useSearchParams();
  const get = useCallback((k: string) => params.get(k) ?? "", [params]);
  const all = useCallback((k: string) => (params.get(k) ?? "").split(",").filter(Boolean), [params]);
  const set = useCallback(
    (change: Record<string, string | string[]>) =>
      setParams(
        (old) => {
          const next = new URLSearchParams(old);
          for (const [k, v] of Object.entries(change)) {
            const s = Array.isArray(v) ? v.join(",") : v;
            if (s) next.set(k, s);
            else next.delete(k);
          }
          return next;
        },
        { replace: true },
      ),
    [setParams],
  );
  return { get, all, set };
}
