/** Text as bundles count it: in code points, with letters, digits and blanks of every script. */
/** What counts as a blank, for use inside a class. */
export declare const BLANK = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
/** Letters, digits and the underscore, for use inside a class. */
export declare const WORD = "\\p{L}\\p{N}_";
export declare function lengthOf(text: string): number;
/** Part of a text; places below zero count from its end. */
export declare function part(text: string, from: number, to?: number): string;
export declare function strip(text: string): string;
export declare function isAlphanumeric(text: string): boolean;
export declare function isLetters(text: string): boolean;
export declare function isDecimal(text: string): boolean;
/** To the nearest whole number; a half goes to the even one. */
export declare function rounded(value: number): number;
