/** What is seen of a candidate call, as named traits whose weights mining fitted. */
interface Ranked {
    readonly tool: string;
    readonly form: number | undefined;
    readonly joint: number;
    readonly bound: number;
}
/** What is seen of a candidate beside itself. */
export interface Seen {
    readonly toolShare: number;
    readonly repeats: number;
    readonly sinceRepeat: number;
    readonly followed: number;
    readonly ages: number[];
    readonly lately: number;
    readonly bigram: number;
    readonly fit: number;
}
/** What is seen of a candidate call. */
export declare function candidateTraits({ tool, form, joint, bound }: Ranked, rank: number, seen: Seen): string[];
/** What is seen of "no call", given its chance among the tools. */
export declare function noneTraits(share: number, after: string[]): string[];
/** A probability on a logarithmic scale, in half nats. */
export declare function level(share: number, floor: number): number;
/** A truth value as traits spell it. */
export declare function truth(value: boolean): string;
export {};
