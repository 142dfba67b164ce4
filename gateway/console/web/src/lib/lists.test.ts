import { describe, expect, it } from "vitest";
import type { Catalogue, DatasetSummary, Finding, Flow, FlowSource } from "../api/types";
import { family, graph, reach } from "./graph";
import { byReason } from "./group";
import { facetCounts, searchDatasets } from "./search";
import { languages, snippet } from "./snippets";
import { foremost, todos } from "./todo";
import { curlOf, isEntityOwner, isVerifyOnly, ownerOf } from "./views";

const ds = (id: string, title: string, more: Partial<DatasetSummary> = {}): DatasetSummary => ({
  id, title, english: "", provider: id.slice(0, 2), provider_title: "", code: "", class: "B", cycle: "realtime", fields: 0, field_names: [], views: [],
  live: true, state: "fresh", last_update: null, as_of: null, rows: null, sources: [], ...more,
});
const department = (id: string, title: string) => ({ id, title, english: "", datasets: 1 });
const city = (departments: Catalogue["departments"], datasets: DatasetSummary[]): Catalogue => ({ city: { name: "", english: "", region: "" }, version: "", classes: [], entities: [], purposes: [], rules: [], departments, datasets });
const source = (name: string, more: Partial<FlowSource>): FlowSource => ({ name, kind: "file", datasets: [], state: "running", last_error: "", last_error_en: "", last_seen: null, rows: 0, ...more });
const flowing = (sources: FlowSource[], datasets: Flow["datasets"] = []): Flow => ({ at: "2026-01-01T00:00:00Z", sources, away: [], datasets, totals: { changes: 0, lookups: 0, denied: 0, quarantined: 0, findings_open: 0 } });
const sets = [ds("GA01", "户籍人口", { code: "101010001/000001" }), ds("MZ01", "婚姻登记"), ds("SC01", "市场主体", { class: "A", english: "Market entities" })];
const index = new Map([
  ["GA01", [{ name: "HYZKDM", title: "婚姻状况", english: "Marital status" }, { name: "XM", title: "姓名", english: "Name" }]],
  ["MZ01", [{ name: "HYZKDM", title: "婚姻状况", english: "" }]],
]);
const dept = (id: string) => ({ GA: "公安局", MZ: "民政局", SC: "市场监管局" })[id] ?? id;
const ids = (q: string) => searchDatasets(sets, q, index, dept).map((h) => h.dataset.id);

describe("search", () => {
  it("finds by id, title, English, code, department and field", () => {
    expect(ids("")).toEqual(["GA01", "MZ01", "SC01"]);
    expect(ids("ｇａ01")).toEqual(["GA01"]);
    expect(ids("market")).toEqual(["SC01"]);
    expect(ids("101010001/000001")).toEqual(["GA01"]);
    expect(ids("民政")).toEqual(["MZ01"]);
    expect(ids("hyzkdm")).toEqual(["GA01", "MZ01"]);
    expect(ids("公安 xm")).toEqual(["GA01"]);
    expect(ids("nothing")).toEqual([]);
  });
  it("puts a title before a field", () => {
    const hits = searchDatasets(sets, "婚姻", index, dept);
    expect(hits.map((h) => h.dataset.id)).toEqual(["MZ01", "GA01"]);
    expect(hits[1]!.fields).toEqual([{ name: "HYZKDM", title: "婚姻状况", english: "Marital status" }]);
    expect(ids("marital")).toEqual(["GA01"]);
  });
  it("counts each facet by the others' choice", () => {
    const none = { provider: [], class: [], cycle: [], state: [] };
    const value = (d: DatasetSummary, f: "provider" | "class" | "cycle" | "state") => d[f];
    expect([...facetCounts(sets, none, value).class]).toEqual([["B", 2], ["A", 1]]);
    const chosen = facetCounts(sets, { ...none, class: ["A"] }, value);
    expect([...chosen.provider]).toEqual([["SC", 1]]);
    expect(chosen.class.get("B")).toBe(2);
  });
});

describe("what needs a hand", () => {
  const name = (t?: string | null) => t ?? "";
  const catalogue = city([department("GA", "公安局"), department("MZ", "民政局")], [ds("GA01", "户籍", { state: "overdue" }), ds("MZ01", "婚姻", { state: "overdue" }), ds("MZ02", "低保")]);
  const flow = flowing([source("ga-pg", { datasets: ["GA01"], state: "failed", last_error: "x" }), source("ok", { datasets: ["MZ01"] })]);
  const finding = (rule: string, id: string) => ({ id, rule, title: "t" + rule, owner: "MZ", due: "2026-01-0" + id }) as Finding;
  it("is sorted by harm, one line a cause", () => {
    const list = todos(flow, catalogue, { list: [finding("XV-04", "2"), finding("XV-04", "1"), finding("XV-14", "3")], total: 3 }, { entries: [], total: 9, open: 9, next: "", beyond: 0, by_reason: { invalid: 7, schema: 2 } }, name);
    expect(list.map((x) => [x.kind, x.count])).toEqual([["source", 1], ["overdue", 1], ["finding", 2], ["finding", 1], ["quarantine", 9]]);
    expect(list[0]!.who).toBe("公安局");
    // GA01 is overdue because its source is down: that is one thing to do.
    expect(list[1]!.subject).toBe("MZ01 婚姻");
    expect(list[2]!.at).toBe("2026-01-01");
    expect(list[4]!.detail).toBe("invalid");
  });
  it("is nothing when nothing is known or wrong", () => {
    expect(todos(undefined, undefined, undefined, undefined, name)).toEqual([]);
    expect(todos(flowing([]), city([], []), { list: [], total: 0 }, { entries: [], total: 0, open: 0, next: "", beyond: 0, by_reason: {} }, name)).toEqual([]);
  });
  it("lets no kind crowd out the others", () => {
    const of = (kind: string, n: number) => Array.from({ length: n }, (_, i) => ({ kind, id: kind + i })) as ReturnType<typeof todos>;
    const shown = foremost([...of("source", 1), ...of("finding", 9), ...of("quarantine", 1)], 7);
    expect(shown.map((x) => x.id)).toEqual(["source0", "finding0", "finding1", "finding2", "finding3", "finding4", "quarantine0"]);
    expect(foremost(of("finding", 9), 7)).toHaveLength(7);
  });
  it("believes the live state over the catalogue's", () => {
    const list = todos(flowing([], [{ id: "GA01", state: "fresh", changes_per_s: 0, total: 0, lag_s: 0 }]), catalogue, undefined, undefined, name);
    expect(list.map((x) => x.id)).toEqual(["dataset:MZ01"]);
  });
});

