/** What in a message, a result or an argument may later become an argument: leaves of JSON, tokens of text. */
import { Json, JsonObject } from "./json.js";
/** Where in its event, and the value. */
export type Atom = [string, Json];
/** What a token looks like, from one to two ways. */
export declare function shapes(token: string): string[];
/** Tokens of a text with their kind, in order of kind group, each group in order of place. */
export declare function textAtoms(whole: string, words?: boolean): Atom[];
/** The object or list that a text is, or undefined. */
export declare function asJson(text: string): JsonObject | Json[] | undefined;
/** The scalar fields of one JSON object, and the object around it. */
export declare class Row {
    readonly where: string;
    readonly parent: Row | undefined;
    readonly fields: Map<string, Json>;
    /** Its number among the rows of its place. */
    place: number;
    constructor(where: string, parent: Row | undefined);
}
/** Leaves by path with indices left out, keys that are values, small lists whole; the rows they stand in, and lists. */
export declare function jsonAtoms(value: Json, where: string): Found;
export interface Found {
    readonly atoms: Atom[];
    readonly rows: Row[];
    /** Place of the items, and the list: one that begins with a text or a whole number. */
    readonly lists: [string, Json[]][];
}
