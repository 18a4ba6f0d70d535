/** Reads a bundle: checks its bytes, its head and its tables, and refuses the whole of it by a named error. */
import { createHash } from "node:crypto";
import { canonical, isObject, keyOf, parseJson } from "./json.js";
import { pathText } from "./memory.js";
import { lengthOf } from "./text.js";
import { TRANSFORMS } from "./transforms.js";
const MOST_BYTES = 8 << 20;
const MOST_DEPTH = 16;
const MOST_PARTS = 1_000_000;
const POLICY = /^(?:(?:first|next|recent|fresh) [0-4]|last 0|opening 0)$/;
const DERIVATIONS = new Set(["head_tail", "line_range", "page"]);
const PLACE = /^(?:(?:user|said|host)(?:[~.{[]|$)|arg:|res:|env\.)/;
/** A bundle that is refused; nothing of it is used and nothing of it is quoted. */
export class BundleError extends Error {
    code;
    detail;
    constructor(code, detail) {
        super(`${code}: ${detail}`);
        this.code = code;
        this.detail = detail;
    }
}
/** The bundle in a file's bytes. */
export function readBundle(data) {
    const document = parsed(data);
    checkHead(document);
    try {
        const vectors = plain(document.get("vectors"));
        return { digest: document.get("digest"), patterns: new Tables(document).patterns(), vectors };
    }
    catch (error) {
        if (error instanceof TypeError || error instanceof SyntaxError)
            throw new BundleError("bad_shape", error.name);
        throw error;
    }
}
function parsed(data) {
    if (data.length > MOST_BYTES)
        throw new BundleError("too_large", `more than ${MOST_BYTES} bytes`);
    let text;
    try {
        text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
    }
    catch {
        throw new BundleError("not_json", "no UTF-8");
    }
    bound(text);
    let value;
    try {
        value = parseJson(text);
    }
    catch (error) {
        throw new BundleError("not_json", error instanceof SyntaxError ? error.message : "nested too deeply");
    }
    if (!isObject(value))
        throw new BundleError("bad_shape", "not an object");
    if (canonical(value) !== text)
        throw new BundleError("not_canonical", "the text differs from its canonical form");
    return value;
}
/** Refuses what would cost too much to parse, without parsing it. */
function bound(text) {
    let depth = 0;
    let parts = 0;
    for (const [token] of text.matchAll(/"(?:[^"\\]|\\[^])*"?|[[{\]},]|[0-9]{16,}|[0-9][.eE]/g)) {
        if (token === "[" || token === "{")
            depth += 1;
        if (token === "]" || token === "}")
            depth -= 1;
        if (depth > MOST_DEPTH)
            throw new BundleError("too_deep", `nested deeper than ${MOST_DEPTH}`);
        if ("[{,".includes(token) && ++parts > MOST_PARTS)
            throw new BundleError("too_many", `more than ${MOST_PARTS} parts`);
        if (/^[0-9]/.test(token))
            throw new BundleError("bad_number", "only whole numbers of at most 15 digits are allowed");
    }
}
const KNOWN = new Set([
    ...["digest", "format", "format_version", "requires", "semantics_version"],
    ...["audience", "created_from", "held_back", "metrics", "vectors"],
    ...["strings", "paths", "tools", "forms", "literals", "rules", "looks", "holes", "patterns"],
    ...["candidate_weights", "tool_weights", "state_weights", "successions", "calibration", "gate", "serving"],
]);
/** Tables that a later minor version added. */
const SINCE = new Map([["serving", 1n]]);
const MINOR = 1n;
function checkHead(document) {
    if (document.get("format") !== "miner-bundle")
        throw new BundleError("wrong_format", "not a miner-bundle");
    const version = document.get("format_version");
    const minor = isObject(version) ? version.get("minor") : undefined;
    if (!isObject(version) || version.get("major") !== 1n || typeof minor !== "bigint" || minor < 0n) {
        throw new BundleError("wrong_version", "this reader knows version 1");
    }
    if (document.get("semantics_version") !== 1n)
        throw new BundleError("wrong_version", "this reader knows semantics 1");
    const rest = new Map(document);
    rest.delete("digest");
    const digest = "sha256:" + createHash("sha256").update(canonical(rest), "utf8").digest("hex");
    if (document.get("digest") !== digest)
        throw new BundleError("bad_digest", "the content does not have its digest");
    const known = new Set([...KNOWN].filter((name) => (SINCE.get(name) ?? 0n) <= minor));
    for (const name of known)
        if (!document.has(name))
            throw new BundleError("bad_shape", `without ${name}`);
    for (const name of document.keys()) {
        if (!known.has(name) && minor <= MINOR)
            throw new BundleError("bad_shape", "a name that this version does not have");
    }
    const requires = document.get("requires");
    if (!Array.isArray(requires) || requires.length > 0)
        throw new BundleError("wrong_version", "an unknown feature");
}
/** A value with the plain objects and numbers of this language. */
function plain(value) {
    if (isObject(value))
        return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
    if (Array.isArray(value))
        return value.map(plain);
    return typeof value === "bigint" ? Number(value) : value;
}
/** The tables, whose whole numbers refer to each other. */
class Tables {
    document;
    strings;
    constructor(document) {
        this.document = document;
        this.strings = document.get("strings");
        if (!this.strings.every((text) => typeof text === "string" && lengthOf(text) <= 2_000))
            refuse("strings");
    }
    patterns() {
        const paths = this.rows("paths").map((row) => numbers(row).map((at) => this.text(at)));
        const tools = this.rows("tools").map((row) => this.text(row[0]));
        const literals = new Map(this.rows("literals").map((row) => [this.text(row[0]), numbers(row.slice(1)).map((at) => this.value(at))]));
        const rules = this.rows("rules").map((row) => this.rule(numbers(row)));
        const looks = this.rows("looks").map((row) => this.weights(row));
        const holes = new Map(this.rows("holes").map((row) => [this.text(row[0]), this.hole(row, rules.length, looks)]));
        const fixed = new Set([...literals.values()].flat().map(keyOf));
        const forms = this.rows("forms").map((row) => this.form(numbers(row), paths, tools, holes, fixed));
        return {
            forms,
            literals,
            rules,
            holes,
            contexts: new Map(this.rows("patterns").map((row) => this.context(row, forms.length))),
            candidateWeights: this.weights(plain(this.document.get("candidate_weights"))),
            toolWeights: this.weights(plain(this.document.get("tool_weights"))),
            stateWeights: this.weighted("state_weights"),
            successions: this.weighted("successions"),
            calibration: pairs(numbers(plain(this.document.get("calibration")))),
            gate: Number(this.document.get("gate")),
            serving: this.document.has("serving") ? this.rows("serving").map((row) => this.serving(row)) : [],
        };
    }
    rows(name) {
        const rows = plain(this.document.get(name));
        return Array.isArray(rows) && rows.every(Array.isArray) ? rows : refuse(name);
    }
    text(at) {
        const text = typeof at === "number" ? this.strings[at] : undefined;
        return text ?? refuse("a reference that leads nowhere");
    }
    key(at) {
        const text = this.text(at);
        return text.startsWith("=") ? text.slice(1) : keyOf(parseJson(text));
    }
    value(at) {
        const text = this.text(at);
        return text.startsWith("=") ? text.slice(1) : parseJson(text);
    }
    rule(row) {
        const [hole, source, policy, transform, anchor] = row.slice(0, 5).map((at) => this.text(at));
        if (row.length < 6 || (source === "constant") !== row[5] >= 0)
            refuse("a rule with half a constant");
        if (TRANSFORMS[transform] === undefined)
            throw new BundleError("unknown_transform", "not on the list");
        if (source === "constant" || source === "same" ? policy !== "" : source !== "beside" && !POLICY.test(policy)) {
            throw new BundleError("unknown_policy", "not on the list");
        }
        if (!["constant", "same", "beside"].includes(source) && !PLACE.test(source)) {
            throw new BundleError("unknown_source", "not a place that a session has");
        }
        const options = row.slice(6).map((at) => this.value(at));
        return { hole, source, policy, transform, options, anchor, constant: row[5] < 0 ? "" : this.key(row[5]) };
    }
    hole(row, rules, looks) {
        const chosen = pairs(numbers(row[4]));
        const traits = looks[row[3]] ?? refuse("holes");
        if (!chosen.every(([rule]) => rule >= 0 && rule < rules))
            refuse("holes");
        const after = row[5].map((entry) => [this.text(entry[0]), new Map(pairs(entry.slice(1)))]);
        return {
            rules: chosen.map(([rule]) => rule),
            weights: chosen.map(([, weight]) => weight),
            none: row[2],
            traits,
            after: new Map(after),
            distinct: row[1],
        };
    }
    form(row, paths, tools, holes, fixed) {
        const tool = tools[row[0]] ?? refuse("forms");
        if (row.length === 2 && row[1] === -1)
            return { tool, slots: undefined };
        const slots = pairs(row.slice(1)).map(([path, literal]) => {
            const slot = { path: paths[path] ?? refuse("forms"), literal: literal < 0 ? undefined : this.key(literal) };
            const filled = slot.literal === undefined ? holes.has(tool + pathText(slot.path)) : fixed.has(slot.literal);
            return filled ? slot : refuse("a form that nothing fills");
        });
        return { tool, slots };
    }
    context(row, forms) {
        const pieces = row[1].map((at) => this.text(at));
        const counts = pairs(numbers(row.slice(2)));
        if (counts.length === 0 || !counts.every(([form, count]) => form >= -1 && form < forms && count > 0))
            refuse("patterns");
        const head = this.text(row[0]);
        return [pieces.length > 0 ? `${head} ${pieces.join("|")}` : head, new Map(counts)];
    }
    serving(row) {
        const [tool, broad, derivation, items, characters, fired, right, sessions] = numbers(row.slice(0, 8));
        const [frames, options] = row.slice(8);
        if (row.length !== 10 || !DERIVATIONS.has(this.text(derivation))) {
            throw new BundleError("unknown_derivation", "not on the list");
        }
        if (Math.min(items, characters, fired - right, right, sessions) < 0)
            refuse("serving");
        return {
            tool: this.text(tool),
            broad: this.text(broad),
            derivation: this.text(derivation),
            options: new Map(pairs(numbers(options)).map(([role, value]) => [this.text(role), this.text(value)])),
            frames: numbers(frames).map((at) => this.text(at)),
            whole: [items, characters],
            fired,
            right,
            sessions,
        };
    }
    weighted(name) {
        return new Map(this.rows(name).map((row) => [this.text(row[0]), this.weights(row.slice(1))]));
    }
    weights(row) {
        return new Map(pairs(numbers(row)).map(([at, weight]) => [this.text(at), weight]));
    }
}
function numbers(row) {
    return row.every((item) => Number.isInteger(item)) ? row : refuse("something else than whole numbers");
}
function pairs(row) {
    if (row.length % 2 > 0)
        refuse("half a pair");
    return Array.from({ length: row.length / 2 }, (_, at) => [row[2 * at], row[2 * at + 1]]);
}
function refuse(detail) {
    throw new BundleError("bad_shape", detail);
}
