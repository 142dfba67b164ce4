// A stand-in for the gateway while developing the console:
//   npm run mock          open console, demo applications
//   npm run mock -- --locked   asks for a key (demo-sj)
//   npm run mock -- --dist     serves dist/ too, with the content security policy
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { ago, apps, byId, datasets, departments, entities, findings, now, purposes, quarantine, rules, sampleKey, samples, sources } from "./data.mjs";

const args = process.argv.slice(2);
const locked = args.includes("--locked");
const empty = args.includes("--empty");
const slow = args.includes("--slow");
const nosse = args.includes("--no-events");
const port = Number(process.env.PORT ?? 8089);
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
let turn = 0;
const totals = { changes: 1234567, lookups: 45678, denied: 321, quarantined: quarantine.length, findings_open: findings.filter((f) => f.state === "open").length };

const broken = new Set(sources.filter((s) => s.state === "failed").flatMap((s) => s.datasets));
const flow = () => ({
  at: now(),
  datasets: empty ? null : datasets.map((d, i) => ({ id: d.id, changes_per_s: broken.has(d.id) || d.cycle !== "realtime" ? 0 : Math.round((3 + 3 * Math.sin(turn / 7 + i) + Math.random() * 2) * 10) / 10, total: 1000 * i + turn, lag_s: broken.has(d.id) ? null : d.cycle === "realtime" ? 0.1 + Math.random() : 3600, state: d.state })),
  totals,
  sources: empty ? null : sources.map((s) => ({ ...s, last_seen: s.state === "failed" ? s.last_seen : ago(Math.random() * 4) })),
});
setInterval(() => {
  turn++;
  totals.changes += 60 + Math.round(Math.random() * 30);
  totals.lookups += 8 + Math.round(Math.random() * 10);
  totals.denied += Math.random() > 0.7 ? 1 : 0;
}, 1500).unref();

const realtime = datasets.filter((d) => d.cycle === "realtime" && !broken.has(d.id));
const item = (d) => ({ id: d.id, title: d.title, english: d.english, counted: realtime.includes(d), why: realtime.includes(d) ? "24 小时可用 100%，滞后在周期内" : broken.has(d.id) ? "数据源中断 / source down" : "更新周期不是实时 / not real time" });
const share = (id, title, english, set, target, formula, formula_en) => ({ id, title, english, value: realtime.length / set.length, target, met: realtime.length / set.length >= target, formula, formula_en, numerator: realtime.length, denominator: set.length, items: set.map(item) });
const indicators = () => ({
  as_of: now(),
  indicators: empty ? [] : [
    share("realtime", "实时可查率", "Queryable in real time", datasets, 0.7, "近 24 小时网关可用率 ≥ 99.9%、查询 p99 达标且滞后不超过更新周期的 A、B 类数据集数 ÷ 全部数据集数。", "A and B datasets whose last 24 h had availability of 99.9% or more, p99 within target and lag within their cycle, over all datasets."),
    share("realtime_shareable", "实时可查率（可共享）", "Of shareable", datasets.filter((d) => d.class !== "C"), 0.7, "分母只计可共享（A、B 类）数据集。", "Only shareable (A, B) datasets in the denominator."),
    { id: "departments", title: "部门接入率", english: "Departments connected", value: 11 / 12, target: 0.9, met: true, formula: "有数据源在运行的部门数 ÷ 部门总数。", formula_en: "Departments with a running source over all.", numerator: 11, denominator: 12, items: departments.map((d) => ({ id: d.id, title: d.title, english: d.english, counted: d.id !== "SW", why: d.id === "SW" ? "数据源中断" : "" })) },
    { id: "datasets", title: "共享数据集", english: "Shared datasets", value: 23 / 24, target: 0.9, met: true, formula: "已发布共享视图的 A、B 类数据集数。", formula_en: "A and B datasets with a published view.", numerator: 23, denominator: 24, items: datasets.map((d) => ({ id: d.id, title: d.title, counted: d.class !== "C", why: d.class === "C" ? "C 类不予共享" : "" })) },
    { id: "mutual_checking", title: "互校部门率", english: "Departments in cross-checks", value: 11 / 12, target: 0.5, met: true, formula: "至少有一条核验规则读取其数据的部门数 ÷ 部门总数。", formula_en: "Departments whose data some rule reads, over all.", numerator: 11, denominator: 12, items: departments.map((d) => ({ id: d.id, title: d.title, counted: d.id !== "JY" })) },
  ],
});