describe("reasons", () => {
  it("come most first, without those that have none", () => {
    expect(byReason({ entries: [], total: 6, open: 6, next: "", beyond: 0, by_reason: { a: 1, b: 5, c: 0 } })).toEqual([{ reason: "b", count: 5 }, { reason: "a", count: 1 }]);
    expect(byReason(undefined)).toEqual([]);
  });
});

describe("the topology", () => {
  const t = { mermaid: "", steps: [{ name: "route", from: ["raw.A", "raw.B", "raw.C", "raw.D", "raw.E", "raw.F"], to: ["claims.person", "quarantine"] }, { name: "resolve.person", from: ["claims.person"], to: ["resolved.person", "findings"] }] };
  it("folds large families and runs from left to right", () => {
    const g = graph(t, new Set());
    expect(g.nodes.filter((n) => n.kind === "group").map((n) => [n.label, n.members.length])).toEqual([["raw.*", 6]]);
    const x = (id: string) => g.nodes.find((n) => n.id === id)!.x;
    for (const e of g.edges) expect(x(e.from)).toBeLessThan(x(e.to));
    expect(graph(t, new Set(["raw.*"])).nodes.filter((n) => n.label.startsWith("raw."))).toHaveLength(6);
    expect(family("quarantine")).toBe("quarantine");
  });
  it("no two nodes lie on one another", () => {
    const g = graph(t, new Set(["raw.*"]));
    const seen = new Set(g.nodes.map((n) => `${n.x},${n.y}`));
    expect(seen.size).toBe(g.nodes.length);
  });
  it("lights what is up and down the stream and nothing beside it", () => {
    const g = graph(t, new Set());
    expect([...reach(g, "s:resolve.person")].sort()).toEqual(["s:resolve.person", "s:route", "t:claims.person", "t:findings", "t:raw.*", "t:resolved.person"]);
  });
  it("survives a circle and emptiness", () => {
    const g = graph({ mermaid: "", steps: [{ name: "a", from: ["x"], to: ["y"] }, { name: "b", from: ["y"], to: ["x"] }] }, new Set());
    expect(g.nodes).toHaveLength(4);
    expect(graph({ mermaid: "", steps: [] }, new Set()).nodes).toEqual([]);
  });
});

describe("code to take away", () => {
  const evil = { base: "https://h/", view: "person.partial", key: `'; rm -rf / #"$(id)`, purpose: `P' -H "x`, fields: null };
  it("never holds a key of an application and quotes what people typed", () => {
    for (const l of languages) {
      const code = snippet(l, evil);
      expect(code).toContain("YIYUAN_KEY");
      expect(code).toContain("person.partial");
      expect(code).not.toContain('#"$(id)'); // its quote never ends the literal it stands in
    }
    expect(snippet("curl", evil)).toContain(`'X-Purpose: P'\\'' -H "x'`);
    expect(snippet("curl", evil)).toContain(`-d '{"key":"'\\''; rm -rf / #\\"$(id)"}'`);
    expect(snippet("Python", { ...evil, key: "1", fields: { XM: "张\"三" } })).toContain('"XM": "张\\"三"');
  });
  it("puts the key into the body, never into the address", () => {
    for (const l of languages)
      for (const fields of [null, { XM: "a" }]) {
        const code = snippet(l, { ...evil, key: "539902198503120013", fields });
        expect(code).toContain("539902198503120013");
        expect(code.match(/https?:[^"'\s]*/g)!.join(" "), l).not.toContain("539902");
        expect(code, l).toMatch(/POST|-d '/);
      }
    expect(snippet("Go", { ...evil, fields: { XM: "a" } })).toContain('"POST"');
    expect(snippet("Go", evil)).toContain('"POST"');
    expect(curlOf("http://h/", "GA01.verify", "1", ["XM", "CSRQ"])).toContain("v1/verify");
    expect(curlOf("http://h/", "GA01.partial", "a|{b}", null)).toMatch(/v1\/lookup\/GA01.partial'[\s\S]*-d '{"key":"a\|{b}"}'/);
  });
});

describe("views", () => {
  it("know their owners", () => {
    expect(ownerOf("person.partial")).toBe("person");
    expect(isEntityOwner("person")).toBe(true);
    expect(isEntityOwner("GA01")).toBe(false);
    expect(isVerifyOnly({ id: "YB02.x", only: "verify" })).toBe(true);
    expect(isVerifyOnly({ id: "YB02.partial" })).toBe(false);
  });
});
