/** The values that the rules of a hole propose now, and how likely each is. */
import { shapes } from "./atoms.js";
import { byCodePoint, keyOf, valueOf } from "./json.js";
import { lengthOf, part } from "./text.js";
import { TRANSFORMS } from "./transforms.js";
const SHAPE_FROM = 40;
const HEAD = 200;
const SCANNED = 60;
/** One hole in one session. */
export class Binder {
    name;
    hole;
    rules;
    applies;
    anchors;
    constructor(name, hole, rules, cwd) {
        this.name = name;
        this.hole = hole;
        this.rules = rules;
        this.applies = rules.map((rule) => {
            const options = rule.options.map((option) => (option === "$cwd" ? cwd : option));
            return (value) => TRANSFORMS[rule.transform](value, ...options);
        });
        this.anchors = [...new Set(rules.filter(isDependent).map((rule) => rule.anchor))].sort(byCodePoint);
    }
    /** The values of the other holes that the rules read, as text: the same text, the same ranking. */
    anchored(assigned) {
        return this.anchors
            .filter((anchor) => assigned.has(anchor))
            .map((anchor) => `\x1e${anchor}\x1f${keyOf(assigned.get(anchor))}`)
            .join("");
    }
    /** The likeliest values now, best first; their chances leave room for "none of these". */
    ranked(memory, assigned, last, most) {
        const found = this.proposals(memory, assigned);
        if (found.size === 0)
            return [];
        const { hole } = this;
        const after = hole.after.get(last);
        const used = memory.used.get(this.name);
        const scores = [...found].map(([key, { value, rules }]) => {
            const seen = traitsOf(value, used?.get(key) ?? 0, memory.age(key), rules.length);
            const looks = sum(seen.map((trait) => hole.traits.get(trait) ?? 0));
            return looks + sum(rules.map((place) => hole.weights[place] + (after?.get(place) ?? 0)));
        });
        const none = hole.none + (after?.get(-1) ?? 0);
        const highest = Math.max(none, ...scores);
        const powers = scores.map((score) => Math.exp((score - highest) / 1000));
        const whole = sum(powers) + Math.exp((none - highest) / 1000);
        return [...found]
            .map(([key, { value }], at) => ({ key, value, power: powers[at], chance: powers[at] / whole }))
            .sort((one, other) => other.power - one.power || byCodePoint(one.key, other.key))
            .slice(0, most);
    }
    /** Each distinct value once: of independent rules first, then of those that read other holes. */
    proposals(memory, assigned) {
        const found = new Map();
        const given = new Map([...assigned].filter(([place]) => this.anchors.includes(place)));
        for (const dependent of [false, true]) {
            this.rules.forEach((rule, place) => {
                if (isDependent(rule) !== dependent)
                    return;
                const value = propose(rule, memory, this.applies[place], given);
                if (value === undefined || value === null)
                    return;
                const key = keyOf(value);
                const known = found.get(key);
                if (known === undefined)
                    found.set(key, { value, rules: [place] });
                else
                    known.rules.push(place);
            });
        }
        return found;
    }
}
function isDependent(rule) {
    return rule.source === "beside" || rule.source === "same";
}
/** What a value looks like; of long texts only the kind: a path from the root, an address, several words, one. */
function shapeOf(value) {
    if (typeof value !== "string")
        return "-";
    if (lengthOf(value) < SHAPE_FROM)
        return shapes(value).pop() ?? "-";
    const head = part(value, 0, HEAD);
    if (head[0] === "/" || head[0] === "~")
        return "-/";
    return head.includes("://") ? "-:" : head.includes(" ") ? "- " : "-";
}
function traitsOf(value, times, age, agreeing) {
    return [`s${shapeOf(value)}`, `a${age}`, `u${Math.min(times, 2)}`, `n${Math.min(agreeing, 6)}`];
}
function propose(rule, memory, apply, assigned) {
    if (rule.source === "constant")
        return valueOf(rule.constant);
    const anchor = assigned.get(rule.anchor);
    if (rule.source === "same")
        return anchor === undefined || anchor === null ? undefined : apply(anchor);
    if (rule.source === "beside")
        return anchor === undefined || anchor === null ? undefined : beside(rule, memory, apply, anchor, assigned);
    const stream = memory.streams.get(rule.source);
    return stream === undefined ? undefined : pick(stream, rule.policy, apply, memory.used.get(rule.hole));
}
/** The value of a stream that a policy chooses, transformed. */
function pick(stream, policy, apply, used) {
    const [family, rank] = policy.split(" ");
    let index = Number(rank);
    const newest = stream.events[stream.events.length - 1];
    if (family === "first")
        return index < newest.length ? apply(newest[index]) : undefined;
    if (family === "last")
        return newest.length > 1 ? apply(newest[newest.length - 1]) : undefined;
    if (family === "opening")
        return apply(stream.opening);
    const ordered = family === "next" ? [...stream.events].reverse().flat() : [...stream.recent.values()].reverse();
    for (const value of ordered.slice(0, SCANNED)) {
        const changed = apply(value);
        if (changed === undefined || changed === null)
            continue;
        if (family !== "recent" && used?.has(keyOf(changed)))
            continue;
        if (index-- === 0)
            return changed;
    }
    return undefined;
}
/** Of the objects that hold the anchor's value, the one that fits best what else is given; the newest of equals. */
function beside(rule, memory, apply, anchor, given) {
    const [where, field] = rule.policy.split("\x1f");
    const wanted = keysByName(given);
    let [best, most] = [undefined, -1];
    for (const row of [...(memory.rows.get(keyOf(anchor)) ?? [])].reverse()) {
        for (let above = row; above !== undefined; above = above.parent) {
            if (above.where !== where || !above.fields.has(field))
                continue;
            const fits = agreement(row, wanted);
            if (fits > most)
                [best, most] = [above.fields.get(field), fits];
            break;
        }
    }
    return best === undefined ? undefined : apply(best);
}
/** The name of each argument, without the objects around it, and the key of its value. */
function keysByName(values) {
    return [...values].map(([place, value]) => [place.slice(place.lastIndexOf(".") + 1), keyOf(value)]);
}
/** How well an object fits: 2 for each value under the argument's name, 1 for one elsewhere in it. */
function agreement(row, wanted) {
    const keys = [...row.fields.values()].map(keyOf);
    return sum(wanted.map(([name, key]) => (row.fields.has(name) && keyOf(row.fields.get(name)) === key ? 2 : keys.includes(key) ? 1 : 0)));
}
/** How well the bound values of a call stand together in one object: 3 all, 2 nearly, 1 not; 0 for a single value. */
export function fitOf(values, memory) {
    if (values.size < 2)
        return 0;
    const wanted = keysByName(values);
    const held = wanted.map(([, key]) => memory.rows.get(key) ?? []).filter((rows) => rows.length > 0);
    const rows = held.reduce((fewest, each) => (each.length < fewest.length ? each : fewest), held[0] ?? []);
    const missing = 2 * wanted.length - Math.max(0, ...rows.map((row) => agreement(row, wanted)));
    return missing === 0 ? 3 : missing <= 2 ? 2 : 1;
}
export function sum(numbers) {
    return numbers.reduce((whole, each) => whole + each, 0);
}
