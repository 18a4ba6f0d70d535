/** How a call differs from the call of the same tool before it, as a step that can be taken again. */
import { byCodePoint, canonical, isObject, keyOf, parseJson } from "./json.js";
import { leaves, pathText } from "./memory.js";
import { isLetters, lengthOf } from "./text.js";
const MOST_LEAVES = 8;
const LONGEST = 60;
const FURTHEST = 1000n;
function placesOf(args) {
    return new Map(leaves(args).map(([path, value]) => [pathText(path), value]));
}
/** The step from one call to the next of the same tool; undefined when they have too little in common. */
export function step(before, after) {
    const old = placesOf(before);
    const now = leaves(after);
    if (now.length === 0 || now.length > MOST_LEAVES)
        return undefined;
    const moves = [];
    for (const [path, value] of now) {
        const found = move(pathText(path), value, old);
        if (found === undefined)
            return undefined;
        moves.push([path, ...found]);
    }
    return canonical(moves);
}
function move(place, value, old) {
    const was = old.get(place);
    if (was !== undefined && keyOf(was) === keyOf(value))
        return ["="];
    const moved = wholeOf(value);
    const base = was === undefined ? undefined : wholeOf(was);
    if (moved !== undefined && base !== undefined && typeof was === typeof value) {
        const distance = moved - base;
        for (const [other, amount] of [...old].sort(([one], [two]) => byCodePoint(one, two))) {
            if (other !== place && amount === distance)
                return ["+", other];
        }
        return distance <= FURTHEST && distance >= -FURTHEST ? ["+", distance] : undefined;
    }
    if (Array.isArray(value) || isObject(value))
        return undefined;
    return typeof value === "string" && (lengthOf(value) > LONGEST || value.includes("\n")) ? undefined : [":", value];
}
/** The arguments of the next call when the step is taken from a call; undefined where it does not apply. */
export function take(text, before) {
    const old = placesOf(before);
    const args = new Map();
    for (const [keys, kind, ...rest] of parseJson(text)) {
        const place = keys.map((key) => pathText([key])).join("");
        const was = old.get(place);
        let value;
        if (kind === ":")
            value = rest[0];
        else if (was === undefined)
            return undefined;
        else if (kind === "=")
            value = was;
        else {
            const amount = typeof rest[0] === "string" ? old.get(rest[0]) : rest[0];
            const base = wholeOf(was);
            if (base === undefined || typeof amount !== "bigint")
                return undefined;
            value = typeof was === "string" ? String(base + amount) : base + amount;
        }
        put(args, keys, value);
    }
    return args;
}
/** Puts a value at a path, making the objects on the way. */
export function put(args, path, value) {
    let inner = args;
    for (const key of path.slice(0, -1)) {
        if (!inner.has(key))
            inner.set(key, new Map());
        inner = inner.get(key);
    }
    inner.set(path[path.length - 1], value);
}
/** What the next step depends on: the tool, and those of its arguments that are short words or flags. */
export function stateOf(tool, args) {
    const words = leaves(args)
        .filter(([, value]) => typeof value === "boolean" || (typeof value === "string" && isWord(value)))
        .map(([path, value]) => [pathText(path), value]);
    return `${tool} [${words.map(canonical).sort(byCodePoint).join(",")}]`;
}
function isWord(text) {
    return lengthOf(text) <= 24 && isLetters(text.replace(/_/g, ""));
}
function wholeOf(value) {
    if (typeof value === "bigint")
        return value;
    return typeof value === "string" && /^(?:0|[1-9][0-9]{0,8})$/.test(value) ? BigInt(value) : undefined;
}
