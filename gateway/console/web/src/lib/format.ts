// Numbers, times and shares as people read them. Everything that is unknown
// formats as null, so that a page can say 未知 and never shows a made-up 0.

export type Lang = "zh" | "en";

const locale = (lang: Lang) => (lang === "zh" ? "zh-CN" : "en-GB");

export const known = (n: unknown): n is number => typeof n === "number" && Number.isFinite(n);

/** 1234567 -> "1,234,567" */
export function exact(n: number | null | undefined, lang: Lang = "zh"): string | null {
  if (!known(n)) return null;
  return new Intl.NumberFormat(locale(lang), { maximumFractionDigits: 3 }).format(n);
}

function trim(n: number, digits: number): string {
  return n.toFixed(digits).replace(/\.?0+$/, "");
}

/** 1234567 -> "123.46万" or "1.23M" */
export function short(n: number | null | undefined, lang: Lang = "zh"): string | null {
  if (!known(n)) return null;
  const abs = Math.abs(n);
  const steps: [number, string][] =
    lang === "zh"
      ? [
          [1e8, "亿"],
          [1e4, "万"],
        ]
      : [
          [1e9, "B"],
          [1e6, "M"],
          [1e4, "k"],
        ];
  for (const [size, unit] of steps) {
    if (abs >= size) return trim(n / (unit === "k" ? 1e3 : size), 2) + unit;
  }
  return exact(abs < 100 ? Math.round(n * 100) / 100 : Math.round(n), lang);
}

/** 0.7083 -> "70.8%" ; cut, not rounded, so that 69.96% never reads as 70.0%. */
export function percent(x: number | null | undefined, digits = 1): string | null {
  if (!known(x)) return null;
  const f = 10 ** digits;
  const cut = Math.floor(x * 100 * f + 1e-9) / f;
  return cut.toFixed(digits) + "%";
}

/** Seconds to "340 毫秒", "2.5 秒", "3 分钟", "2 小时", "5 天". */
export function duration(s: number | null | undefined, lang: Lang = "zh"): string | null {
  if (!known(s) || s < 0) return null;
  const zh = lang === "zh";
  const say = (n: string, unitZh: string, unitEn: string) => (zh ? `${n} ${unitZh}` : `${n} ${unitEn}`);
  if (s < 1) return say(String(Math.round(s * 1000)), "毫秒", "ms");
  if (s < 60) return say(trim(s, s < 10 ? 1 : 0), "秒", "s");
  if (s < 3600) return say(String(Math.floor(s / 60)), "分钟", "min");
  if (s < 86400) return say(trim(s / 3600, 1), "小时", "h");
  return say(trim(s / 86400, 1), "天", "d");
}

/** A time of the API, or null for none: "", null, Go's zero time, rubbish. */
export function time(v: string | number | null | undefined): Date | null {
  if (v === null || v === undefined || v === "" || v === 0) return null;
  const d = new Date(v);
  if (Number.isNaN(d.getTime()) || d.getUTCFullYear() < 1900) return null;
  return d;
}

const zone = "Asia/Shanghai";

function parts(d: Date, opts: Intl.DateTimeFormatOptions): Record<string, string> {
  const out: Record<string, string> = {};
  const f = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...opts });
  for (const p of f.formatToParts(d)) out[p.type] = p.value;
  return out;
}

/** "2026-11-22 23:55:01", always Beijing time. */
export function stamp(v: string | number | Date | null | undefined): string | null {
  const d = v instanceof Date ? v : time(v);
  if (!d) return null;
  const p = parts(d, {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`;
}

/** "23:55:01", Beijing time. */
export function clock(v: string | number | Date | null | undefined): string | null {
  return stamp(v)?.slice(11) ?? null;
}

/** "2026-11-22", Beijing time; a plain date stays itself. */
export function day(v: string | number | Date | null | undefined): string | null {
  if (typeof v === "string" && /^\d{4}-\d{2}-\d{2}$/.test(v)) return v;
  return stamp(v)?.slice(0, 10) ?? null;
}

/** Whole days from today (Beijing) to that date; negative = past. */
export function daysUntil(v: string | number | Date | null | undefined, now: Date = new Date()): number | null {
  const a = day(v);
  const b = day(now);
  if (!a || !b) return null;
  return Math.round((Date.parse(a) - Date.parse(b)) / 86400000);
}

/** "3 分钟前", "in 2 days". */
export function relative(v: string | number | Date | null | undefined, now: Date = new Date(), lang: Lang = "zh"): string | null {
  const d = v instanceof Date ? v : time(v);
  if (!d) return null;
  const s = (d.getTime() - now.getTime()) / 1000;
  const abs = Math.abs(s);
  if (abs < 5) return lang === "zh" ? "刚刚" : "just now";
  const f = new Intl.RelativeTimeFormat(locale(lang), { numeric: "always" });
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [60, "second"],
    [3600, "minute"],
    [86400, "hour"],
    [86400 * 30, "day"],
    [86400 * 365, "month"],
    [Infinity, "year"],
  ];
  const size = { second: 1, minute: 60, hour: 3600, day: 86400, month: 86400 * 30, year: 86400 * 365 };
  for (const [limit, unit] of steps) {
    if (abs < limit) return f.format(Math.trunc(s / size[unit as keyof typeof size]), unit);
  }
  return null;
}

/**
 * How long ago something happened. Clocks differ a little: what lies up to a minute ahead
 * happened just now, and what lies further ahead is no "in 12 seconds" but null: say the
 * moment itself.
 */
export function ago(v: string | number | Date | null | undefined, now: Date = new Date(), lang: Lang = "zh"): string | null {
  const d = v instanceof Date ? v : time(v);
  if (!d) return null;
  const ahead = d.getTime() - now.getTime();
  if (ahead > 60_000) return null;
  return relative(ahead > 0 ? now : d, now, lang);
}
