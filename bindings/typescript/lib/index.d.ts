/** Reads bundles of toolcall-miner and predicts an agent's next tool calls from them. No dependencies. */
export { BundleError, readBundle } from "./bundle.js";
export type { Bundle, Vector } from "./bundle.js";
export { failures } from "./vectors.js";
export { canonical, parseJson } from "./json.js";
export type { Json, JsonObject } from "./json.js";
export { Model, SessionPredictor } from "./predictor.js";
export type { Speculation } from "./predictor.js";
