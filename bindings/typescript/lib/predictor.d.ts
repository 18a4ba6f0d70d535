/** One session as it unfolds, and the calls that may come next, best first. */
import { Bundle, Patterns, Rule, Slot } from "./bundle.js";
import { Json, JsonObject } from "./json.js";
import { Environment } from "./memory.js";
import { ToolNames } from "./tools.js";
/** A predicted call. */
export interface Speculation {
    readonly tool: string;
    readonly args: JsonObject;
    readonly probability: number;
}
/** A bundle made ready: what is the same for every session. */
export declare class Model {
    readonly patterns: Patterns;
    readonly holeRules: Map<string, Rule[]>;
    readonly literals: Map<string, Json>;
    readonly order: Slot[][];
    readonly general: Map<number, number>;
    readonly names: ToolNames;
    readonly wanted: Set<string>;
    private readonly formIds;
    private readonly literalKeys;
    constructor(bundle: Bundle);
    /** A fresh session. */
    start(environment?: Environment): SessionPredictor;
    /** The number of a call's form; that of the tool's open form, or -2, when it is not known. */
    formOf(tool: string, args: JsonObject): number;
    /** The probability that a raw score stands for. */
    calibrated(raw: number): number;
    private mostTellingFirst;
}
/** Follows one session and predicts at each of its decisions. */
export declare class SessionPredictor {
    private readonly model;
    private readonly memory;
    private readonly binders;
    private readonly setting;
    private readonly running;
    private history;
    private words;
    private asked;
    private said;
    private readonly followed;
    private readonly callOf;
    private readonly bigrams;
    private readonly latest;
    private readonly steps;
    private readonly sweeps;
    constructor(model: Model, environment: Environment);
    /** A decision begins: what is observed from here on is new to it. */
    decisionStarts(): void;
    /** A message: `user`, `host`, or `said` for the model's own text. */
    observeMessage(kind: string, text: string): void;
    /** A call that the model made, with its result as the model saw it. */
    observeCall(tool: string, args: JsonObject, status: string | null, text: string | null): void;
    /** The likeliest calls at this decision, best first, no two the same. */
    predict(most?: number): Speculation[];
    private push;
    private last;
    private moment;
    private contexts;
    /** Probability of each outcome, longest context trusted most. */
    private outcomes;
    /** The chance of each form, and of each tool, at this moment. */
    private meant;
    /** The traits of "no call"; the calls that may come next, with theirs. */
    private candidates;
    /** Adds calls that continue the rhythm of a tool; traits of those calls, by identity. */
    private fromSteps;
    /** The likeliest calls that forms give, best first: chance of the form times chance of its arguments. */
    private fromForms;
    /** The likeliest fillings over all forms, by best-first search: a partial one is never less likely than its completions. */
    private fillings;
    /** The likeliest values of the next hole of a form, once some are bound. */
    private rankedAt;
    private writtenOut;
    /** Adds calls of this session that may come again: what followed this moment before, the usual, the latest. */
    private fromRepeats;
}
