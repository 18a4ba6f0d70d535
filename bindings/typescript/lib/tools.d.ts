/** Which tool comes next: a conditional logit over the tools that contexts allow, "no call" among them. */
import { Form, Patterns } from "./bundle.js";
export declare const NO_TOOL = "";
export declare const WORDS_FROM = 1500;
/** The words of a message, in small letters. */
export declare function wordsOf(text: string): string[];
/** The beginnings of the words of a message that may name a tool. */
export declare function stems(text: string): Set<string>;
/** The words that tools are named with. */
export declare class ToolNames {
    private readonly words;
    private readonly own;
    constructor(tools: Iterable<string>);
    /** How a message names a tool: 2 by a word that no other tool has, 1 by a shared one, 0 not at all. */
    named(tool: string, message: Set<string>): number;
}
/** The share of each tool, and of no call, among outcomes. */
export declare function toolShares(forms: Form[], outcomes: Map<number, number>): Map<string, number>;
/** What is seen of a tool as the next one. */
export declare function toolTraits(tool: string, share: number, named: string, lately: number, bigram: number, made: boolean): string[];
/** The probability of each tool. */
export declare function toolChances(options: Map<string, string[]>, moment: string[], patterns: Patterns): Map<string, number>;
