import { useSyncExternalStore } from "react";

// One clock for all relative times of a page.
let now = new Date();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(l: () => void) {
  listeners.add(l);
  timer ??= setInterval(() => {
    now = new Date();
    for (const f of listeners) f();
  }, 5000);
  return () => {
    listeners.delete(l);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The present, told again every 5 s. */
export const useNow = (): Date => useSyncExternalStore(subscribe, () => now, () => now);
