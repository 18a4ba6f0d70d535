/** What in a message, a result or an argument may later become an argument: leaves of JSON, tokens of text. */
import { isObject, parseJson } from "./json.js";
import { BLANK, isAlphanumeric, isDecimal, isLetters, lengthOf, part, strip, WORD } from "./text.js";
const TEXT_HEAD = 8_000;
const TEXT_TAIL = 2_000;
const JSON_LENGTH = 400_000;
const LEAVES = 1_500;
const DEPTH = 12;
const LONGEST = 400;
const MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*";
const D = "\\p{Nd}";
const S = `[${BLANK}]`;
const KINDS = [
    ["url", `https?://[^${BLANK}"'<>)\\]}\`\\\\,]+[^${BLANK}"'<>)\\]}\`\\\\,.;:!?]`],
    ["email", `[${WORD}.+\\-]+@[${WORD}\\-]+(?:\\.[${WORD}\\-]+)+`],
    [
        "path",
        `(?:~|\\.{1,2})?/?(?:[${WORD}@+.\\-]+/)+[${WORD}@+.\\-]*[${WORD}@+\\-]|/[${WORD}@+\\-][${WORD}@+.\\-]*[${WORD}@+\\-]` +
            `|[${WORD}+\\-]+(?:\\.[${WORD}+\\-]+)*\\.[A-Za-z]{1,5}(?![${WORD}])(?![(.])`,
    ],
    [
        "day",
        `(?:${MONTH}\\.?${S}+${D}{1,2}(?:st|nd|rd|th)?(?:,?${S}+${D}{4})?` +
            `|${D}{1,2}(?:st|nd|rd|th)?${S}+(?:of${S}+)?${MONTH}(?:,?${S}+${D}{4})?|${D}{1,2}/${D}{1,2}/${D}{4})(?![${WORD}])`,
    ],
    ["date", `${D}{4}-${D}{2}-${D}{2}(?:[T ]${D}{2}:${D}{2}(?::${D}{2})?)?`],
    ["dashed", "\\+?[A-Za-z0-9]+(?:-[A-Za-z0-9]+)+"],
    ["number", `(?<![${WORD}.])-?${D}+(?:\\.${D}+)?(?![${WORD}])`],
    ["code", `(?=[A-Za-z_]*${D}|${D}*[A-Za-z_]*_|[A-Z0-9]{2})[${WORD}]{2,}`],
    ["camel", `[a-z]+[A-Z][${WORD}]*|[A-Z][a-z0-9]+[A-Z][${WORD}]*`],
    ["name", "[A-Z][a-z]+"],
    ["word", "[a-z]{3,}"],
];
const START = "(?<![^\\n])";
const END = "(?![^\\n])";
const TOKEN = new RegExp(KINDS.map(([kind, pattern]) => `(?<${kind}>${pattern})`).join("|"), "gu");
const QUOTE = /"([^"\n]{1,200})"|'([^'\n]{1,200})'|`([^`\n]{1,200})`|\*\*([^*\n]{1,200})\*\*/gu;
const BLOB = new RegExp(`(?<![${WORD}@+.~/\\-])[${WORD}@+.~/\\-]{${LONGEST + 1},}`, "gu");
const LABEL = new RegExp(`${START}[ \\t>*\\-]*([A-Za-z_][${WORD} \\-]{0,30}?)\\**${S}?[:=]${S}*([^${BLANK}][^\\n]{0,200}?)[ \\t,;]*${END}`, "gu");
const LINE_PATH = new RegExp(`${START}[ \\t]*((?:[${WORD}@+.~\\-]*/)+[${WORD}@+.\\-]+|[${WORD}@+\\-]+\\.[A-Za-z]{1,5})(?=[:${BLANK}]|${END})`, "gu");
const LINE_NUMBER = new RegExp(`${START}(?:[^${BLANK}:/.]*[/.][^${BLANK}:]*:)?[ \\t]*(${D}{1,7})(?=[:\\u2192\\t\\-])`, "gu");
const SHAPED = new Set(["code", "dashed", "number"]);
const RUNS = /[A-Z]+|[a-z]+|[0-9]+|./gsu;
/** What a token looks like, from one to two ways. */
export function shapes(token) {
    const found = [];
    if (isAlphanumeric(token) && token.toUpperCase() === token && !isDecimal(token))
        found.push(`X${lengthOf(token)}`);
    const runs = part(token, 0, 60).match(RUNS) ?? [];
    if (runs.length > 0 && runs.length <= 9) {
        found.push("=" + runs.map(named).join(""));
        const last = runs[runs.length - 1];
        if (runs.length > 1 && isLetters(runs[0]) && isDecimal(last))
            found.push(`^${runs[0]}${"9".repeat(lengthOf(last))}`);
    }
    return found;
}
function named(run) {
    const first = part(run, 0, 1);
    if (isDecimal(first))
        return `9${lengthOf(run)}`;
    if (/^\p{Lu}/u.test(first))
        return "A";
    return /^\p{Ll}/u.test(first) ? "a" : run;
}
function clip(text) {
    if (lengthOf(text) <= TEXT_HEAD + TEXT_TAIL)
        return text;
    return part(text, 0, TEXT_HEAD) + "\n" + part(text, -TEXT_TAIL);
}
/** Tokens of a text with their kind, in order of kind group, each group in order of place. */
export function textAtoms(whole, words = false) {
    const text = clip(whole).replace(BLOB, " ");
    const found = [];
    for (const match of text.matchAll(TOKEN)) {
        const kind = KINDS.find(([name]) => match.groups[name] !== undefined)[0];
        if (kind === "word" && !words)
            continue;
        found.push(["~" + kind, match[0]]);
        if (SHAPED.has(kind))
            for (const shape of shapes(match[0]))
                found.push(["~" + shape, match[0]]);
    }
    for (const match of text.matchAll(QUOTE))
        found.push(["~quoted", match.slice(1).find((one) => one !== undefined)]);
    for (const match of text.matchAll(LABEL)) {
        found.push([`~label:${strip(match[1]).toLowerCase()}`, match[2].replace(/^["'`*]+|["'`*]+$/g, "")]);
    }
    for (const match of text.matchAll(LINE_PATH))
        found.push(["~line_path", match[1]]);
    for (const match of text.matchAll(LINE_NUMBER))
        found.push(["~line_number", match[1]]);
    return found;
}
/** The object or list that a text is, or undefined. */
export function asJson(text) {
    const bare = new RegExp(`[^${BLANK}]`, "u").exec(text)?.[0];
    if ((bare !== "{" && bare !== "[") || lengthOf(text) > JSON_LENGTH)
        return undefined;
    try {
        return parseJson(text);
    }
    catch (error) {
        if (error instanceof SyntaxError || error instanceof RangeError)
            return undefined;
        throw error;
    }
}
function isDynamic(key) {
    return /[\p{Nd}\u00b2\u00b3\u00b9\u2070-\u2089/@]/u.test(key) || lengthOf(key) > 40;
}
/** The scalar fields of one JSON object, and the object around it. */
export class Row {
    where;
    parent;
    fields = new Map();
    /** Its number among the rows of its place. */
    place = 0;
    constructor(where, parent) {
        this.where = where;
        this.parent = parent;
    }
}
/** Leaves by path with indices left out, keys that are values, small lists whole; the rows they stand in, and lists. */
export function jsonAtoms(value, where) {
    const found = { atoms: [], rows: [], lists: [] };
    walk(value, where, undefined, found, 0);
    return found;
}
/** Takes in a value; false when a bound was reached before its end. */
function walk(value, where, row, found, depth) {
    if (found.atoms.length >= LEAVES || depth > DEPTH)
        return false;
    if (isObject(value))
        return walkObject(value, where, row, found, depth);
    if (Array.isArray(value))
        return walkList(value, where, row, found, depth);
    if (typeof value === "string" && (value === "" || lengthOf(value) > LONGEST)) {
        const parsed = value === "" ? undefined : asJson(value);
        if (parsed !== undefined)
            walk(parsed, where + "#", row, found, depth + 1);
    }
    else if (value !== null) {
        found.atoms.push([where, value]);
    }
    return true;
}
function walkObject(value, where, row, found, depth) {
    const inner = new Row(where, row);
    found.rows.push(inner);
    let whole = true;
    for (const [key, each] of value) {
        if (found.atoms.length >= LEAVES)
            return false;
        let item = each;
        let below = `${where}.${key}`;
        if (isDynamic(key)) {
            found.atoms.push([where + "{}", key]);
            inner.fields.set("{}", key);
            below = where + "{}";
            if (isObject(item))
                item = new Map([["{key}", key], ...item]);
        }
        else if (!isObject(item) && !Array.isArray(item)) {
            inner.fields.set(key, item);
        }
        whole = walk(item, below, inner, found, depth + 1) && whole;
    }
    return whole;
}
function walkList(value, where, row, found, depth) {
    const at = found.atoms.length;
    let whole = true;
    if (typeof value[0] === "string" || typeof value[0] === "bigint")
        found.lists.push([where + "[]", value]);
    for (const item of value) {
        whole = walk(item, where + "[]", row, found, depth + 1) && whole;
        if (found.atoms.length >= LEAVES)
            return false;
    }
    if (whole && value.length > 0 && value.length <= 20) {
        found.atoms.splice(at, 0, [where + "[=]", value]);
        row?.fields.set(where.slice(where.lastIndexOf(".") + 1) + "[=]", value);
    }
    return whole;
}
