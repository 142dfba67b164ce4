// What the gateway answers, by the names that pages use. The types themselves are
// made of its description: description.ts.

import type { components, paths } from "./description";

type Schemas = components["schemas"];

export type Catalogue = Schemas["Catalogue"];
export type Code = Schemas["Code"];
export type DatasetDetail = Schemas["DatasetDetail"];
export type DatasetState = DatasetSummary["state"];
export type DatasetSummary = Schemas["Dataset"];
export type DemoApp = Schemas["DemoApp"];
export type EntityDetail = Schemas["EntityDetail"];
export type Evidence = Schemas["EvidencePage"];
export type ExplainAnswer = Schemas["ExplainAnswer"];
export type ExplainCell = Schemas["ExplainCell"];
export type FieldInfo = Schemas["Field"];
export type FieldProblem = Schemas["Part"];
export type Finding = Schemas["FindingPage"];
export type Flow = Schemas["FlowPage"];
export type FlowSource = Schemas["FlowSource"];
export type GoldenField = Schemas["GoldenField"];
export type Indicator = Schemas["IndicatorPage"];
export type LookupAnswer = Schemas["LookupAnswer"];
export type Me = Schemas["MePage"];
export type Problem = Schemas["Problem"];
export type Quarantine = Schemas["Rejections"];
export type QuarantineEntry = Schemas["Rejection"];
export type Refused = Schemas["Refused"];
export type Topology = Schemas["Topology"];
export type VerificationsLine = Schemas["VerificationsLine"];
export type VerifyAnswer = Schemas["VerifyAnswer"];
export type ViewInfo = Schemas["View"];

/** A list that has come, or none while it has not. */
export const list = <T>(v: T[] | null | undefined): T[] => v ?? [];

type Body<R> = R extends { responses: { 200: { content: { "application/json": infer A } } } } ? A : never;

/** What a GET of each path answers. */
export type Answers = { [P in keyof paths as paths[P] extends { get: unknown } ? P : never]: paths[P] extends { get: infer R } ? Body<R> : never };

type QueryOf<P> = P extends { get: { parameters: { query?: infer Q } } } ? Q : never;

/** An address of the API that is answered with a T. */
export type Path<T> = string & { readonly answer?: T };

/** The address of a path of the description with its places filled and its query; empty values are left out. */
export function pathOf<P extends keyof Answers>(path: P, fill: Record<string, string> = {}, query?: { [K in keyof QueryOf<paths[P]>]?: QueryOf<paths[P]>[K] | "" | null }): Path<Answers[P]> {
  const filled = path.slice(1).replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(fill[name] ?? ""));
  const asked = new URLSearchParams();
  for (const [k, v] of Object.entries(query ?? {})) if (v !== null && v !== undefined && v !== "") asked.set(k, String(v));
  return (asked.size > 0 ? `${filled}?${asked}` : filled) as Path<Answers[P]>;
}
