import { useSyncExternalStore } from "react";

// One clock for all relative times of a page: the gateway's, because a clerk's
// computer may be minutes off and what has happened is never to come.
let ahead = 0; // milliseconds the gateway's clock is ahead of this computer's
let now = new Date();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

const tell = () => {
  now = new Date(Date.now() + ahead);
  for (const l of listeners) l();
};

/** Takes the gateway's time from the header Date of an answer, which is of whole seconds. */
export function heardTime(date: string | null) {
  const at = date ? Date.parse(date) : NaN;
  if (Number.isNaN(at)) return;
  const found = at + 500 - Date.now();
  if (Math.abs(found - ahead) < 1500) return;
  ahead = found;
  tell();
}

function subscribe(l: () => void) {
  listeners.add(l);
  if (!timer) {
    now = new Date(Date.now() + ahead); // nobody has looked since
    timer = setInterval(tell, 5000);
  }
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
