import { useEffect, useState } from "react";
import { request } from "./client";
import { consoleKey } from "./session";
import type { Me } from "./types";

/** The application behind the console's own key; null while that is not known. */
export function useWhose(): Me | null {
  const key = consoleKey.use();
  const [known, setKnown] = useState<{ key: string; me: Me } | null>(null);
  useEffect(() => {
    if (!key) return;
    const abort = new AbortController();
    request<Me>("v1/me", { key, signal: abort.signal }).then(
      (a) => setKnown({ key, me: a.data }),
      () => undefined, // the pages say why they cannot be read
    );
    return () => abort.abort();
  }, [key]);
  return key && known?.key === key ? known.me : null;
}
