/** How a value seen earlier becomes an argument: a closed list, each total; undefined where it says nothing. */
import { Json } from "./json.js";
export type Apply = (value: Json) => Json | undefined;
type Transform = (value: Json, ...options: Json[]) => Json | undefined;
export declare const TRANSFORMS: Record<string, Transform>;
export {};
