/** JSON as bundles mean it: whole numbers and fractions are two types, objects keep their order, text has one form. */
const DEEPEST = 900;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\x00-\x1f]*/y;
const BLANKS = /[ \t\n\r]*/y;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const WRITTEN = { '"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
/** A `bigint` is a whole number, a `number` is a fraction; NaN, infinity and what overflows become null. Throws. */
export function parseJson(text) {
    return new Parser(text).whole();
}
class Parser {
    text;
    at = 0;
    constructor(text) {
        this.text = text;
    }
    whole() {
        const value = this.value(0);
        this.skip(BLANKS);
        if (this.at !== this.text.length)
            throw new SyntaxError(`at character ${this.at}`);
        return value;
    }
    skip(pattern) {
        pattern.lastIndex = this.at;
        const found = pattern.exec(this.text);
        if (found === null)
            throw new SyntaxError(`at character ${this.at}`);
        this.at = pattern.lastIndex;
        return found[0];
    }
    takes(word) {
        if (!this.text.startsWith(word, this.at))
            return false;
        this.at += word.length;
        return true;
    }
    value(depth) {
        if (depth > DEEPEST)
            throw new SyntaxError("nested too deeply");
        this.skip(BLANKS);
        if (this.takes("{"))
            return this.object(depth);
        if (this.takes("["))
            return this.list(depth);
        if (this.takes('"'))
            return this.string();
        if (this.takes("true"))
            return true;
        if (this.takes("false"))
            return false;
        for (const nothing of ["null", "NaN", "Infinity", "-Infinity"])
            if (this.takes(nothing))
                return null;
        NUMBER.lastIndex = this.at;
        const found = NUMBER.exec(this.text);
        if (found === null)
            throw new SyntaxError(`at character ${this.at}`);
        this.at = NUMBER.lastIndex;
        if (found[1] === undefined && found[2] === undefined)
            return BigInt(found[0]);
        const number = Number(found[0]);
        return Number.isFinite(number) ? number : null;
    }
    object(depth) {
        const found = new Map();
        this.skip(BLANKS);
        if (this.takes("}"))
            return found;
        for (;;) {
            this.skip(BLANKS);
            if (!this.takes('"'))
                throw new SyntaxError(`at character ${this.at}`);
            const key = this.string();
            this.skip(BLANKS);
            if (!this.takes(":"))
                throw new SyntaxError(`at character ${this.at}`);
            found.set(key, this.value(depth + 1));
            this.skip(BLANKS);
            if (this.takes("}"))
                return found;
            if (!this.takes(","))
                throw new SyntaxError(`at character ${this.at}`);
        }
    }
    list(depth) {
        const found = [];
        this.skip(BLANKS);
        if (this.takes("]"))
            return found;
        for (;;) {
            found.push(this.value(depth + 1));
            this.skip(BLANKS);
            if (this.takes("]"))
                return found;
            if (!this.takes(","))
                throw new SyntaxError(`at character ${this.at}`);
        }
    }
    string() {
        let found = this.skip(PLAIN);
        while (!this.takes('"')) {
            if (!this.takes("\\"))
                throw new SyntaxError(`at character ${this.at}`);
            const letter = this.text[this.at++];
            if (letter === "u") {
                const digits = this.text.slice(this.at, this.at + 4);
                if (!/^[0-9a-fA-F]{4}$/.test(digits))
                    throw new SyntaxError(`at character ${this.at}`);
                found += String.fromCharCode(parseInt(digits, 16));
                this.at += 4;
            }
            else {
                const plain = ESCAPES[letter];
                if (plain === undefined)
                    throw new SyntaxError(`at character ${this.at}`);
                found += plain;
            }
            found += this.skip(PLAIN);
        }
        return found;
    }
}
/** The one text of a value: keys sorted by code point, no spaces; `1`, `1.0`, `true` and `"1"` all differ. */
export function canonical(value) {
    if (value === null || typeof value === "boolean" || typeof value === "bigint")
        return String(value);
    if (typeof value === "string")
        return quoted(value);
    if (typeof value === "number")
        return fraction(value);
    if (Array.isArray(value))
        return `[${value.map(canonical).join(",")}]`;
    const keys = [...value.keys()].sort(byCodePoint);
    return `{${keys.map((key) => `${quoted(key)}:${canonical(value.get(key))}`).join(",")}}`;
}
function quoted(text) {
    return `"${text.replace(/["\\\x00-\x1f]/g, (letter) => WRITTEN[letter] ?? "\\u" + letter.charCodeAt(0).toString(16).padStart(4, "0"))}"`;
}
/** The shortest text of a fraction, in the form that bundles use: `1.0`, `1e-05`, `1e+16`. */
function fraction(value) {
    if (Object.is(value, -0))
        return "-0.0";
    const [mantissa, power] = value.toExponential().split("e");
    const exponent = Number(power);
    if (value !== 0 && (exponent < -4 || exponent >= 16)) {
        return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
    }
    const text = exponent < 0 ? value.toFixed(Math.min(100, mantissa.replace(/[-.]/g, "").length - 1 - exponent)) : String(value);
    return text.includes(".") ? text : `${text}.0`;
}
/** Orders texts by code point, which differs from the default order beyond the basic plane. */
export function byCodePoint(one, other) {
    const most = Math.min(one.length, other.length);
    for (let at = 0; at < most; at++) {
        let a = one.charCodeAt(at);
        let b = other.charCodeAt(at);
        if (a !== b) {
            if (a >= 0xd800 && b >= 0xd800) {
                a = a >= 0xe000 ? a - 0x800 : a + 0x2000;
                b = b >= 0xe000 ? b - 0x800 : b + 0x2000;
            }
            return a - b;
        }
    }
    return one.length - other.length;
}
/** A text that is equal exactly when two values are, type and all. */
export function keyOf(value) {
    return typeof value === "string" ? value : "\0" + canonical(value);
}
/** The value that a key stands for. */
export function valueOf(key) {
    return key[0] === "\0" ? parseJson(key.slice(1)) : key;
}
export function isObject(value) {
    return value instanceof Map;
}
