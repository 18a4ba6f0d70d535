/** Reads a bundle: checks its bytes, its head and its tables, and refuses the whole of it by a named error. */
import { Json } from "./json.js";
/** A bundle that is refused; nothing of it is used and nothing of it is quoted. */
export declare class BundleError extends Error {
    readonly code: string;
    readonly detail: string;
    constructor(code: string, detail: string);
}
export interface Slot {
    readonly path: string[];
    /** Key of a fixed value; undefined for a hole. */
    readonly literal: string | undefined;
}
export interface Form {
    readonly tool: string;
    /** Undefined for the open form. */
    readonly slots: Slot[] | undefined;
}
export interface Rule {
    readonly hole: string;
    readonly source: string;
    readonly policy: string;
    readonly transform: string;
    readonly options: Json[];
    readonly anchor: string;
    readonly constant: string;
}
export interface Hole {
    readonly rules: number[];
    readonly weights: number[];
    readonly none: number;
    readonly traits: Map<string, number>;
    readonly after: Map<string, Map<number, number>>;
    readonly distinct: number;
}
/** How the results of a broader call answer narrower ones. Read and shown; deriving is the runtime's. */
export interface ServingRule {
    readonly tool: string;
    readonly broad: string;
    readonly derivation: string;
    readonly options: Map<string, string>;
    readonly frames: string[];
    /** Most entries and characters of a broader result that was certainly whole. */
    readonly whole: [number, number];
    readonly fired: number;
    readonly right: number;
    readonly sessions: number;
}
export interface Vector {
    readonly environment: Record<string, string>;
    readonly events: (string | null)[][];
    readonly expected: [string, string, number][];
}
export interface Patterns {
    readonly forms: Form[];
    readonly literals: Map<string, Json[]>;
    readonly rules: Rule[];
    readonly holes: Map<string, Hole>;
    readonly contexts: Map<string, Map<number, number>>;
    readonly candidateWeights: Map<string, number>;
    readonly toolWeights: Map<string, number>;
    readonly stateWeights: Map<string, Map<string, number>>;
    readonly successions: Map<string, Map<string, number>>;
    readonly calibration: [number, number][];
    /** Least probability, in parts per million, at which a speculation is worth starting. */
    readonly gate: number;
    /** Empty in bundles of format version 1.0. */
    readonly serving: ServingRule[];
}
export interface Bundle {
    readonly digest: string;
    readonly patterns: Patterns;
    readonly vectors: Vector[];
}
/** The bundle in a file's bytes. */
export declare function readBundle(data: Uint8Array): Bundle;
