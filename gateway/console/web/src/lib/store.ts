import { useSyncExternalStore } from "react";

/** A value kept in the browser's storage (or only in memory where that is refused) and shared by all components. */
export interface Stored {
  get(): string;
  set(v: string): void;
  use(): string;
}

export function stored(area: "session" | "local", name: string, initial: () => string): Stored {
  const storage = (): Storage | null => {
    try {
      return area === "session" ? globalThis.sessionStorage : globalThis.localStorage;
    } catch {
      return null;
    }
  };
  const listeners = new Set<() => void>();
  let value: string | null = null;
  const get = () => {
    if (value === null) {
      try {
        value = storage()?.getItem(name) ?? initial();
      } catch {
        value = initial();
      }
    }
    return value;
  };
  const set = (v: string) => {
    value = v;
    try {
      if (v) storage()?.setItem(name, v);
      else storage()?.removeItem(name);
    } catch {
      // Storage refused: the value lives as long as the page.
    }
    for (const l of listeners) l();
  };
  const subscribe = (l: () => void) => {
    listeners.add(l);
    return () => listeners.delete(l);
  };
  return { get, set, use: () => useSyncExternalStore(subscribe, get, get) };
}
