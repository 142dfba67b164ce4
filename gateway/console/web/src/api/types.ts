// The gateway's answers as the console reads them. Lists may come as null.

export type List<T> = T[] | null | undefined;
export const list = <T>(v: List<T>): T[] => (Array.isArray(v) ? v : []);

export type DatasetState = "fresh" | "due" | "overdue" | "stopped" | "unknown";

export interface Department {
  id: string;
  title: string;
  english?: string;
  datasets?: number;
}

export interface DatasetSummary {
  id: string;
  title: string;
  english?: string;
  provider: string;
  provider_title?: string;
  code?: string;
  class: string;
  cycle: string;
  fields?: number | List<string | FieldInfo>;
  field_names?: List<string>;
  views?: List<string | { id: string }>;
  state: DatasetState;
  last_update?: string | null;
  as_of?: string | null;
  rows?: number | null;
  sources?: List<string>;
}

export interface FieldInfo {
  name: string;
  title?: string;
  english?: string;
  element?: string;
  element_title?: string;
  type?: string;
  level?: string;
  nullable?: boolean;
  /** this dataset is the accountable source of the field */
  source?: boolean;
  mask?: Record<string, string> | null;
  masks?: Record<string, string> | null;
  codes?: List<{ value: string; title?: string; english?: string }>;
}

export interface ViewInfo {
  id: string;
  name?: string;
  title?: string;
  only?: string;
  level?: string;
  key_masked?: boolean;
  fields?: List<string | { name: string; title?: string; mask?: string; kind?: string; element?: string }>;
}

export interface LinkInfo {
  entity: string;
  entity_title?: string;
  key?: string;
  role?: string;
}

export interface RuleInfo {
  id: string;
  title?: string;
  english?: string;
  severity?: string;
}

export interface DatasetDetail extends Omit<DatasetSummary, "fields" | "views"> {
  basis?: string;
  key?: List<string>;
  fields?: List<FieldInfo>;
  views?: List<string | ViewInfo>;
  links?: List<LinkInfo>;
  rules?: List<string | RuleInfo>;
}

export interface GoldenField {
  name: string;
  title?: string;
  english?: string;
  element?: string;
  type?: string;
  level?: string;
  group?: string;
  codes?: FieldInfo["codes"];
  sources?: List<
    | string
    | { dataset: string; dataset_title?: string; department?: string; department_title?: string; flag?: string; same_rank?: boolean; role?: string; pick?: string }
  >;
}

export interface EntityDetail {
  id: string;
  title?: string;
  english?: string;
  key?: string | { name?: string; title?: string; element?: string };
  fields?: List<GoldenField>;
  views?: List<string | ViewInfo>;
  authority?: { version?: number; effective?: string; basis?: string } | null;
  rules?: List<string | RuleInfo>;
}

export interface EntitySummary {
  id: string;
  title?: string;
  english?: string;
  fields?: number | List<unknown>;
  views?: List<string | { id: string }>;
}

export interface Purpose {
  id: string;
  title?: string;
  english?: string;
}

export interface Catalogue {
  city: string | { name?: string; english?: string; region?: string };
  version: string;
  departments?: List<Department>;
  datasets?: List<DatasetSummary>;
  entities?: List<string | EntitySummary>;
  purposes?: List<string | Purpose>;
  rules?: List<RuleInfo>;
}

export interface Indicator {
  id: string;
  title: string;
  english?: string;
  value: number | null;
  unit?: string;
  target?: number | null;
  /** null: not yet known */
  met?: boolean | null;
  /** the window it is judged over; null: a number of this moment */
  window_s?: number | null;
  observed_s?: number | null;
  lookups?: number | null;
  formula?: string;
  formula_en?: string;
  numerator?: number | null;
  denominator?: number | null;
  items?: List<{ id: string; title?: string; english?: string; counted: boolean; why?: string; why_en?: string }>;
}

export interface Indicators {
  as_of?: string | null;
  indicators?: List<Indicator>;
}

export interface FlowDataset {
  id: string;
  changes_per_s: number | null;
  total: number | null;
  lag_s: number | null;
  state: DatasetState;
}

