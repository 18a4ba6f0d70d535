/** How a value seen earlier becomes an argument: a closed list, each total; undefined where it says nothing. */
import { isObject } from "./json.js";
import { lengthOf, part, strip } from "./text.js";
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH = `(?<month>${MONTHS.join("|")})[a-z]*\\.?`;
const YEAR = "(?:,?\\s+(?<year>\\d{4}))?";
const DATES = [
    `${MONTH}\\s+(?<day>\\d{1,2})(?:st|nd|rd|th)?${YEAR}`,
    `(?<day>\\d{1,2})(?:st|nd|rd|th)?\\s+(?:of\\s+)?${MONTH}${YEAR}`,
    "(?<month>\\d{1,2})/(?<day>\\d{1,2})/(?<year>\\d{4})",
    "(?<year>\\d{4})-(?<month>\\d{2})-(?<day>\\d{2})[T ][^\\n]*",
].map((shape) => new RegExp(`^(?:${shape})$`, "i"));
const LARGEST = 10n ** 15n;
const MOST_ITEMS = 50;
function calendarDate(value, year) {
    if (typeof value !== "string" || lengthOf(value) < 5 || lengthOf(value) > 40)
        return undefined;
    for (const shape of DATES) {
        const found = shape.exec(strip(value))?.groups;
        if (found === undefined)
            continue;
        const named = MONTHS.indexOf(found.month.slice(0, 3).toLowerCase()) + 1;
        const month = named || (/^\d+$/.test(found.month) ? Number(found.month) : 0);
        const day = Number(found.day);
        const full = found.year ? Number(found.year) : typeof year === "bigint" ? Number(year) : undefined;
        if (full !== undefined && month >= 1 && month <= 12 && day >= 1 && day <= 31) {
            return `${padded(full, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
        }
    }
    return undefined;
}
function padded(number, width) {
    return String(number).padStart(width, "0");
}
function fields(value, shape, ...names) {
    if (shape === "wrap")
        return value === null || typeof value === "object" ? undefined : [value];
    if (!Array.isArray(value) || value.length === 0 || value.length > MOST_ITEMS)
        return undefined;
    const found = [];
    for (const item of value) {
        if (!isObject(item) || !names.every((name) => item.has(name)))
            return undefined;
        found.push(shape === "values"
            ? item.get(names[0])
            : new Map(names.map((name) => [name, item.get(name)])));
    }
    return found;
}
function filePath(value, wanted, base = "") {
    if (typeof value !== "string" || typeof base !== "string")
        return undefined;
    if (lengthOf(value) > 1000 || value.includes("\n") || value.includes("://"))
        return undefined;
    if (wanted === "under") {
        if (value === "" || base === "" || /^[/~]/.test(value))
            return undefined;
        return `${base}/${value.startsWith("./") ? value.slice(2) : value}`;
    }
    if (wanted === "relative") {
        const inside = base !== "" && value.startsWith(base + "/") && value.length > base.length + 1;
        return inside ? value.slice(base.length + 1) : undefined;
    }
    const bare = value.replace(/\/+$/, "");
    const at = bare.lastIndexOf("/");
    if (at < 0)
        return wanted === "stem" && part(value, 1).includes(".") ? stem(value) : undefined;
    const name = bare.slice(at + 1);
    if (wanted === "folder")
        return bare.slice(0, at) || undefined;
    if (wanted === "name")
        return name || undefined;
    return part(name, 1).includes(".") ? stem(name) : undefined;
}
function stem(name) {
    return name.slice(0, name.lastIndexOf("."));
}
function letterCase(value, way) {
    if (typeof value !== "string")
        return undefined;
    const titled = () => value.replace(/\p{L}+/gu, (word) => part(word, 0, 1).toUpperCase() + part(word, 1).toLowerCase());
    const changed = way === "lower" ? value.toLowerCase() : way === "upper" ? value.toUpperCase() : titled();
    return changed === value ? undefined : changed;
}
function listHead(value, count) {
    const many = Number(count);
    return Array.isArray(value) && many > 0 && many < value.length ? value.slice(0, many) : undefined;
}
function split(value, sign, place) {
    if (typeof value !== "string" || typeof sign !== "string" || typeof place !== "bigint")
        return undefined;
    if (lengthOf(value) > 300 || sign === "" || !value.includes(sign))
        return undefined;
    const pieces = value.split(sign);
    const piece = pieces.at(Number(place));
    return piece === undefined ? undefined : strip(piece) || undefined;
}
function template(value, before, after) {
    if (typeof value !== "string" || value === "" || lengthOf(value) > 300 || value.includes("\n"))
        return undefined;
    return `${before}${value}${after}`;
}
function webAddress(value, wanted) {
    if (typeof value !== "string" || lengthOf(value) > 2000 || !/^https?:\/\//.test(value))
        return undefined;
    const at = value.indexOf("://");
    const scheme = value.slice(0, at);
    const page = value.slice(at + 3).split("#", 1)[0];
    const plain = page.split("?", 1)[0];
    const slash = plain.indexOf("/");
    const host = slash < 0 ? plain : plain.slice(0, slash);
    const path = slash < 0 ? "" : plain.slice(slash);
    const bare = plain.replace(/\/+$/, "");
    const parts = {
        page: `${scheme}://${page}`,
        plain: `${scheme}://${plain}`,
        bare: `${scheme}://${bare}`,
        site: `${scheme}://${host}`,
        host,
        path,
        parent: path.replace(/\/+$/, "") === "" ? "" : `${scheme}://${bare.slice(0, Math.max(bare.lastIndexOf("/"), 0))}`,
    };
    const found = Object.hasOwn(parts, String(wanted)) ? parts[String(wanted)] : "";
    return found === "" || found === value ? undefined : found;
}
function number(value, form, step) {
    const whole = wholeOf(value);
    if (whole === undefined || typeof step !== "bigint")
        return undefined;
    const isText = typeof value === "string";
    if (form === "int")
        return step !== 0n || isText ? whole + step : undefined;
    return step !== 0n || !isText ? String(whole + step) : undefined;
}
function wholeOf(value) {
    if (typeof value === "bigint")
        return value <= LARGEST && value >= -LARGEST ? value : undefined;
    return typeof value === "string" && value.length <= 15 && /^-?[0-9]+$/.test(value) ? BigInt(value) : undefined;
}
export const TRANSFORMS = {
    calendar_date: calendarDate,
    copy: (value) => value,
    fields,
    file_path: filePath,
    letter_case: letterCase,
    list_head: listHead,
    number,
    split,
    template,
    web_address: webAddress,
};
