import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import { useLocation, useSearchParams } from "react-router";
import { personal } from "./keys";

// What looks like somebody's number is kept here, in memory, and never in the
// address: that stands in the history, in proxies' logs and in what is sent on.
let unsaid: Record<string, string> = {};
const listeners = new Set<() => void>();
const name = (path: string, k: string) => `${path} ${k}`;

/** Keeps a filter of a page out of its address. */
export function keepUnsaid(path: string, k: string, v: string) {
  const { [name(path, k)]: _, ...rest } = unsaid;
  unsaid = v ? { ...rest, [name(path, k)]: v } : rest;
  for (const l of listeners) l();
}

const subscribe = (l: () => void) => {
  listeners.add(l);
  return () => listeners.delete(l);
};

/** Filters kept in the address, so that a list can be sent to a colleague; but nobody's number. */
export function useFilters(): { get: (k: string) => string; all: (k: string) => string[]; set: (change: Record<string, string | string[]>) => void } {
  const [params, setParams] = useSearchParams();
  const { pathname } = useLocation();
  const kept = useSyncExternalStore(subscribe, () => unsaid);
  const get = useCallback((k: string) => kept[name(pathname, k)] ?? params.get(k) ?? "", [kept, params, pathname]);
  const all = useCallback((k: string) => get(k).split(",").filter(Boolean), [get]);
  const set = useCallback(
    (change: Record<string, string | string[]>) =>
      setParams(
        (old) => {
          const next = new URLSearchParams(old);
          for (const [k, v] of Object.entries(change)) {
            const s = Array.isArray(v) ? v.join(",") : v;
            keepUnsaid(pathname, k, personal(s) ? s : "");
            if (s && !personal(s)) next.set(k, s);
            else next.delete(k);
          }
          return next;
        },
        { replace: true },
      ),
    [setParams, pathname],
  );
  // An address that came from elsewhere.
  const said = useMemo(() => [...params].filter(([, v]) => personal(v)), [params]);
  useEffect(() => {
    if (said.length > 0) set(Object.fromEntries(said));
  }, [said, set]);
  return { get, all, set };
}
