/** JSON as bundles mean it: whole numbers and fractions are two types, objects keep their order, text has one form. */
export type Json = null | boolean | string | bigint | number | Json[] | JsonObject;
export type JsonObject = Map<string, Json>;
/** A `bigint` is a whole number, a `number` is a fraction; NaN, infinity and what overflows become null. Throws. */
export declare function parseJson(text: string): Json;
/** The one text of a value: keys sorted by code point, no spaces; `1`, `1.0`, `true` and `"1"` all differ. */
export declare function canonical(value: Json): string;
/** Orders texts by code point, which differs from the default order beyond the basic plane. */
export declare function byCodePoint(one: string, other: string): number;
/** A text that is equal exactly when two values are, type and all. */
export declare function keyOf(value: Json): string;
/** The value that a key stands for. */
export declare function valueOf(key: string): Json;
export declare function isObject(value: Json | undefined): value is JsonObject;
