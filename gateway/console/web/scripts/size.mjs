// Fails when the built console grows past its limits (gzipped):
// what is loaded before the first page, and each part that is loaded later.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const limits = { initial: 350, later: 220 };
const kb = (n) => n / 1024;
const weigh = (file) => kb(gzipSync(readFileSync(join(dist, file)), { level: 9 }).length);

const page = readFileSync(join(dist, "index.html"), "utf8");
const initial = [...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)].map((m) => m[1]);
if (initial.length === 0) throw new Error("dist/index.html names no script: run npm run build first");

// A script imported by an initial one is initial too, listed or not.
const seen = new Set();
const queue = [...initial];
for (let f = queue.pop(); f !== undefined; f = queue.pop()) {
  if (seen.has(f)) continue;
  seen.add(f);
  const code = readFileSync(join(dist, f), "utf8");
  for (const m of code.matchAll(/(?:^|[;}])import(?:[^"'()]*?from)?["']\.\/([^"']+\.js)["']/g)) queue.push("assets/" + m[1]);
}

let failed = false;
const say = (ok, name, size, limit) => {
  if (!ok) failed = true;
  console.log(`${ok ? "ok  " : "FAIL"} ${size.toFixed(1).padStart(7)} KB of ${limit} KB  ${name}`);
};
const total = [...seen].reduce((n, f) => n + weigh(f), 0);
say(total <= limits.initial, `initial script (${seen.size} files)`, total, limits.initial);
const later = readdirSync(join(dist, "assets"))
  .filter((f) => f.endsWith(".js") && !seen.has("assets/" + f))
  .map((f) => [f, weigh("assets/" + f)])
  .sort((a, b) => b[1] - a[1]);
for (const [f, size] of later) say(size <= limits.later, f, size, limits.later);
for (const f of readdirSync(join(dist, "assets"))) {
  if (/^[_.]/.test(f)) {
    failed = true;
    console.log(`FAIL ${f}: go:embed leaves out names that begin with "_" or "."`);
  }
}
if (/<script(?![^>]*\bsrc=)[^>]*>/.test(page)) {
  failed = true;
  console.log("FAIL dist/index.html holds an inline script, which the content security policy forbids");
}
process.exit(failed ? 1 : 0);
