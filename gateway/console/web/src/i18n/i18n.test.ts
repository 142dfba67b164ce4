import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { en } from "./en";
import { maybe, translate } from "./index";
import { type Key, zh } from "./zh";

const holes = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
const src = new URL("..", import.meta.url).pathname;
const sources = (readdirSync(src, { recursive: true }) as string[])
  .filter((f) => /\.tsx?$/.test(f) && !f.includes("i18n/") && !f.endsWith(".test.ts"))
  .map((f) => ({ f, text: readFileSync(join(src, f), "utf8") }));

describe("the two tongues", () => {
  it("have the same keys", () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
  });
  it("have the same places to fill in each sentence", () => {
    for (const k of Object.keys(zh) as Key[]) expect([k, holes(en[k])]).toEqual([k, holes(zh[k])]);
  });
  it("leave no sentence empty and no Chinese in the English but names of its own", () => {
    for (const k of Object.keys(zh) as Key[]) {
      expect(zh[k].trim(), k).not.toBe("");
      expect(en[k].trim(), k).not.toBe("");
      expect(en[k].replace(/（?\(监督\)/, ""), k).not.toMatch(/[\u3400-\u9fff]/);
    }
  });
  it("write Chinese in every Chinese sentence that is not a mere placeholder", () => {
    for (const k of Object.keys(zh) as Key[]) expect(zh[k], k).toMatch(/[\u3400-\u9fff]/);
  });
  it("are used: every key stands in the code, whole or by its stem", () => {
    const all = sources.map((s) => s.text).join("\n");
    const stems = [...all.matchAll(/`([a-zA-Z]+(?:\.[a-zA-Z]+)*\.)\$\{/g)].map((m) => m[1]!);
    for (const k of Object.keys(zh)) {
      const whole = all.includes(`"${k}"`);
      const byStem = stems.some((s) => k.startsWith(s)) || /^live\..*\.long$/.test(k);
      expect(whole || byStem, k).toBe(true);
    }
  });
  it("are the only place of text: no Chinese in components", () => {
    for (const { f, text } of sources) {
      const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
      // The language switch names each tongue in itself; number units and separators are formats.
      const left = code
        .split("\n")
        .filter((l) => /[\u3400-\u9fff]/.test(l) && !/切换到中文|"中文"|"亿"|"万"|"毫秒"|"秒"|"分钟"|"小时"|"天"|"刚刚"/.test(l));
      expect([f, left]).toEqual([f, []]);
    }
  });
  it("fills places and keeps unknown ones", () => {
    expect(translate("zh", "finding.late", { n: 3 })).toBe("超期 3 天");
    expect(translate("en", "finding.late", { n: 3 })).toBe("3 d late");
    expect(translate("zh", "finding.late", {})).toBe("超期 {n} 天");
    expect(maybe("zh", "no.such.key")).toBeNull();
  });
});
