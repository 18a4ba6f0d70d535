/** Which tool comes next: a conditional logit over the tools that contexts allow, "no call" among them. */
import { sum } from "./binding.js";
import { level, truth } from "./ranking.js";
import { lengthOf, part } from "./text.js";
export const NO_TOOL = "";
export const WORDS_FROM = 1_500;
const STEM = 5;
const SHORTEST = 4;
/** The words of a message, in small letters. */
export function wordsOf(text) {
    return part(text, 0, WORDS_FROM).toLowerCase().match(/[a-z']{2,}/g) ?? [];
}
/** The beginnings of the words of a message that may name a tool. */
export function stems(text) {
    return new Set(wordsOf(text).filter((word) => lengthOf(word) >= SHORTEST).map((word) => part(word, 0, STEM)));
}
/** The words that tools are named with. */
export class ToolNames {
    words;
    own;
    constructor(tools) {
        const stem = (word) => word.toLowerCase().slice(0, STEM);
        this.words = new Map([...tools].map((tool) => [tool, new Set((tool.match(/[A-Z]?[a-z]{3,}|[A-Z]{4,}/g) ?? []).map(stem))]));
        const held = new Map();
        for (const words of this.words.values())
            for (const word of words)
                held.set(word, (held.get(word) ?? 0) + 1);
        this.own = new Map([...this.words].map(([tool, words]) => [tool, new Set([...words].filter((word) => held.get(word) === 1))]));
    }
    /** How a message names a tool: 2 by a word that no other tool has, 1 by a shared one, 0 not at all. */
    named(tool, message) {
        const said = (words) => [...(words ?? [])].some((word) => message.has(word));
        return said(this.own.get(tool)) ? 2 : said(this.words.get(tool)) ? 1 : 0;
    }
}
/** The share of each tool, and of no call, among outcomes. */
export function toolShares(forms, outcomes) {
    const found = new Map([[NO_TOOL, 0]]);
    for (const [outcome, share] of outcomes) {
        const tool = outcome >= 0 ? forms[outcome].tool : NO_TOOL;
        found.set(tool, (found.get(tool) ?? 0) + share);
    }
    return found;
}
/** What is seen of a tool as the next one. */
export function toolTraits(tool, share, named, lately, bigram, made) {
    if (tool === NO_TOOL)
        return [`none ${level(share, 1e-3)}`];
    return [
        `t${level(share, 1e-4)}`,
        named,
        `${named} ${tool}`,
        `T${tool}`,
        `k${Math.min(lately, 3)}`,
        `K${Math.min(bigram, 3)}`,
        `m${truth(made)}`,
        `m${truth(made)} ${tool}`,
    ];
}
/** The probability of each tool. */
export function toolChances(options, moment, patterns) {
    const { toolWeights, stateWeights } = patterns;
    const scores = new Map([...options].map(([tool, traits]) => [tool, sum(traits.map((trait) => toolWeights.get(trait) ?? 0))]));
    for (const trait of moment) {
        for (const [tool, weight] of stateWeights.get(trait) ?? []) {
            if (scores.has(tool))
                scores.set(tool, scores.get(tool) + weight);
        }
    }
    const highest = Math.max(...scores.values());
    const powers = new Map([...scores].map(([tool, score]) => [tool, Math.exp((score - highest) / 1000)]));
    const whole = sum([...powers.values()]);
    return new Map([...powers].map(([tool, power]) => [tool, power / whole]));
}
