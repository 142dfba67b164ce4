import { ApiError, request } from "../../api/client";
import type { LookupAnswer, VerifyAnswer } from "../../api/types";
import type { Question, Round } from "./model";

/** Asks the gateway as the application would, and keeps what came of it; null when the asker has let go. */
export async function ask(q: Question, signal: AbortSignal): Promise<Round | null> {
  const none = { ...q, lookup: null, verdict: null, error: null };
  const began = performance.now();
  const options = { key: q.apiKey, purpose: q.purpose, signal };
  try {
    if (q.verify) {
      const a = await request<VerifyAnswer>("v1/verify", { ...options, body: { view: q.view.id, key: q.key, fields: q.verify } });
      return { ...none, verdict: a.data, took: a.took };
    }
    const a = await request<LookupAnswer>(`v1/lookup/${encodeURIComponent(q.view.id)}`, { ...options, body: { key: q.key } });
    return { ...none, lookup: a.data, took: a.took };
  } catch (e) {
    if (signal.aborted || !(e instanceof ApiError)) return null;
    return { ...none, error: e, took: performance.now() - began };
  }
}
