/** Sweeps: an agent goes through the rows of a result, or the items of a list, one call after the other. */
import { Found } from "./atoms.js";
import { JsonObject } from "./json.js";
import { Memory } from "./memory.js";
/** The call for the row after that of the last call of its tool. */
export interface NextRow {
    readonly identity: string;
    readonly tool: string;
    readonly args: JsonObject;
    readonly traits: string[];
}
/** The rows that one session has shown, and the calls that were taken from them. */
export declare class Sweeps {
    private readonly series;
    private readonly lists;
    private readonly last;
    private readonly came;
    /** A call was made; to be told before the memory takes it in. */
    call(tool: string, args: JsonObject, memory: Memory): void;
    /** The result of a call that was told before. */
    result(given: Found): void;
    /** The calls for the next rows, latest tool first. */
    goOn(): NextRow[];
    /** The row that holds most of a call's values, if it holds more than half of them. */
    private rowOf;
    private itemOf;
    private next;
}
