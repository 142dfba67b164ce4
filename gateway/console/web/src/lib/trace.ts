// The steps every question goes through at the gateway, and where this one
// ended. The order is the gateway's own.

import type { ApiError } from "../api/client";

export const steps = ["reach", "identity", "purpose", "view", "grant", "mode", "fields", "quota", "data", "audit"] as const;
export type Step = (typeof steps)[number];
export type Outcome = "passed" | "failed" | "skipped";

// Codes that name their step more closely than their status does.
const byCode: Record<string, Step> = {};

/** The step at which a refusal fell. */
export function failedStep(e: ApiError): Step {
  const code = byCode[e.code];
  if (code) return code;
  switch (e.status) {
    case 0:
      return "reach";
    case 401:
      return "identity";
    case 400:
    case 422:
      return "fields";
    case 403:
      return "grant";
    case 429:
      return "quota";
    default:
      return "data";
  }
}

/** What became of each step. A 404 is an answer: all checks passed, the record is not there. */
export function trace(error: ApiError | null): { step: Step; outcome: Outcome }[] {
  if (!error || error.status === 404) return steps.map((step) => ({ step, outcome: "passed" }));
  const at = steps.indexOf(failedStep(error));
  return steps.map((step, i) => ({ step, outcome: i < at ? "passed" : i === at ? "failed" : "skipped" }));
}
