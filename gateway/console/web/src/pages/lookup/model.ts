// What the playground knows while it asks.

import type { ApiError } from "../../api/client";
import { type DemoApp, list, type List, type LookupAnswer, type Me, type Purpose, type VerifyAnswer } from "../../api/types";

export interface AskedView {
  id: string;
  title: string;
  keyTitle: string;
  only: string;
  fields: { name: string; title: string; kind: string }[];
  /** empty = any of the application's */
  purposes: string[];
  until: string | null;
  /** records a minute, 0 = no limit */
  quota: number;
}

export interface Caller {
  id: string;
  title: string;
  department: string;
  departmentTitle: string;
  purposes: { id: string; title: string; english: string }[];
  views: AskedView[];
}

export const purposesOf = (p: List<string | Purpose>) =>
  list(p).map((x) => (typeof x === "string" ? { id: x, title: "", english: "" } : { id: x.id, title: x.title ?? "", english: x.english ?? "" }));

/** /v1/me as the playground needs it: the grants of one view taken together. */
export function callerOf(me: Me): Caller {
  const views = new Map<string, AskedView>();
  for (const v of list(me.views)) {
    const fields = list(v.fields).map((f) => (typeof f === "string" ? { name: f, title: "", kind: "" } : { name: f.name, title: f.title ?? "", kind: f.kind ?? "" }));
    const old = views.get(v.id);
    if (!old) {
      views.set(v.id, { id: v.id, title: v.title ?? "", keyTitle: v.key_title ?? "", only: v.only ?? "", fields, purposes: list(v.purposes), until: v.until ?? null, quota: v.quota ?? 0 });
      continue;
    }
    for (const f of fields) if (!old.fields.some((o) => o.name === f.name)) old.fields.push(f);
    old.purposes = [...new Set([...old.purposes, ...list(v.purposes)])];
  }
  return { id: me.app, title: me.title || me.app, department: me.department ?? "", departmentTitle: me.department_title || me.department || "", purposes: purposesOf(me.purposes), views: [...views.values()] };
}

export const appTitle = (a: DemoApp, department: string) => [a.title || a.id, department].filter(Boolean).join(" · ");

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
