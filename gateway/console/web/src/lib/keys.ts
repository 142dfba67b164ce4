// What people paste as a key: with spaces, in full-width, in lower case. The
// gateway normalises again by the element; here it is done so that the reader
// sees what will be asked.

export interface Cleaned {
  key: string;
  /** what was changed, for the note under the input */
  spaces: number;
  wide: number;
  upper: boolean;
  dashes: number;
}

const invisible = /[\s\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f\u2060\u3000\ufeff]/u;

/** Full-width ASCII to half-width. */
export function narrow(s: string): string {
  return s.normalize("NFC").replace(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0));
}

/** Whether a text holds what may be a person's number: a run of eleven digits or more, however it is written. */
export const personal = (s: string): boolean => /\d{11}/.test(narrow(s).replace(new RegExp(invisible, "gu"), "").replace(/[-\u2010-\u2015\u2212]/g, ""));

const citizen = /^(\d{17}[\dXx]|\d{15})$/;
const uscc = /^[0-9A-Za-z]{18}$/;
const plate = /^[\u4e00-\u9fff][A-Za-z][0-9A-Za-z]{4,7}$/;

export function cleanKey(raw: string): Cleaned {
  const out: Cleaned = { key: "", spaces: 0, wide: 0, upper: false, dashes: 0 };
  let s = "";
  for (const c of raw) {
    if (invisible.test(c)) {
      out.spaces++;
      continue;
    }
    if (c >= "\uff01" && c <= "\uff5e") out.wide++;
    s += c;
  }
  s = narrow(s);
  const bare = s.replace(/[-\u2010-\u2015\u2212]/g, "");
  if (bare !== s && (citizen.test(bare) || uscc.test(bare))) {
    out.dashes = s.length - bare.length;
    s = bare;
  }
  // A composite key is cleaned part by part.
  const parts = s.split("|").map((p) => (citizen.test(p) || uscc.test(p) || plate.test(p) ? p.toUpperCase() : p));
  out.key = parts.join("|");
  out.upper = out.key !== s;
  return out;
}

/** Check character of a citizen number's first 17 digits (GB 11643). */
export function citizenCheck(first17: string): string {
  const w = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  let sum = 0;
  for (let i = 0; i < 17; i++) sum += Number(first17[i]) * w[i]!;
  return "10X98765432"[sum % 11]!;
}

const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/** Check character of a USCC's first 17 characters (GB 32100), "" if one is not of its alphabet. */
export function usccCheck(first17: string): string {
  let sum = 0;
  for (let i = 0; i < 17; i++) {
    const v = usccAlphabet.indexOf(first17[i]!);
    if (v < 0) return "";
    sum += v * (3 ** i % 31);
  }
  return usccAlphabet[(31 - (sum % 31)) % 31]!;
}

export type Hint = "ok" | "citizenCheck" | "usccCheck" | "length" | null;

/** What a glance at the key tells, for keys of the two national identifiers; null = nothing to say. */
export function hint(key: string, element?: string): Hint {
  const k = key.split("|")[0]!;
  const isCitizen = element === "id_number" || (!element && /^\d{17}[\dX]$/.test(k));
  const isUscc = element === "uscc" || (!element && /^[0-9A-Z]{18}$/.test(k) && /[A-Z]/.test(k.slice(0, 17)));
  if (isCitizen) {
    if (/^\d{15}$/.test(k)) return "ok";
    if (!/^\d{17}[\dX]$/.test(k)) return k ? "length" : null;
    return citizenCheck(k) === k[17] ? "ok" : "citizenCheck";
  }
  if (isUscc) {
    if (k.length !== 18) return k ? "length" : null;
    return usccCheck(k) === k[17] ? "ok" : "usccCheck";
  }
  return null;
}
