import { describe, expect, it } from "vitest";
import { citizenCheck, cleanKey, hint, personal, usccCheck } from "./keys";

describe("what may be a person's number", () => {
  it("is a run of digits, however it is written", () => {
    for (const s of ["539902198503120013", "53990219850312001X", "5399 0219 8503 1200 13", "539902-19850312-0013", "５３９９０２１９８５０３１２００１３", "19900001234", "id:539902850312001"]) expect(personal(s), s).toBe(true);
    for (const s of ["", "GA01", "2026-01-31", "户籍 2026", "91530100MA6K"]) expect(personal(s), s).toBe(false);
  });
});

describe("cleanKey", () => {
  it("takes pasted spaces of every kind away", () => {
    const c = cleanKey(" 539902 1970\u00a00101\u30001015\u200b\n");
    expect(c.key).toBe("539902197001011015");
    expect(c.spaces).toBe(6);
  });
  it("narrows full-width characters", () => {
    const c = cleanKey("５３９９０２１９７００１０１１０１５");
    expect(c.key).toBe("539902197001011015");
    expect(c.wide).toBe(18);
  });
  it("raises the letters of identifiers and plates", () => {
    expect(cleanKey("53990219900307801x").key).toBe("53990219900307801X");
    expect(cleanKey("５３９９０２１９９００３０７８０１ｘ").key).toBe("53990219900307801X");
    expect(cleanKey("91539900ma6kabcd1x").key).toBe("91539900MA6KABCD1X");
    expect(cleanKey("云z12345").key).toBe("云Z12345");
  });
  it("drops dashes only inside national identifiers", () => {
    expect(cleanKey("539902-19700101-1015")).toMatchObject({ key: "539902197001011015", dashes: 2 });
    expect(cleanKey("BDC-2026-001").key).toBe("BDC-2026-001");
  });
  it("leaves other keys as they are", () => {
    expect(cleanKey("云审许〔2026〕12号").key).toBe("云审许〔2026〕12号");
    expect(cleanKey("abC").key).toBe("abC");
    expect(cleanKey("").key).toBe("");
  });
  it("cleans a composite key part by part", () => {
    expect(cleanKey(" 53990219900307801x｜91539900ma6kabcd1x ").key).toBe("53990219900307801X|91539900MA6KABCD1X");
  });
  it("is idempotent", () => {
    for (const s of [" 539902-19700101-1015", "云z12345", "ＡＢ　ｃ", "a|b"]) {
      const once = cleanKey(s).key;
      expect(cleanKey(once).key).toBe(once);
    }
  });
});

describe("check characters", () => {
  // The worked example of GB 11643-1999.
  it("of citizen numbers", () => {
    expect(citizenCheck("11010519491231002")).toBe("X");
  });
  it("of unified social credit codes", () => {
    expect(usccCheck("91350100M000100Y4")).toBe("3");
    expect(usccCheck("91350100I000100Y4")).toBe("");
  });
  it("only hint, by the element where it is known", () => {
    const good = "53990219700101101" + citizenCheck("53990219700101101");
    const bad = good.slice(0, 17) + (good[17] === "1" ? "2" : "1");
    expect(hint(good)).toBe("ok");
    expect(hint(bad)).toBe("citizenCheck");
    expect(hint("123", "id_number")).toBe("length");
    expect(hint("123")).toBeNull();
    expect(hint("", "id_number")).toBeNull();
    expect(hint("539902700101101", "id_number")).toBe("ok");
    expect(hint("91350100M000100Y43", "uscc")).toBe("ok");
    expect(hint("91350100M000100Y44", "uscc")).toBe("usccCheck");
    expect(hint(good + "|X1", "id_number")).toBe("ok");
  });
});
