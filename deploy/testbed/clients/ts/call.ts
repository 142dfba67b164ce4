// Calls every operation by the types that openapi-typescript has made of /openapi.json.
// It compiles only if the description has the operations, parameters and members used here.
//
//   node out/call.js < what yiyuan demo --json prints
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Demo = { gateway: string; apps: { id: string; key: string }[]; samples: Record<string, string> };
const demo = JSON.parse(readFileSync(0, "utf8")) as Demo;
const api = (app: string) =>
  createClient<paths>({ baseUrl: demo.gateway, headers: { Authorization: `Bearer ${demo.apps.find((a) => a.id === app)?.key}` } });
const supervisor = api("SJ-JDGL");
const relief = api("MZ-DBHD");
const person = demo.samples["person.partial"] ?? "";

const called = new Set<string>();
/** What an answer holds; an answer that is none ends the program. */
async function good<T>(name: string, answer: Promise<{ data?: T; error?: components["schemas"]["Problem"] | string; response: Response }>): Promise<T> {
  called.add(name);
  const { data, error, response } = await answer;
  if (response.status !== 200 || data === undefined) throw new Error(`${name}: answered ${response.status} ${JSON.stringify(error)}`);
  return data;
}

const ask = { header: { "X-Purpose": "DBHD" } };
const watch = { header: { "X-Purpose": "SUPERVISE" } };

const one = await good("GET /v1/lookup/{view}/{key}", relief.GET("/v1/lookup/{view}/{key}", { params: { ...ask, path: { view: "person.partial", key: person } } }));
const since: string | null = one.as_of;
if (since !== null && Number.isNaN(Date.parse(since))) throw new Error("as_of is no time");
const fields = Object.keys(one.data).slice(0, 1);
await good("POST /v1/lookup/{view}", relief.POST("/v1/lookup/{view}", { params: { ...ask, path: { view: "person.partial" } }, body: { key: person, fields } }));
const many = await good("POST /v1/lookup", relief.POST("/v1/lookup", { params: ask, body: { view: "person.partial", keys: [person, "1"] } }));
if (many.results.map((r) => r.found).join() !== "true,false") throw new Error(JSON.stringify(many.results));
const verdict = await good("POST /v1/verify", relief.POST("/v1/verify", { params: ask, body: { view: "person.verify", key: person, fields: { XM: "某某", HJDZ: "某地" } } }));
if (verdict.match) throw new Error("nobody is called so");
await good("GET /v1/explain/{entity}/{key}", supervisor.GET("/v1/explain/{entity}/{key}", { params: { ...watch, path: { entity: "person", key: demo.samples["person.explain"] ?? "" } } }));
await good("POST /v1/explain/{entity}", supervisor.POST("/v1/explain/{entity}", { params: { ...watch, path: { entity: "person" } }, body: { key: demo.samples["person.explain"] ?? "" } }));

const catalogue = await good("GET /v1/catalogue", relief.GET("/v1/catalogue"));
for (const d of catalogue.datasets) await good("GET /v1/catalogue/datasets/{id}", relief.GET("/v1/catalogue/datasets/{id}", { params: { path: { id: d.id } } }));
for (const e of catalogue.entities) await good("GET /v1/catalogue/entities/{id}", relief.GET("/v1/catalogue/entities/{id}", { params: { path: { id: e.id } } }));
const page = await good("GET /v1/findings", supervisor.GET("/v1/findings", { params: { query: { state: "open", limit: 1 } } }));
await good("GET /v1/findings/{id}", supervisor.GET("/v1/findings/{id}", { params: { path: { id: page.findings[0]?.id ?? "" } } }));
await good("GET /v1/flow", supervisor.GET("/v1/flow"));
await good("GET /v1/indicators", supervisor.GET("/v1/indicators"));
const rejected = await good("GET /v1/quarantine", supervisor.GET("/v1/quarantine", { params: { query: { limit: 1 } } }));
await good("POST /v1/quarantine/settle", supervisor.POST("/v1/quarantine/settle", { body: { id: rejected.entries[0]?.id ?? "" } }));
await good("GET /v1/verifications", supervisor.GET("/v1/verifications"));
await good("GET /v1/topology", supervisor.GET("/v1/topology"));
await good("GET /v1/me", supervisor.GET("/v1/me"));
await good("GET /v1/console/apps", supervisor.GET("/v1/console/apps"));
for (const path of ["/livez", "/readyz", "/openapi.yaml", "/openapi-3.0.yaml"] as const) await good(`GET ${path}`, supervisor.GET(path, { parseAs: "text" }));
const described = await good("GET /openapi.json", supervisor.GET("/openapi.json", { parseAs: "json" }));
await good("GET /openapi-3.0.json", supervisor.GET("/openapi-3.0.json", { parseAs: "json" }));

const stop = new AbortController();
const stream = await good("GET /v1/events", supervisor.GET("/v1/events", { parseAs: "stream", signal: stop.signal }));
let text = "";
for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
  text += new TextDecoder().decode(chunk);
  const data = /^data: (.*)\n\n/m.exec(text)?.[1];
  if (data === undefined) continue;
  const flow = JSON.parse(data) as components["schemas"]["FlowPage"];
  if (flow.datasets.length !== catalogue.datasets.length) throw new Error(data);
  break;
}
stop.abort();

const refused = await relief.GET("/v1/lookup/{view}/{key}", { params: { ...ask, path: { view: "no.such", key: "1" } } });
if (refused.error?.code !== "YIYUAN-4041") throw new Error(JSON.stringify(refused.error));

for (const [path, methods] of Object.entries((described as { paths: Record<string, object> }).paths))
  for (const method of Object.keys(methods)) if (!called.has(`${method.toUpperCase()} ${path}`)) throw new Error(`not called: ${method} ${path}`);
console.log(`${called.size} operations`);
