// The one door to the gateway: every request, its errors made uniform.

import { heardTime } from "../lib/now";
import type { FieldProblem, Refused } from "./types";

/** Why a request gave no answer. Status 0 = the gateway was not reached. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** in Chinese */
  readonly title: string;
  readonly titleEn: string;
  readonly detail: string;
  readonly detailEn: string;
  readonly requestId: string;
  /** seconds, from Retry-After */
  readonly retryAfter: number | null;
  readonly problems: FieldProblem[];
  /** newer rows that were refused, where nothing was found */
  readonly refused: Refused[];

  constructor(p: {
    status: number;
    code: string;
    title: string;
    titleEn?: string;
    detail?: string;
    detailEn?: string;
    requestId?: string;
    retryAfter?: number | null;
    problems?: FieldProblem[];
    refused?: Refused[];
  }) {
    super(`${p.code} ${p.title}`);
    this.name = "ApiError";
    this.status = p.status;
    this.code = p.code;
    this.title = p.title;
    this.titleEn = p.titleEn ?? "";
    this.detail = p.detail ?? "";
    this.detailEn = p.detailEn ?? "";
    this.requestId = p.requestId ?? "";
    this.retryAfter = p.retryAfter ?? null;
    this.problems = p.problems ?? [];
    this.refused = p.refused ?? [];
  }
}

export interface Request {
  method?: "GET" | "POST";
  body?: unknown;
  key?: string;
  purpose?: string;
  signal?: AbortSignal;
  /** milliseconds; 0 = none */
  timeout?: number;
}

export interface Answer<T> {
  data: T;
  status: number;
  /** milliseconds the caller waited */
  took: number;
  headers: Headers;
}

/** Absolute address of an API path; the console may live under any prefix. */
export function address(path: string): string {
  const base = typeof document === "undefined" ? "http://localhost/" : document.baseURI.replace(/#.*$/, "");
  return new URL(path.replace(/^\//, ""), base).href;
}

export function headersOf(r: Request): Record<string, string> {
  const h: Record<string, string> = { Accept: "application/json, application/problem+json" };
  if (r.body !== undefined) h["Content-Type"] = "application/json";
  if (r.key) h.Authorization = `Bearer ${r.key}`;
  if (r.purpose) h["X-Purpose"] = r.purpose;
  return h;
}

function seconds(v: string | null): number | null {
  if (!v) return null;
  if (/^\d+$/.test(v)) return Number(v);
  const at = Date.parse(v);
  return Number.isNaN(at) ? null : Math.max(0, Math.round((at - Date.now()) / 1000));
}

const text = (v: unknown): string => (typeof v === "string" ? v : "");

/** The error that a response which is not 2xx stands for. */
export async function problemOf(res: Response): Promise<ApiError> {
  let p: Record<string, unknown> = {};
  try {
    const body: unknown = await res.json();
    if (body && typeof body === "object" && !Array.isArray(body)) p = body as Record<string, unknown>;
  } catch {
    // Not JSON: a proxy's page. The status says what there is to say.
  }
  return new ApiError({
    status: res.status,
    code: text(p.code) || `HTTP-${res.status}`,
    title: text(p.title),
    titleEn: text(p.title_en),
    detail: text(p.detail),
    detailEn: text(p.detail_en),
    requestId: text(p.request_id) || (res.headers.get("X-Request-Id") ?? ""),
    retryAfter: seconds(res.headers.get("Retry-After")),
    problems: Array.isArray(p.errors) ? (p.errors as FieldProblem[]) : [],
    refused: Array.isArray(p.refused) ? (p.refused as Refused[]) : [],
  });
}

/** Asks the gateway. Throws ApiError, or the AbortError of the caller's own signal. */
export async function request<T>(path: string, r: Request = {}): Promise<Answer<T>> {
  const timeout = r.timeout ?? 20_000;
  const clock = new AbortController();
  const timer = timeout > 0 ? setTimeout(() => clock.abort(), timeout) : undefined;
  const stop = () => clock.abort();
  if (r.signal?.aborted) clock.abort();
  r.signal?.addEventListener("abort", stop);
  const began = performance.now();
  try {
    const res = await fetch(address(path), {
      method: r.method ?? (r.body === undefined ? "GET" : "POST"),
      headers: headersOf(r),
      body: r.body === undefined ? undefined : JSON.stringify(r.body),
      signal: clock.signal,
      cache: "no-store",
      credentials: "same-origin",
      referrerPolicy: "no-referrer",
    });
    heardTime(res.headers.get("Date"));
    if (!res.ok) throw await problemOf(res);
    let data: T;
    try {
      data = (await res.json()) as T;
    } catch (e) {
      if (clock.signal.aborted) throw e;
      throw new ApiError({ status: res.status, code: "CONSOLE-FORMAT", title: "" });
    }
    return { data, status: res.status, took: performance.now() - began, headers: res.headers };
  } catch (e) {
    if (e instanceof ApiError) throw e;
    if (r.signal?.aborted) throw e;
    if (clock.signal.aborted) throw new ApiError({ status: 0, code: "CONSOLE-TIMEOUT", title: "" });
    throw new ApiError({ status: 0, code: "CONSOLE-OFFLINE", title: "" });
  } finally {
    clearTimeout(timer);
    r.signal?.removeEventListener("abort", stop);
  }
}
