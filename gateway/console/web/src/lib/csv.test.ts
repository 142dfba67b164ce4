import { describe, expect, it } from "vitest";
import { cell, csv } from "./csv";

describe("a list as a file", () => {
  it("has the mark that Excel knows UTF-8 by, CRLF, and quotes", () => {
    const text = csv([{ title: "名称", text: (r: { a: string; n: number | null }) => r.a }, { title: "条数", text: (r) => r.n }], [{ a: '甲,"乙"\n丙', n: -1.5 }, { a: "", n: null }]);
    expect(text).toBe('\ufeff名称,条数\r\n"甲,""乙""\n丙",-1.5\r\n,\r\n');
  });
  it("holds nothing that is taken for a formula", () => {
    for (const evil of ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", " =1", "\n=1", "\r=1", "＝1", "＋1", "－1", "＠x", "|calc", "%0A"]) expect(cell(evil).replace(/^"/, ""), JSON.stringify(evil)).toMatch(/^'/);
    expect(cell('=HYPERLINK("http://x","y")')).toBe(`"'=HYPERLINK(""http://x"",""y"")"`);
  });
  it("leaves plain numbers and texts as they are", () => {
    for (const fine of ["-12", "-1.5", "70.8%", "张三", "GA01", "2026-01-02 03:04:05", "a=b"]) expect(cell(fine)).toBe(fine);
    expect([cell(true), cell(0), cell(undefined)]).toEqual(["true", "0", ""]);
  });
});
