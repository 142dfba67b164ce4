import { describe, expect, it } from "vitest";
import { day, daysUntil, duration, exact, percent, relative, short, stamp, time, ago } from "./format";

describe("numbers", () => {
  it("read in 万 and 亿", () => {
    expect(short(0)).toBe("0");
    expect(short(9999)).toBe("9,999");
    expect(short(12345)).toBe("1.23万");
    expect(short(20000)).toBe("2万");
    expect(short(123456789)).toBe("1.23亿");
    expect(short(0.456)).toBe("0.46");
    expect(short(-50000)).toBe("-5万");
  });
  it("read in k, M and B in English", () => {
    expect(short(9999, "en")).toBe("9,999");
    expect(short(12345, "en")).toBe("12.35k");
    expect(short(1234567, "en")).toBe("1.23M");
    expect(short(1.5e9, "en")).toBe("1.5B");
  });
  it("keep the exact number", () => {
    expect(exact(1234567)).toBe("1,234,567");
  });
  it("never make a number of the unknown", () => {
    for (const v of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(short(v)).toBeNull();
      expect(exact(v)).toBeNull();
      expect(percent(v)).toBeNull();
      expect(duration(v)).toBeNull();
    }
    expect(duration(-1)).toBeNull();
  });
  it("never round a share up over its line", () => {
    expect(percent(17 / 24)).toBe("70.8%");
    expect(percent(17 / 23)).toBe("73.9%");
    expect(percent(0.69999)).toBe("69.9%");
    expect(percent(0.7, 0)).toBe("70%");
    expect(percent(1)).toBe("100.0%");
    expect(percent(0.29)).toBe("29.0%");
  });
  it("read durations", () => {
    expect(duration(0.34)).toBe("340 毫秒");
    expect(duration(2.5)).toBe("2.5 秒");
    expect(duration(60)).toBe("1 分钟");
    expect(duration(5400)).toBe("1.5 小时");
    expect(duration(86400 * 3, "en")).toBe("3 d");
  });
});

describe("times", () => {
  it("are Beijing time wherever the reader is", () => {
    expect(stamp("2026-11-22T15:55:01Z")).toBe("2026-11-22 23:55:01");
    expect(stamp("2026-11-22T16:00:00Z")).toBe("2026-11-23 00:00:00");
    expect(stamp("2026-11-22T23:55:01+08:00")).toBe("2026-11-22 23:55:01");
  });
  it("take a plain date as it is", () => {
    expect(day("2026-01-02")).toBe("2026-01-02");
    expect(day("2026-01-02T20:00:00Z")).toBe("2026-01-03");
  });
  it("know none from the zero time", () => {
    for (const v of ["", null, undefined, "0001-01-01T00:00:00Z", "rubbish", 0]) expect(time(v)).toBeNull();
    expect(stamp("0001-01-01T00:00:00Z")).toBeNull();
  });
  it("are relative in both tongues", () => {
    const now = new Date("2026-11-22T12:00:00Z");
    expect(relative("2026-11-22T11:59:58Z", now)).toBe("刚刚");
    expect(relative("2026-11-22T11:57:00Z", now)).toMatch(/^3\s?分钟前$/);
    expect(relative("2026-11-20T12:00:00Z", now, "en")).toBe("2 days ago");
    expect(relative("2026-11-22T14:00:00Z", now, "en")).toBe("in 2 hours");
    expect(relative("", now)).toBeNull();
  });
  it("count days by the Beijing calendar", () => {
    const now = new Date("2026-11-22T17:00:00Z"); // already the 23rd in Beijing
    expect(daysUntil("2026-11-23", now)).toBe(0);
    expect(daysUntil("2026-11-25", now)).toBe(2);
    expect(daysUntil("2026-11-22", now)).toBe(-1);
    expect(daysUntil(null, now)).toBeNull();
  });
});

describe("how long ago", () => {
  const now = new Date("2026-11-22T15:55:00Z");
  it("is never to come", () => {
    expect(ago("2026-11-22T15:55:12Z", now)).toBe("刚刚");
    expect(ago("2026-11-22T15:55:12Z", now, "en")).toBe("just now");
    expect(ago("2026-11-22T15:57:00Z", now)).toBeNull();
    expect(ago("2026-11-22T15:52:00Z", now)).toBe("3分钟前");
    expect(ago(null, now)).toBeNull();
  });
});
