/** What is seen of a candidate call, as named traits whose weights mining fitted. */
import { rounded } from "./text.js";
/** What is seen of a candidate call. */
export function candidateTraits({ tool, form, joint, bound }, rank, seen) {
    const traits = [
        `j${level(joint, 1e-5)}`,
        `b${Math.floor(level(bound, 1e-3) / 2)}`,
        `t${Math.floor(level(seen.toolShare, 1e-4) / 2)}`,
        `T${tool}`,
        `r${Math.min(rank, 6)}`,
    ];
    if (seen.repeats > 0) {
        const gap = [1, 3, 8, 20].filter((from) => seen.sinceRepeat >= from).length;
        const times = Math.min(seen.repeats, 3);
        const followed = Math.min(seen.followed, 2);
        traits.push(`R${times} ${gap}`, `S${tool} ${truth(times > 1)}`, `F${followed} ${times}`, `G${tool} ${followed}`);
    }
    else {
        traits.push(`N${tool}`);
    }
    traits.push(`k${Math.min(seen.lately, 4)}`, `K${Math.min(seen.bigram, 4)}`);
    if (form !== undefined)
        traits.push(`f${form}`);
    if (seen.ages.length > 0) {
        const [low, high] = [Math.min(...seen.ages), Math.max(...seen.ages)];
        traits.push(`a${low} ${tool}`, `A${high} ${tool}`, `x${low} ${high}`);
    }
    if (seen.fit > 0)
        traits.push(`q${seen.fit}`, `q${seen.fit} ${tool}`);
    return traits;
}
/** What is seen of "no call", given its chance among the tools. */
export function noneTraits(share, after) {
    return ["none", `none ${level(share, 1e-3)}`, ...after];
}
/** A probability on a logarithmic scale, in half nats. */
export function level(share, floor) {
    return rounded(2 * Math.log(Math.max(share, floor)));
}
/** A truth value as traits spell it. */
export function truth(value) {
    return value ? "True" : "False";
}