const topology = {
  steps: [
    { name: "route", from: datasets.map((d) => `raw.${d.id}`), to: ["claims.person", "claims.enterprise", "claims.birth", "claims.address", ...datasets.flatMap((d) => d.views.map((v) => `shared.${v.id}`)), "quarantine", "state.route"] },
    { name: "resolve.person", from: ["claims.person"], to: ["resolved.person", "shared.person.partial", "shared.person.verify", "shared.person.explain", "findings", "state.resolve.person"] },
    { name: "resolve.enterprise", from: ["claims.enterprise"], to: ["resolved.enterprise", "shared.enterprise.public", "shared.enterprise.explain", "findings", "state.resolve.enterprise"] },
    { name: "resolve.birth", from: ["claims.birth"], to: ["findings", "state.resolve.birth"] },
    { name: "resolve.address", from: ["claims.address"], to: ["findings", "state.resolve.address"] },
  ],
  mermaid: "flowchart LR\n  raw.* --> route --> claims.person --> resolve.person --> resolved.person",
};

const problem = (res, status, code, title, detail, headers = {}) => {
  res.writeHead(status, { "Content-Type": "application/problem+json", ...headers });
  res.end(JSON.stringify({ type: "urn:yiyuan:error:" + code, title, title_en: title, status, detail: detail.split(" / ")[0], detail_en: detail.split(" / ")[1] ?? detail, code, request_id: "req-" + Math.random().toString(36).slice(2, 10) }));
};
const send = (res, body) => {
  res.writeHead(200, { "Content-Type": "application/json; charset=utf-8" });
  res.end(JSON.stringify(body));
};
const ids = () => ({ request_id: "req-" + Math.random().toString(36).slice(2, 10), audit_id: "a-3/1024" });

function answer(view, key) {
  if (view === "person.alive") return { data: { SWRQ: "无" }, masked: ["SWRQ"], disputed: [] };
  if (view.startsWith("person."))
    return {
      data: { GMSFHM: key.slice(0, 6) + "************", XM: "张<b onclick=alert(1)>**", XBDM: "1", CSRQ: "1970", HJDXZQHDM: "岭东区", JZDXZQHDM: null, HYZKDM: "20", LXDH: "199****1234", GA03: [{ HPHM: "云Z****8", CLXH: "云岭牌 YL100", ZTDM: "1" }, { HPHM: "云Z****2", CLXH: "云岭牌 YL200", ZTDM: "3" }] },
      masked: ["GMSFHM", "XM", "CSRQ", "LXDH", "GA03.HPHM"], disputed: ["HYZKDM"],
    };
  return { data: { TYSHXYDM: key, JGMC: "云岭市示例商贸有限公司", FDDBRXM: "李*", ZCZB: "1250.0000", CLRQ: "2019-03-01", DJZTDM: "1" }, masked: ["FDDBRXM"], disputed: [] };
}

const explain = (key) => ({
  entity: "person", key_masked: key.slice(0, 6) + "************", as_of: ago(1), ...ids(),
  cells: [
    { field: "XM", title: "姓名", value: "张**", dataset: "GA01", department: "GA", reason: "sole", flag: "", at: ago(90000), losers: [] },
    { field: "HYZKDM", title: "婚姻状况", value: "20", dataset: "MZ01", department: "MZ", reason: "rank", flag: "", at: ago(5000), losers: [{ dataset: "GA01", department: "GA", value: "10", reason: "rank" }] },
    { field: "JZDZ", title: "居住地址", value: "岭东区云水街道", dataset: "YB01", department: "YB", reason: "fallback", flag: "非权威", at: ago(400000), losers: [] },
    { field: "LXDH", title: "联系电话", value: "199****1234", dataset: "RS02", department: "RS", reason: "newest", flag: "", at: ago(7000), losers: [{ dataset: "GA02", department: "GA", value: "199****0000", reason: "newest" }] },
    { field: "XLDM", title: "学历", value: null, dataset: "", department: "", reason: "", flag: "", losers: null },
  ],
});

