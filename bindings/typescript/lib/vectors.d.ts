/** Conformance: a bundle carries short histories with what every reader must predict after them. */
import { Vector } from "./bundle.js";
import { Model } from "./predictor.js";
/** The numbers of the vectors for which this reader predicts something else than they state. */
export declare function failures(model: Model, vectors: Vector[]): number[];
/** What this reader predicts: tool, arguments as canonical JSON, parts per million. */
export declare function predicted(model: Model, vector: Vector): [string, string, number][];
