/** Sweeps: an agent goes through the rows of a result, or the items of a list, one call after the other. */
import { isObject, keyOf } from "./json.js";
import { identityOf, leaves } from "./memory.js";
import { truth } from "./ranking.js";
import { lengthOf } from "./text.js";
const ROWS_KEPT = 400;
const LISTS_KEPT = 32;
const ITEMS_LOOKED_AT = 400;
const ROWS_TRIED = 5;
const COUNTED = 4;
const SWEEPS = 6;
const LONGEST = 400;
/** The rows that one session has shown, and the calls that were taken from them. */
export class Sweeps {
    series = new Map();
    lists = new Map();
    last = new Map();
    came = new Map();
    /** A call was made; to be told before the memory takes it in. */
    call(tool, args, memory) {
        const identity = identityOf(tool, args);
        const expected = this.next(tool);
        if (expected !== undefined) {
            const [right, wrong] = this.came.get(tool) ?? [0, 0];
            this.came.set(tool, expected.identity === identity ? [right + 1, wrong] : [right, wrong + 1]);
        }
        const before = this.last.get(tool)?.taken;
        this.last.delete(tool);
        const values = leaves(args).filter(([, value]) => mayStandInARow(value));
        const taken = this.rowOf(values, before, memory);
        this.last.set(tool, { taken, whole: taken?.fields.length === values.length, args, identity });
    }
    /** The result of a call that was told before. */
    result(given) {
        for (const row of given.rows) {
            const series = this.series.get(row.where) ?? { first: 0, rows: [], isList: false };
            this.series.set(row.where, series);
            row.place = series.first + series.rows.length;
            series.rows.push(row.fields);
            if (series.rows.length > 2 * ROWS_KEPT) {
                series.rows.splice(0, ROWS_KEPT);
                series.first += ROWS_KEPT;
            }
        }
        for (const [where, values] of given.lists) {
            const kept = values.slice(0, ITEMS_LOOKED_AT).filter(mayStandInARow);
            this.lists.delete(where);
            this.lists.set(where, { first: 0, rows: kept.map((item) => new Map([["", item]])), isList: true });
            if (this.lists.size > LISTS_KEPT)
                this.lists.delete(this.lists.keys().next().value);
        }
    }
    /** The calls for the next rows, latest tool first. */
    goOn() {
        const latest = [...this.last.keys()].reverse().slice(0, SWEEPS);
        return latest.map((tool) => this.next(tool)).filter((one) => one !== undefined);
    }
    /** The row that holds most of a call's values, if it holds more than half of them. */
    rowOf(values, before, memory) {
        let best = [Math.floor(values.length / 2), values.length, 1, 0];
        let found;
        for (const [, value] of values) {
            for (const row of [...(memory.rows.get(keyOf(value)) ?? [])].reverse()) {
                const source = this.series.get(row.where);
                if (source === undefined)
                    continue;
                const fields = fieldsOf(row, values);
                const named = fields.filter(([path, field]) => path[path.length - 1] === field).length;
                const goesOn = before !== undefined && before.where === row.where && row.place > before.place;
                const worth = [fields.length, named, Number(goesOn), goesOn ? -row.place : 0];
                if (isMore(worth, best)) {
                    best = worth;
                    found = { where: row.where, source, place: row.place, fields };
                }
            }
        }
        return found ?? (values.length === 1 ? this.itemOf(values[0], before) : undefined);
    }
    itemOf([path, value], before) {
        const key = keyOf(value);
        const placeIn = (source, start) => source.rows.findIndex((item, place) => place >= start && keyOf(item.get("")) === key);
        const fields = [[path, ""]];
        if (before?.source.isList) {
            const place = placeIn(before.source, before.place + 1);
            if (place >= 0)
                return { ...before, place, fields };
        }
        for (const [where, source] of [...this.lists].reverse()) {
            const place = placeIn(source, 0);
            if (place >= 0)
                return { where, source, place, fields };
        }
        return undefined;
    }
    next(tool) {
        const { taken, whole, args, identity: before } = this.last.get(tool) ?? {};
        if (taken === undefined)
            return undefined;
        const { source, place, fields } = taken;
        const start = Math.max(0, place + 1 - source.first);
        for (const row of source.rows.slice(start, start + ROWS_TRIED)) {
            const given = fields.map(([path, field]) => [path, row.get(field) ?? null]);
            if (given.some(([, value]) => value === null))
                continue;
            const changed = given.reduce((made, [path, value]) => changedAt(made, path, value), args);
            const identity = identityOf(tool, changed);
            if (identity === before)
                continue;
            const [right, wrong] = this.came.get(tool) ?? [0, 0];
            const traits = [
                `w${Math.min(right, 3)} ${Math.min(wrong, 3)}`,
                ...oneMoreEach("w+", right),
                ...oneMoreEach("w-", wrong),
                `w ${truth(whole)} ${truth(fields.length > 1)}`,
                `W${tool} ${truth(right > wrong)}`,
            ];
            return { identity, tool, args: changed, traits };
        }
        return undefined;
    }
}
function oneMoreEach(mark, times) {
    return Array.from({ length: Math.min(times, COUNTED) }, (_, place) => `${mark}${place + 1}`);
}
function mayStandInARow(value) {
    return typeof value === "string" ? value !== "" && lengthOf(value) <= LONGEST : typeof value === "bigint";
}
function fieldsOf(row, values) {
    const found = [];
    for (const [path, value] of values) {
        const name = path[path.length - 1];
        const field = row.fields.get(name) === value ? name : [...row.fields.keys()].find((each) => row.fields.get(each) === value);
        if (field !== undefined)
            found.push([path, field]);
    }
    return found;
}
function isMore(one, other) {
    const at = one.findIndex((each, place) => each !== other[place]);
    return at >= 0 && one[at] > other[at];
}
function changedAt(args, [key, ...below], value) {
    const inner = args.get(key);
    const changed = below.length > 0 && inner !== undefined && isObject(inner) ? changedAt(inner, below, value) : value;
    return new Map(args).set(key, changed);
}
