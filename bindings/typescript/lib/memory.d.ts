/** What one session has shown so far: a stream of values for each place they come from. */
import { Found, Row } from "./atoms.js";
import { Json, JsonObject } from "./json.js";
/** Entries of the environment that say what runs; they are no values for arguments. */
export declare const SETTING: string[];
export type Environment = Record<string, string>;
export declare function identityOf(tool: string, args: JsonObject): string;
/** The places of an argument object that take a value: objects are entered, lists and scalars are values. */
export declare function leaves(args: JsonObject, path?: string[]): [string[], Json][];
export declare function pathText(path: string[]): string;
/** The values one place has given, newest event last. */
export declare class Stream {
    readonly events: Json[][];
    readonly recent: Map<string, Json>;
    opening: Json;
    add(values: Map<string, Json>): void;
}
/** All streams, rows and calls of one session; `wanted` are the streams that rules read. */
export declare class Memory {
    private readonly wanted;
    readonly streams: Map<string, Stream>;
    readonly rows: Map<string, Row[]>;
    readonly used: Map<string, Map<string, number>>;
    readonly calls: Map<string, number[]>;
    readonly made: {
        tool: string;
        args: JsonObject;
        identity: string;
    }[];
    /** The rows and lists of the newest call's result. */
    given: Found | undefined;
    clock: number;
    private moment;
    private readonly first;
    constructor(environment: Environment, wanted: Set<string>);
    message(speaker: string, text: string): void;
    /** A call with its result as the model saw it; its identity. */
    call(tool: string, args: JsonObject, text: string | null): string;
    mark(): void;
    /** How new a value is: 0 since the mark, 1 little before, 2 recent, 3 old; 9 never seen. */
    age(key: string): number;
    private json;
    private keep;
}