function api(req, res, url) {
  const path = decodeURIComponent(url.pathname);
  const key = (req.headers.authorization ?? "").replace(/^Bearer /, "");
  const app = apps.find((a) => a.key === key);
  const open = /^\/v1\/(catalogue|indicators|flow|findings|topology|quarantine|verifications|events)/.test(path);
  if (open && locked && !app?.purposes.includes("SUPERVISE"))
    return key ? problem(res, 403, "YIYUAN-4038", "需要监督权限", "该页面需要 SUPERVISE 用途的应用 / this page needs an application with the purpose SUPERVISE") : problem(res, 401, "YIYUAN-4010", "没有密钥", "请在请求头 Authorization 中带上应用密钥 / no application key was sent");
  if (path === "/v1/catalogue") return send(res, { city: { name: "云岭市", english: "Yunling" }, version: "3f9a1c02be77", departments: departments.map((d) => ({ ...d, datasets: datasets.filter((x) => x.provider === d.id).length })), datasets: empty ? null : datasets.map((d) => ({ ...d, views: d.views.map((v) => v.id), fields: d.fields.length, field_names: d.fields.map((f) => f.name), key: undefined, basis: undefined, links: undefined, rules: undefined, last_update: d.cycle === "realtime" && !broken.has(d.id) ? ago(Math.random() * 60) : d.last_update })), entities: Object.values(entities).map((e) => ({ id: e.id, title: e.title, english: e.english, fields: e.fields.length, views: e.views })), purposes, rules });
  let m = /^\/v1\/catalogue\/datasets\/(.+)$/.exec(path);
  if (m) return byId[m[1]] ? send(res, byId[m[1]]) : problem(res, 404, "YIYUAN-4041", "没有这个数据集", `目录中没有 ${m[1]} / no such dataset`);
  m = /^\/v1\/catalogue\/entities\/(.+)$/.exec(path);
  if (m) return entities[m[1]] ? send(res, entities[m[1]]) : problem(res, 404, "YIYUAN-4042", "没有这个实体", `目录中没有 ${m[1]} / no such entity`);
  if (path === "/v1/indicators") return send(res, indicators());
  if (path === "/v1/flow") return send(res, flow());
  if (path === "/v1/events") {
    if (nosse) return problem(res, 404, "YIYUAN-4040", "没有", "");
    res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    const tick = () => res.write(`event: flow\ndata: ${JSON.stringify(flow())}\n\n`);
    tick();
    const t = setInterval(tick, 1500);
    req.on("close", () => clearInterval(t));
    return;
  }
  if (path === "/v1/findings") {
    const q = url.searchParams;
    const all = empty ? [] : findings.filter((f) => ["state", "rule", "owner", "severity"].every((k) => !q.get(k) || f[k] === q.get(k)));
    const from = Number(q.get("cursor") ?? 0);
    const limit = Number(q.get("limit") ?? 50);
    return send(res, { findings: all.slice(from, from + limit), total: all.length, next: from + limit < all.length ? String(from + limit) : "", by_rule: Object.fromEntries([...new Set(findings.map((f) => f.rule))].map((r) => [r, findings.filter((f) => f.rule === r && f.state === "open").length])) });
  }
  m = /^\/v1\/findings\/(.+)$/.exec(path);
  if (m) {
    const f = findings.find((x) => x.id === m[1]);
    return f ? send(res, f) : problem(res, 404, "YIYUAN-4043", "没有这件核验结果", "编号有误 / no such finding");
  }
  if (path === "/v1/quarantine") return send(res, { entries: empty ? null : quarantine, total: empty ? 0 : quarantine.length, by_reason: empty ? {} : Object.fromEntries([...new Set(quarantine.map((e) => e.reason))].map((r) => [r, quarantine.filter((e) => e.reason === r).length])) });
  if (path === "/v1/verifications")
    return send(res, { applications: empty ? [] : [{ app: "MZ-DBHD", asked: 318, missed: 9, stopped: 0, ratio: 9 / 318, alarm: false }, { app: "RS-GLJT", asked: 64, missed: 41, stopped: 7, ratio: 41 / 64, alarm: true }, { app: "SJ-TEST", asked: 0, missed: 0, stopped: 0, ratio: 0, alarm: false }] });
  if (path === "/v1/topology") return send(res, topology);
  if (path === "/v1/console/apps") return locked ? problem(res, 404, "YIYUAN-4040", "没有", "") : send(res, { apps: apps.map((a) => ({ ...a, views: a.views.map((v) => v.id) })), samples });
  if (!app) return problem(res, 401, key ? "YIYUAN-4011" : "YIYUAN-4010", key ? "密钥无效" : "没有密钥", "请带上有效的应用密钥 / send a valid application key");
  if (path === "/v1/me") return send(res, { app: app.id, title: app.title, department: app.department, department_title: app.department_title, purposes: app.purposes.map((id) => purposes.find((p) => p.id === id)), views: app.views });
  const posted = (then) => {
    let body = "";
    req.on("data", (c) => (body += c));
    req.on("end", () => then(JSON.parse(body)));
  };
  m = /^\/v1\/lookup\/([^/]+)$/.exec(path);
  if (m)
    return posted(({ key: k }) => {
      const view = m[1];
      const refused = view.startsWith("person") ? [{ dataset: "GA01", since: ago(86400), message: "GA01（户籍人口基本信息）有更新的行因不合要求被退回，此处仍是退回前的内容；部门更正并重新报送后自动解除", message_en: "a newer row of GA01 was refused, so this is what was known before; it settles by itself when the department has sent a good one" }] : [];
      if (!app.views.some((v) => v.id === view)) return problem(res, 403, "YIYUAN-4031", "没有授权", `应用 ${app.id} 没有视图 ${view} 的授权 / no grant`);
      if (/^0{3}/.test(k)) return problem(res, 429, "YIYUAN-4290", "超过频次", "每分钟 60 次 / 60 a minute", { "Retry-After": "12" });
      if (view.startsWith("person") && !/^\d{17}[\dX]$/.test(k)) return problem(res, 422, "YIYUAN-4220", "主键无效", "公民身份号码应为 18 位 / want 18 characters");
      if (k.endsWith("9")) return problem(res, 503, "YIYUAN-5031", "数据尚未就绪", "视图正在装载 / the view is being loaded", { "Retry-After": "3" });
      if (view.startsWith("person") && k !== sampleKey) return problem(res, 404, "YIYUAN-4040", "没有这一条", "数据已就绪，没有此人 / there is no such record");
      send(res, { ...answer(view, k), refused, as_of: ago(0.4), source_time: ago(5400), stale: view.startsWith("enterprise"), view, version: "00000000000004d2", ...ids() });
    });
  m = /^\/v1\/explain\/([^/]+)$/.exec(path);
  if (m) return posted(({ key: k }) => (app.views.some((v) => v.id === m[1] + ".explain") ? send(res, explain(k)) : problem(res, 403, "YIYUAN-4031", "没有授权", `应用 ${app.id} 没有视图 ${m[1]}.explain 的授权 / no grant`)));
  if (path === "/v1/verify") return posted((q) => send(res, { match: q.fields.XM === "张三", as_of: ago(0.4), ...ids() }));
  problem(res, 404, "YIYUAN-4040", "没有这个地址", "");
}

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
createServer((req, res) => {
  const url = new URL(req.url, "http://localhost");
  if (url.pathname.startsWith("/v1/")) return slow ? void setTimeout(() => api(req, res, url), 1500) : api(req, res, url);
  const file = join(dist, normalize(url.pathname === "/" ? "/index.html" : url.pathname));
  if (!args.includes("--dist") || !file.startsWith(dist) || !existsSync(file)) return problem(res, 404, "YIYUAN-4040", "没有", "");
  res.writeHead(200, { "Content-Type": types[extname(file)] ?? "application/octet-stream", "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'" });
  createReadStream(file).pipe(res);
}).listen(port, "127.0.0.1", () => console.log(`mock gateway on http://127.0.0.1:${port}`));
