import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { translate } from "../i18n";
import { tell } from "../lib/tell";
import { failedStep, trace } from "../lib/trace";
import { ApiError, address, request } from "./client";
import { pathOf } from "./types";

const answers = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  vi.fn(async (_url: string, _init: RequestInit) => new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers }));

async function failure(p: Promise<unknown>): Promise<ApiError> {
  try {
    await p;
  } catch (e) {
    if (e instanceof ApiError) return e;
    throw e;
  }
  throw new Error("succeeded");
}

beforeEach(() => void vi.useRealTimers());
afterEach(() => void vi.unstubAllGlobals());

describe("request", () => {
  it("sends key and purpose and never a cookie elsewhere", async () => {
    const fetch = answers(200, { ok: true });
    vi.stubGlobal("fetch", fetch);
    const a = await request("/v1/me", { key: "k-1", purpose: "GLJT" });
    expect(a.data).toEqual({ ok: true });
    const [url, init] = fetch.mock.calls[0]!;
    expect(url).toBe("http://localhost/v1/me");
    expect(init.headers).toMatchObject({ Authorization: "Bearer k-1", "X-Purpose": "GLJT" });
    expect(init).toMatchObject({ method: "GET", credentials: "same-origin", cache: "no-store", referrerPolicy: "no-referrer" });
  });
  it("posts a body as JSON", async () => {
    const fetch = answers(200, {});
    vi.stubGlobal("fetch", fetch);
    await request("v1/verify", { body: { view: "a" } });
    expect(fetch.mock.calls[0]![1]).toMatchObject({ method: "POST", body: '{"view":"a"}' });
  });
  it("keeps the whole problem of RFC 9457", async () => {
    vi.stubGlobal("fetch", answers(403, { title: "没有授权", status: 403, title_en: "no grant", detail: "无", detail_en: "none", code: "YIYUAN-4031", request_id: "r-1", errors: [{ location: "XM", message: "m" }], refused: [{ dataset: "GA01", message: "旧" }] }, { "Content-Type": "application/problem+json" }));
    const e = await failure(request("v1/x"));
    expect(e).toMatchObject({ status: 403, code: "YIYUAN-4031", title: "没有授权", titleEn: "no grant", detail: "无", detailEn: "none", requestId: "r-1", retryAfter: null });
    expect(e.problems).toEqual([{ location: "XM", message: "m" }]);
    expect(e.refused).toEqual([{ dataset: "GA01", message: "旧" }]);
  });
  it("reads Retry-After in seconds and as a date", async () => {
    vi.stubGlobal("fetch", answers(503, { code: "YIYUAN-5031" }, { "Retry-After": "7" }));
    expect((await failure(request("v1/x"))).retryAfter).toBe(7);
    vi.stubGlobal("fetch", answers(429, {}, { "Retry-After": new Date(Date.now() + 5000).toUTCString() }));
    expect((await failure(request("v1/x"))).retryAfter).toBeGreaterThan(2);
  });
  it("stays calm at a proxy's page, a list, a null", async () => {
    for (const body of ["<html>Bad Gateway</html>", "[]", "null", '{"code":5}']) {
      vi.stubGlobal("fetch", answers(502, body, { "X-Request-Id": "r-2" }));
      expect(await failure(request("v1/x"))).toMatchObject({ status: 502, code: "HTTP-502", title: "", requestId: "r-2", problems: [] });
    }
  });
  it("tells an unreadable answer from a refusal", async () => {
    vi.stubGlobal("fetch", answers(200, "<html>"));
    expect(await failure(request("v1/x"))).toMatchObject({ status: 200, code: "CONSOLE-FORMAT" });
  });
  it("says offline when the gateway is not reached", async () => {
    vi.stubGlobal("fetch", vi.fn(async () => Promise.reject(new TypeError("failed"))));
    expect(await failure(request("v1/x"))).toMatchObject({ status: 0, code: "CONSOLE-OFFLINE" });
  });
  it("gives up after its time", async () => {
    vi.stubGlobal("fetch", (_: string, init: RequestInit) => new Promise((_ok, no) => init.signal!.addEventListener("abort", () => no(new DOMException("", "AbortError")))));
    expect(await failure(request("v1/x", { timeout: 5 }))).toMatchObject({ status: 0, code: "CONSOLE-TIMEOUT" });
  });
  it("leaves the caller's own abort alone", async () => {
    vi.stubGlobal("fetch", (_: string, init: RequestInit) => new Promise((_ok, no) => init.signal!.addEventListener("abort", () => no(new DOMException("", "AbortError")))));
    const abort = new AbortController();
    const p = request("v1/x", { signal: abort.signal });
    abort.abort();
    await expect(p).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("addresses", () => {
  it("leave empty parameters out and escape the rest", () => {
    expect(pathOf("/v1/findings", {}, { state: "open", rule: "", owner: null, limit: 5, subject: "甲&乙" })).toBe("v1/findings?state=open&limit=5&subject=%E7%94%B2%26%E4%B9%99");
    expect(pathOf("/v1/findings/{id}", { id: "a/b" })).toBe("v1/findings/a%2Fb");
    expect(pathOf("/v1/findings")).toBe("v1/findings");
    expect(address("v1/me")).toBe("http://localhost/v1/me");
  });
});

describe("what a person is told", () => {
  const t = (lang: "zh" | "en") => (k: Parameters<typeof translate>[1], v?: Record<string, string | number>) => translate(lang, k, v);
  const e = new ApiError({ status: 403, code: "YIYUAN-4032", title: "用途不在授权内", titleEn: "purpose not granted", detail: "授权不包括这个用途", detailEn: "the grant does not cover this purpose" });
  it("is what, why and what to do, in the reader's tongue", () => {
    expect(tell(e, "zh", t("zh"))).toMatchObject({ code: "YIYUAN-4032", what: "用途不在授权内", why: "授权不包括这个用途" });
    const en = tell(e, "en", t("en"));
    expect(en).toMatchObject({ what: "The grant does not cover this purpose", why: "the grant does not cover this purpose" });
    expect(Object.values(en).join("")).not.toMatch(/[\u3400-\u9fff]/);
  });
  it("always says something to do, whatever came", () => {
    for (const status of [0, 400, 401, 403, 404, 409, 413, 418, 422, 429, 500, 502, 503, 504])
      for (const lang of ["zh", "en"] as const) {
        const told = tell(new ApiError({ status, code: status ? `HTTP-${status}` : "CONSOLE-OFFLINE", title: "" }), lang, t(lang));
        expect(told.what.length).toBeGreaterThan(3);
        expect(told.do.length).toBeGreaterThan(5);
      }
  });
});

describe("the decision", () => {
  const error = (status: number, code: string) => new ApiError({ status, code, title: "" });
  it("stops where the gateway stopped", () => {
    expect(failedStep(error(401, "YIYUAN-4011"))).toBe("identity");
    expect(failedStep(error(403, "YIYUAN-4030"))).toBe("purpose");
    expect(failedStep(error(403, "YIYUAN-4034"))).toBe("term");
    expect(failedStep(error(404, "YIYUAN-4041"))).toBe("view");
    expect(failedStep(error(503, "YIYUAN-5030"))).toBe("audit");
    expect(failedStep(error(503, "HTTP-503"))).toBe("data");
    const t = trace(error(403, "YIYUAN-4031"));
    expect(t.find((s) => s.step === "view")?.outcome).toBe("passed");
    expect(t.find((s) => s.step === "grant")?.outcome).toBe("failed");
    expect(t.find((s) => s.step === "data")?.outcome).toBe("skipped");
  });
  it("passes every step for an answer, and for a definite 'not there'", () => {
    expect(trace(null).every((s) => s.outcome === "passed")).toBe(true);
    expect(trace(error(404, "YIYUAN-4040")).every((s) => s.outcome === "passed")).toBe(true);
  });
});
