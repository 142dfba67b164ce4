// What the playground knows while it asks.

import type { ApiError } from "../../api/client";
import { type DemoApp, list, type List, type LookupAnswer, type Me, type Purpose, type VerifyAnswer } from "../../api/types";

export interface AskedView {
  id: string;
  title: string;
  keyTitle: string;
  only: string;
  fields: { name: string; title: string }[];
}

export interface Caller {
  app: string;
  department: string;
  purposes: { id: string; title: string; english: string }[];
  views: AskedView[];
}

export const purposesOf = (p: List<string | Purpose>) =>
  list(p).map((x) => (typeof x === "string" ? { id: x, title: "", english: "" } : { id: x.id, title: x.title ?? "", english: x.english ?? "" }));

/** /v1/me as the playground needs it. */
export function callerOf(me: Me): Caller {
  const word = (x: Me["app"] | Me["department"]) => (typeof x === "string" ? x : (x?.title ?? x?.id ?? ""));
  return {
    app: word(me.app),
    department: word(me.department),
    purposes: purposesOf(me.purposes),
    views: list(me.views).map((v) => ({
      id: v.id,
      title: v.title ?? "",
      keyTitle: v.key_title ?? "",
      only: v.only ?? "",
      fields: list(v.fields).map((f) => (typeof f === "string" ? { name: f, title: "" } : { name: f.name, title: f.title ?? "" })),
    })),
  };
}

export const appTitle = (a: DemoApp) => [a.title || a.id, a.department_title || ""].filter(Boolean).join(" · ");

/** One question and what came of it. */
export interface Round {
  view: AskedView;
  purpose: string;
  key: string;
  apiKey: string;
  verify: Record<string, string> | null;
  lookup: LookupAnswer | null;
  verdict: VerifyAnswer | null;
  error: ApiError | null;
  took: number;
}
