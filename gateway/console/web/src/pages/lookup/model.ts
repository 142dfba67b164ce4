// What the playground knows while it asks.

import type { ApiError } from "../../api/client";
import type { DemoApp, LookupAnswer, Me, VerifyAnswer } from "../../api/types";

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

/** /v1/me as the playground needs it: the grants of one view taken together. */
export function callerOf(me: Me): Caller {
  const views = new Map<string, AskedView>();
  for (const v of me.views) {
    const old = views.get(v.id);
    if (!old) {
      views.set(v.id, { id: v.id, title: v.title, keyTitle: v.key_title, only: v.only ?? "", fields: [...v.fields], purposes: v.purposes, until: v.until, quota: v.quota });
      continue;
    }
    for (const f of v.fields) if (!old.fields.some((o) => o.name === f.name)) old.fields.push(f);
    old.purposes = [...new Set([...old.purposes, ...v.purposes])];
  }
  return { id: me.app, title: me.title || me.app, department: me.department, departmentTitle: me.department_title || me.department, purposes: me.purposes, views: [...views.values()] };
}

export const appTitle = (a: DemoApp, department: string) => [a.title || a.id, department].filter(Boolean).join(" · ");

/** What is asked: one record of a view, or whether something is so. */
export interface Question {
  view: AskedView;
  purpose: string;
  key: string;
  apiKey: string;
  /** what is held against the record; null = the record itself is asked for */
  verify: Record<string, string> | null;
}

/** One question and what came of it. */
export interface Round extends Question {
  lookup: LookupAnswer | null;
  verdict: VerifyAnswer | null;
  error: ApiError | null;
  /** milliseconds */
  took: number;
}
