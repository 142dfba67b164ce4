import { useSyncExternalStore } from "react";

const media = typeof matchMedia === "undefined" ? null : matchMedia("(max-width: 700px)");

function subscribe(l: () => void) {
  media?.addEventListener("change", l);
  return () => media?.removeEventListener("change", l);
}

/** Whether the window is a phone's: tables become cards, the menu folds away, all is a finger wide. */
export const useNarrow = (): boolean => useSyncExternalStore(subscribe, () => media?.matches ?? false, () => false);