export interface FlowSource {
  name: string;
  kind: string;
  datasets?: List<string>;
  state: string;
  last_error?: string;
  last_error_en?: string;
  /** what to do about it, often one command */
  do?: string;
  do_en?: string;
  last_seen?: string | null;
  rows?: number | null;
}

export interface Flow {
  at?: string;
  datasets?: List<FlowDataset>;
  totals?: {
    changes?: number | null;
    lookups?: number | null;
    denied?: number | null;
    quarantined?: number | null;
    findings_open?: number | null;
  } | null;
  sources?: List<FlowSource>;
}

export interface Evidence {
  dataset: string;
  field: string;
  value: string | null;
  at?: string | null;
}

export interface Finding {
  id: string;
  rule: string;
  case?: string;
  title: string;
  entity: string;
  subject: string;
  subject_masked: string;
  severity: string;
  /** contradiction, or to_confirm: may be lawful */
  certainty?: string;
  state: string;
  owner: string;
  owner_title?: string;
  opened_at: string;
  due?: string | null;
  closed_at?: string | null;
  reopened?: number;
  advice?: string;
  advice_en?: string;
  evidence?: List<Evidence>;
}

export interface FindingPage {
  findings?: List<Finding>;
  total?: number | null;
  next?: string | null;
  /** open findings of each rule */
  by_rule?: Record<string, number> | null;
}

export interface QuarantineEntry {
  dataset?: string;
  field?: string;
  reason: string;
  detail?: string;
  detail_en?: string;
  source?: string;
  at?: string;
  locator?: string;
  digest?: string;
}

export interface Quarantine {
  entries?: List<QuarantineEntry>;
  total?: number | null;
  by_reason?: Record<string, number> | List<{ reason: string; count: number }>;
}

export interface Topology {
  steps?: List<{ name: string; from?: List<string>; to?: List<string> }>;
  mermaid?: string;
}

export interface Me {
  app: string;
  title?: string;
  department?: string;
  department_title?: string;
  purposes?: List<string | Purpose>;
  /** one line a grant: a view may stand more than once */
  views?: List<{
    id: string;
    title?: string;
    fields?: List<string | { name: string; title?: string; kind?: string }>;
    key_title?: string;
    only?: string;
    purposes?: List<string>;
    until?: string | null;
    quota?: number;
  }>;
}

export interface DemoApp {
  id: string;
  title?: string;
  key: string;
  department?: string;
  department_title?: string;
  purposes?: List<string | Purpose>;
  views?: List<string | { id: string; title?: string }>;
}

export interface DemoApps {
  apps?: List<DemoApp>;
  samples?: Record<string, string | string[]> | null;
}

/** A newer row of a dataset was refused, so that what is answered is older; more = whether it was is not known. */
export interface Refused {
  dataset: string;
  since?: string;
  message?: string;
  message_en?: string;
  more?: boolean;
}

export interface LookupAnswer {
  data: Record<string, unknown> | null;
  as_of?: string | null;
  source_time?: string;
  stale?: boolean;
  disputed?: List<string>;
  masked?: List<string>;
  refused?: List<Refused>;
  view?: string;
  version?: string;
  request_id?: string;
  audit_id?: string;
}

export interface VerifyAnswer {
  match: boolean;
  refused?: List<Refused>;
  as_of?: string | null;
  source_time?: string;
  stale?: boolean;
  request_id?: string;
  audit_id?: string;
}

export interface VerificationsLine {
  app: string;
  asked: number;
  missed: number;
  stopped: number;
  ratio: number;
  alarm: boolean;
}

export interface Verifications {
  applications?: List<VerificationsLine>;
}

export interface ExplainCell {
  field: string;
  title?: string;
  value: string | null;
  dataset?: string;
  department?: string;
  reason?: string;
  rule?: string;
  flag?: string;
  at?: string;
  losers?: List<{ dataset?: string; department?: string; value?: string | null; reason?: string }>;
}

export interface ExplainAnswer {
  entity: string;
  key_masked?: string;
  cells?: List<ExplainCell>;
  refused?: List<Refused>;
  as_of?: string | null;
  request_id?: string;
  audit_id?: string;
}
