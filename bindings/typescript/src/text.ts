/** Text as bundles count it: in code points, with letters, digits and blanks of every script. */

const WIDE = /[\ud800-\udfff]/;
/** What counts as a blank, for use inside a class. */
export const BLANK = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
/** Letters, digits and the underscore, for use inside a class. */
export const WORD = "\\p{L}\\p{N}_";
const STRIPPED = new RegExp(`^[${BLANK}]+|[${BLANK}]+$`, "gu");

export function lengthOf(text: string): number {
  return WIDE.test(text) ? [...text].length : text.length;
}

/** Part of a text; places below zero count from its end. */
export function part(text: string, from: number, to?: number): string {
  return WIDE.test(text) ? [...text].slice(from, to).join("") : text.slice(from, to);
}

export function strip(text: string): string {
  return text.replace(STRIPPED, "");
}

export function isAlphanumeric(text: string): boolean {
  return /^[\p{L}\p{N}]+$/u.test(text);
}

export function isLetters(text: string): boolean {
  return /^\p{L}+$/u.test(text);
}

export function isDecimal(text: string): boolean {
  return /^\p{Nd}+$/u.test(text);
}

/** To the nearest whole number; a half goes to the even one. */
export function rounded(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
