/** How a call differs from the call of the same tool before it, as a step that can be taken again. */

import { byCodePoint, canonical, isObject, Json, JsonObject, keyOf, parseJson } from "./json.js";
import { leaves, pathText } from "./memory.js";
import { isLetters, lengthOf } from "./text.js";

const MOST_LEAVES = 8;
const LONGEST = 60;
const FURTHEST = 1_000n;

type Places = Map<string, Json>;

function placesOf(args: JsonObject): Places {
  return new Map(leaves(args).map(([path, value]) => [pathText(path), value]));
}

/** The step from one call to the next of the same tool; undefined when they have too little in common. */
export function step(before: JsonObject, after: JsonObject): string | undefined {
  const old = placesOf(before);
  const now = leaves(after);
  if (now.length === 0 || now.length > MOST_LEAVES) return undefined;
  const moves: Json[] = [];
  for (const [path, value] of now) {
    const found = move(pathText(path), value, old);
    if (found === undefined) return undefined;
    moves.push([path, ...found]);
  }
  return canonical(moves);
}

function move(place: string, value: Json, old: Places): Json[] | undefined {
  const was = old.get(place);
  if (was !== undefined && keyOf(was) === keyOf(value)) return ["="];
  const moved = wholeOf(value);
  const base = was === undefined ? undefined : wholeOf(was);
  if (moved !== undefined && base !== undefined && typeof was === typeof value) {
    const distance = moved - base;
    for (const [other, amount] of [...old].sort(([one], [two]) => byCodePoint(one, two))) {
      if (other !== place && amount === distance) return ["+", other];
    }
    return distance <= FURTHEST && distance >= -FURTHEST ? ["+", distance] : undefined;
  }
  if (Array.isArray(value) || isObject(value)) return undefined;
  return typeof value === "string" && (lengthOf(value) > LONGEST || value.includes("\n")) ? undefined : [":", value];
}

/** The arguments of the next call when the step is taken from a call; undefined where it does not apply. */
export function take(text: string, before: JsonObject): JsonObject | undefined {
  const old = placesOf(before);
  const args: JsonObject = new Map();
  for (const [keys, kind, ...rest] of parseJson(text) as [string[], string, ...Json[]][]) {
    const place = keys.map((key) => pathText([key])).join("");
    const was = old.get(place);
    let value: Json;
    if (kind === ":") value = rest[0];
    else if (was === undefined) return undefined;
    else if (kind === "=") value = was;
    else {
      const amount = typeof rest[0] === "string" ? old.get(rest[0]) : rest[0];
      const base = wholeOf(was);
      if (base === undefined || typeof amount !== "bigint") return undefined;
      value = typeof was === "string" ? String(base + amount) : base + amount;
    }
    put(args, keys, value);
  }
  return args;
}

/** Puts a value at a path, making the objects on the way. */
export function put(args: JsonObject, path: string[], value: Json): void {
  let inner = args;
  for (const key of path.slice(0, -1)) {
    if (!inner.has(key)) inner.set(key, new Map());
    inner = inner.get(key) as JsonObject;
  }
  inner.set(path[path.length - 1], value);
}

/** What the next step depends on: the tool, and those of its arguments that are short words or flags. */
export function stateOf(tool: string, args: JsonObject): string {
  const words = leaves(args)
    .filter(([, value]) => typeof value === "boolean" || (typeof value === "string" && isWord(value)))
    .map(([path, value]): Json => [pathText(path), value]);
  return `${tool} [${words.map(canonical).sort(byCodePoint).join(",")}]`;
}

function isWord(text: string): boolean {
  return lengthOf(text) <= 24 && isLetters(text.replace(/_/g, ""));
}

function wholeOf(value: Json): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "string" && /^(?:0|[1-9][0-9]{0,8})$/.test(value) ? BigInt(value) : undefined;
}
