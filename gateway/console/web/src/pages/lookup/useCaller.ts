import { useEffect, useState } from "react";
import { ApiError, request } from "../../api/client";
import type { Me } from "../../api/types";
import { type Caller, callerOf } from "./model";

/** Whose a key is: the application behind it and what it may ask. */
export function useCaller(apiKey: string): { caller: Caller | null; error: ApiError | null; busy: boolean } {
  const [state, setState] = useState<{ key: string; caller: Caller | null; error: ApiError | null }>({ key: "", caller: null, error: null });
  useEffect(() => {
    if (!apiKey) return;
    const abort = new AbortController();
    // Typing a key is not asking with each of its beginnings.
    const timer = setTimeout(() => {
      request<Me>("v1/me", { key: apiKey, signal: abort.signal }).then(
        (a) => setState({ key: apiKey, caller: callerOf(a.data), error: null }),
        (e: unknown) => {
          if (e instanceof ApiError) setState({ key: apiKey, caller: null, error: e });
        },
      );
    }, 250);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [apiKey]);
  if (!apiKey) return { caller: null, error: null, busy: false };
  return state.key === apiKey ? { ...state, busy: false } : { caller: null, error: null, busy: true };
}
