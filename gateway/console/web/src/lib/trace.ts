// The steps every question goes through at the gateway, and where this one
// ended. The order is the gateway's own.

import type { ApiError } from "../api/client";

export const steps = ["reach", "identity", "purpose", "view", "grant", "mode", "term", "fields", "quota", "key", "data", "audit"] as const;
export type Step = (typeof steps)[number];
export type Outcome = "passed" | "failed" | "skipped";

// Codes that name their step more closely than their status does.
const byCode: Record<string, Step> = {
  "4001": "reach",
  "4002": "reach",
  "4010": "identity",
  "4011": "identity",
  "4012": "identity",
  "4293": "identity",
  "4030": "purpose",
  "4037": "purpose",
  "4041": "view",
  "4031": "grant",
  "4035": "mode",
  "4036": "mode",
  "4032": "term",
  "4034": "term",
  "4033": "fields",
  "4290": "quota",
  "4291": "reach",
  "4292": "quota",
  "4220": "key",
  "4221": "key",
  "4222": "key",
  "4223": "key",
  "5030": "audit",
};

/** "YIYUAN-4031" -> "4031" */
export const digits = (code: string): string => /^YIYUAN-(\d{4})$/.exec(code)?.[1] ?? "";

/** The step at which a refusal fell; null for "not there", which is an answer. */
export function failedStep(e: ApiError): Step | null {
  const step = byCode[digits(e.code)];
  if (step) return step;
  switch (e.status) {
    case 0:
      return "reach";
    case 401:
      return "identity";
    case 403:
      return "grant";
    case 404:
      return null;
    case 400:
    case 413:
    case 415:
      return "reach";
    case 422:
      return "key";
    case 429:
      return "quota";
    default:
      return "data";
  }
}

/** What became of each step. */
export function trace(error: ApiError | null): { step: Step; outcome: Outcome }[] {
  const failed = error ? failedStep(error) : null;
  if (failed === null) return steps.map((step) => ({ step, outcome: "passed" }));
  const at = steps.indexOf(failed);
  return steps.map((step, i) => ({ step, outcome: i < at ? "passed" : i === at ? "failed" : "skipped" }));
}
