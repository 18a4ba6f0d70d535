/** What one session has shown so far: a stream of values for each place they come from. */

import { asJson, Atom, Found, jsonAtoms, Row, textAtoms } from "./atoms.js";
import { canonical, isObject, Json, JsonObject, keyOf } from "./json.js";
import { isAlphanumeric } from "./text.js";

const EVENTS_KEPT = 6;
const VALUES_KEPT = 200;
const ROWS_KEPT = 12;
/** Entries of the environment that say what runs; they are no values for arguments. */
export const SETTING = ["application", "agent", "model"];

export type Environment = Record<string, string>;

export function identityOf(tool: string, args: JsonObject): string {
  return `${tool}\x1f${canonical(args)}`;
}

/** The places of an argument object that take a value: objects are entered, lists and scalars are values. */
export function leaves(args: JsonObject, path: string[] = []): [string[], Json][] {
  const found: [string[], Json][] = [];
  for (const [key, value] of args) {
    if (isObject(value) && value.size > 0) found.push(...leaves(value, [...path, key]));
    else found.push([[...path, key], value]);
  }
  return found;
}

export function pathText(path: string[]): string {
  return path.map((key) => (isAlphanumeric(key.replace(/[_-]/g, "")) ? `.${key}` : `[${canonical(key)}]`)).join("");
}

/** The values one place has given, newest event last. */
export class Stream {
  readonly events: Json[][] = [];
  readonly recent = new Map<string, Json>();
  opening: Json = null;

  add(values: Map<string, Json>): void {
    const listed = [...values.values()];
    if (this.events.length === 0) this.opening = listed[0];
    this.events.push(listed);
    if (this.events.length > EVENTS_KEPT) this.events.shift();
    for (const key of values.keys()) this.recent.delete(key);
    for (const [key, value] of values) this.recent.set(key, value);
    while (this.recent.size > VALUES_KEPT) this.recent.delete(this.recent.keys().next().value!);
  }
}

/** All streams, rows and calls of one session; `wanted` are the streams that rules read. */
export class Memory {
  readonly streams = new Map<string, Stream>();
  readonly rows = new Map<string, Row[]>();
  readonly used = new Map<string, Map<string, number>>();
  readonly calls = new Map<string, number[]>();
  readonly made: { tool: string; args: JsonObject; identity: string }[] = [];
  /** The rows and lists of the newest call's result. */
  given: Found | undefined;
  clock = 0;
  private moment = 0;
  private readonly first = new Map<string, number>();

  constructor(
    environment: Environment,
    private readonly wanted: Set<string>,
  ) {
    for (const [name, value] of Object.entries(environment)) {
      if (value && !SETTING.includes(name)) this.keep([[`env.${name}`, value]]);
    }
  }

  message(speaker: string, text: string): void {
    this.clock += 1;
    this.keep(prefixed(speaker, textAtoms(text, speaker === "user")));
    const value = speaker === "user" ? asJson(text) : undefined;
    if (value !== undefined) this.json(value, speaker);
  }

  /** A call with its result as the model saw it; its identity. */
  call(tool: string, args: JsonObject, text: string | null): string {
    this.clock += 1;
    const identity = identityOf(tool, args);
    const times = this.calls.get(identity);
    if (times === undefined) this.calls.set(identity, [this.clock]);
    else times.push(this.clock);
    this.made.push({ tool, args, identity });
    for (const [path, value] of leaves(args)) {
      for (const hole of [tool + pathText(path), "*" + pathText(path)]) {
        const used = this.used.get(hole) ?? new Map<string, number>();
        this.used.set(hole, used.set(keyOf(value), (used.get(keyOf(value)) ?? 0) + 1));
      }
    }
    this.json(args, `arg:${tool}`);
    this.given = undefined;
    if (text) {
      const value = asJson(text);
      if (value === undefined) this.keep(prefixed(`res:${tool}`, textAtoms(text)));
      else this.given = this.json(value, `res:${tool}`);
    }
    return identity;
  }

  mark(): void {
    this.moment = this.clock;
  }

  /** How new a value is: 0 since the mark, 1 little before, 2 recent, 3 old; 9 never seen. */
  age(key: string): number {
    const first = this.first.get(key);
    if (first === undefined) return 9;
    const before = this.moment - first;
    return before < 0 ? 0 : before < 3 ? 1 : before < 12 ? 2 : 3;
  }

  private json(value: Json, where: string): Found {
    const found = jsonAtoms(value, where);
    this.keep(found.atoms);
    for (const row of found.rows) {
      for (const field of row.fields.values()) {
        if (typeof field !== "string" && typeof field !== "bigint") continue;
        const held = this.rows.get(keyOf(field)) ?? [];
        this.rows.set(keyOf(field), held);
        held.push(row);
        if (held.length > ROWS_KEPT) held.shift();
      }
    }
    return found;
  }

  private keep(atoms: Atom[]): void {
    const grouped = new Map<string, Map<string, Json>>();
    for (const [where, value] of atoms) {
      const key = keyOf(value);
      for (const place of placesOf(where)) {
        if (!this.wanted.has(place)) continue;
        const values = grouped.get(place);
        if (values === undefined) grouped.set(place, new Map([[key, value]]));
        else if (!values.has(key)) values.set(key, value);
      }
    }
    for (const [where, values] of grouped) {
      const stream = this.streams.get(where) ?? new Stream();
      this.streams.set(where, stream);
      stream.add(values);
      for (const key of values.keys()) if (!this.first.has(key)) this.first.set(key, this.clock);
    }
  }
}

/** The streams an atom belongs to: its own, and that which gathers the field or token kind over all tools. */
function placesOf(where: string): string[] {
  const kind = where.slice(0, 4);
  if (kind !== "arg:" && kind !== "res:") return [where];
  let at = where.lastIndexOf("~");
  if (at < 0) at = where.lastIndexOf(".");
  return at > 0 ? [where, `${kind}*${where.slice(at)}`] : [where];
}

function prefixed(prefix: string, atoms: Atom[]): Atom[] {
  return atoms.map(([where, value]) => [prefix + where, value]);
}
