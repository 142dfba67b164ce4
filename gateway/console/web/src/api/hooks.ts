import { useCallback, useEffect, useState } from "react";
import { ApiError, request } from "./client";
import { consoleKey, SUPERVISE } from "./session";
import type { Path } from "./types";

export interface Loaded<T> {
  data: T | undefined;
  error: ApiError | undefined;
  /** the first answer is still to come */
  loading: boolean;
  /** a later one is */
  busy: boolean;
  reload: () => void;
}

// The last answer of each path, so that coming back to a page shows it at once
// while it is asked for again.
const kept = new Map<string, unknown>();
const keep = (path: string, data: unknown) => {
  kept.delete(path);
  kept.set(path, data);
  if (kept.size > 60) kept.delete(kept.keys().next().value!);
};

/** Forgets all kept answers: another key is another reader. */
export const forget = () => kept.clear();

/** No key, or not enough of one: asking again changes nothing. */
export const refusal = (e: ApiError | undefined): boolean => e?.status === 401 || e?.status === 403;

/** Reads under the console's own key. */
export async function read<T>(path: Path<T>, signal?: AbortSignal): Promise<T> {
  const key = consoleKey.get();
  const { data } = await request<T>(path, { key, purpose: key ? SUPERVISE : "", signal });
  return data;
}

/** Reads a path (null = nothing yet) and, with `every`, again each so many milliseconds while the page is visible. */
export function useApi<T>(path: Path<T> | null, every = 0): Loaded<T> {
  const key = consoleKey.use();
  const id = path === null ? "" : key + "\n" + path;
  const [state, setState] = useState<{ id: string; data?: T; error?: ApiError; busy: boolean }>(() => ({
    id,
    data: kept.get(id) as T | undefined,
    busy: path !== null,
  }));
  const [turn, setTurn] = useState(0);

  useEffect(() => {
    if (path === null) {
      setState({ id, busy: false });
      return;
    }
    const abort = new AbortController();
    setState((s) => (s.id === id ? { ...s, busy: true } : { id, data: kept.get(id) as T | undefined, busy: true }));
    read<T>(path, abort.signal).then(
      (data) => {
        keep(id, data);
        setState({ id, data, busy: false });
      },
      (e: unknown) => {
        if (abort.signal.aborted) return;
        const error = e instanceof ApiError ? e : new ApiError({ status: 0, code: "CONSOLE-INTERNAL", title: "" });
        setState((s) => ({ id, data: refusal(error) ? undefined : s.data, error, busy: false }));
      },
    );
    return () => abort.abort();
  }, [id, path, turn]);

  // Each refusal is written to the audit: who is not allowed is not asked for again.
  const refused = state.id === id && refusal(state.error);
  useEffect(() => {
    if (!every || path === null || refused) return;
    const t = setInterval(() => {
      if (document.visibilityState === "visible") setTurn((n) => n + 1);
    }, every);
    return () => clearInterval(t);
  }, [every, path, refused]);

  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const mine = state.id === id ? state : { data: kept.get(id) as T | undefined, error: undefined, busy: path !== null };
  return {
    data: mine.data,
    error: mine.error,
    loading: mine.busy && mine.data === undefined && mine.error === undefined,
    busy: mine.busy,
    reload,
  };
}
