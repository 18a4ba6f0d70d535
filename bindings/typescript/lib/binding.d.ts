/** The values that the rules of a hole propose now, and how likely each is. */
import { Hole, Rule } from "./bundle.js";
import { Json } from "./json.js";
import { Memory } from "./memory.js";
export interface Ranked {
    readonly chance: number;
    readonly value: Json;
    readonly key: string;
}
/** One hole in one session. */
export declare class Binder {
    readonly name: string;
    private readonly hole;
    private readonly rules;
    private readonly applies;
    private readonly anchors;
    constructor(name: string, hole: Hole, rules: Rule[], cwd: string);
    /** The values of the other holes that the rules read, as text: the same text, the same ranking. */
    anchored(assigned: Map<string, Json>): string;
    /** The likeliest values now, best first; their chances leave room for "none of these". */
    ranked(memory: Memory, assigned: Map<string, Json>, last: string, most: number): Ranked[];
    /** Each distinct value once: of independent rules first, then of those that read other holes. */
    private proposals;
}
/** How well the bound values of a call stand together in one object: 3 all, 2 nearly, 1 not; 0 for a single value. */
export declare function fitOf(values: Map<string, Json>, memory: Memory): number;
export declare function sum(numbers: number[]): number;
