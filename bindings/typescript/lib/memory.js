/** What one session has shown so far: a stream of values for each place they come from. */
import { asJson, jsonAtoms, textAtoms } from "./atoms.js";
import { canonical, isObject, keyOf } from "./json.js";
import { isAlphanumeric } from "./text.js";
const EVENTS_KEPT = 6;
const VALUES_KEPT = 200;
const ROWS_KEPT = 12;
/** Entries of the environment that say what runs; they are no values for arguments. */
export const SETTING = ["application", "agent", "model"];
export function identityOf(tool, args) {
    return `${tool}\x1f${canonical(args)}`;
}
/** The places of an argument object that take a value: objects are entered, lists and scalars are values. */
export function leaves(args, path = []) {
    const found = [];
    for (const [key, value] of args) {
        if (isObject(value) && value.size > 0)
            found.push(...leaves(value, [...path, key]));
        else
            found.push([[...path, key], value]);
    }
    return found;
}
export function pathText(path) {
    return path.map((key) => (isAlphanumeric(key.replace(/[_-]/g, "")) ? `.${key}` : `[${canonical(key)}]`)).join("");
}
/** The values one place has given, newest event last. */
export class Stream {
    events = [];
    recent = new Map();
    opening = null;
    add(values) {
        const listed = [...values.values()];
        if (this.events.length === 0)
            this.opening = listed[0];
        this.events.push(listed);
        if (this.events.length > EVENTS_KEPT)
            this.events.shift();
        for (const key of values.keys())
            this.recent.delete(key);
        for (const [key, value] of values)
            this.recent.set(key, value);
        while (this.recent.size > VALUES_KEPT)
            this.recent.delete(this.recent.keys().next().value);
    }
}
/** All streams, rows and calls of one session; `wanted` are the streams that rules read. */
export class Memory {
    wanted;
    streams = new Map();
    rows = new Map();
    used = new Map();
    calls = new Map();
    made = [];
    /** The rows and lists of the newest call's result. */
    given;
    clock = 0;
    moment = 0;
    first = new Map();
    constructor(environment, wanted) {
        this.wanted = wanted;
        for (const [name, value] of Object.entries(environment)) {
            if (value && !SETTING.includes(name))
                this.keep([[`env.${name}`, value]]);
        }
    }
    message(speaker, text) {
        this.clock += 1;
        this.keep(prefixed(speaker, textAtoms(text, speaker === "user")));
        const value = speaker === "user" ? asJson(text) : undefined;
        if (value !== undefined)
            this.json(value, speaker);
    }
    /** A call with its result as the model saw it; its identity. */
    call(tool, args, text) {
        this.clock += 1;
        const identity = identityOf(tool, args);
        const times = this.calls.get(identity);
        if (times === undefined)
            this.calls.set(identity, [this.clock]);
        else
            times.push(this.clock);
        this.made.push({ tool, args, identity });
        for (const [path, value] of leaves(args)) {
            for (const hole of [tool + pathText(path), "*" + pathText(path)]) {
                const used = this.used.get(hole) ?? new Map();
                this.used.set(hole, used.set(keyOf(value), (used.get(keyOf(value)) ?? 0) + 1));
            }
        }
        this.json(args, `arg:${tool}`);
        this.given = undefined;
        if (text) {
            const value = asJson(text);
            if (value === undefined)
                this.keep(prefixed(`res:${tool}`, textAtoms(text)));
            else
                this.given = this.json(value, `res:${tool}`);
        }
        return identity;
    }
    mark() {
        this.moment = this.clock;
    }
    /** How new a value is: 0 since the mark, 1 little before, 2 recent, 3 old; 9 never seen. */
    age(key) {
        const first = this.first.get(key);
        if (first === undefined)
            return 9;
        const before = this.moment - first;
        return before < 0 ? 0 : before < 3 ? 1 : before < 12 ? 2 : 3;
    }
    json(value, where) {
        const found = jsonAtoms(value, where);
        this.keep(found.atoms);
        for (const row of found.rows) {
            for (const field of row.fields.values()) {
                if (typeof field !== "string" && typeof field !== "bigint")
                    continue;
                const held = this.rows.get(keyOf(field)) ?? [];
                this.rows.set(keyOf(field), held);
                held.push(row);
                if (held.length > ROWS_KEPT)
                    held.shift();
            }
        }
        return found;
    }
    keep(atoms) {
        const grouped = new Map();
        for (const [where, value] of atoms) {
            const key = keyOf(value);
            for (const place of placesOf(where)) {
                if (!this.wanted.has(place))
                    continue;
                const values = grouped.get(place);
                if (values === undefined)
                    grouped.set(place, new Map([[key, value]]));
                else if (!values.has(key))
                    values.set(key, value);
            }
        }
        for (const [where, values] of grouped) {
            const stream = this.streams.get(where) ?? new Stream();
            this.streams.set(where, stream);
            stream.add(values);
            for (const key of values.keys())
                if (!this.first.has(key))
                    this.first.set(key, this.clock);
        }
    }
}
/** The streams an atom belongs to: its own, and that which gathers the field or token kind over all tools. */
function placesOf(where) {
    const kind = where.slice(0, 4);
    if (kind !== "arg:" && kind !== "res:")
        return [where];
    let at = where.lastIndexOf("~");
    if (at < 0)
        at = where.lastIndexOf(".");
    return at > 0 ? [where, `${kind}*${where.slice(at)}`] : [where];
}
function prefixed(prefix, atoms) {
    return atoms.map(([where, value]) => [prefix + where, value]);
}
