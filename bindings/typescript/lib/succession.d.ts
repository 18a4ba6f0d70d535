/** How a call differs from the call of the same tool before it, as a step that can be taken again. */
import { Json, JsonObject } from "./json.js";
/** The step from one call to the next of the same tool; undefined when they have too little in common. */
export declare function step(before: JsonObject, after: JsonObject): string | undefined;
/** The arguments of the next call when the step is taken from a call; undefined where it does not apply. */
export declare function take(text: string, before: JsonObject): JsonObject | undefined;
/** Puts a value at a path, making the objects on the way. */
export declare function put(args: JsonObject, path: string[], value: Json): void;
/** What the next step depends on: the tool, and those of its arguments that are short words or flags. */
export declare function stateOf(tool: string, args: JsonObject): string;
