/** Conformance: a bundle carries short histories with what every reader must predict after them. */
import { canonical, parseJson } from "./json.js";
const TOLERANCE = 2;
/** The numbers of the vectors for which this reader predicts something else than they state. */
export function failures(model, vectors) {
    return vectors.flatMap((vector, number) => (agrees(model, vector) ? [] : [number]));
}
/** What this reader predicts: tool, arguments as canonical JSON, parts per million. */
export function predicted(model, vector) {
    const session = model.start(vector.environment);
    for (const [kind, ...rest] of vector.events) {
        if (kind === "decision")
            session.decisionStarts();
        else if (kind === "call")
            session.observeCall(rest[0], parseJson(rest[1]), rest[2], rest[3]);
        else
            session.observeMessage(kind, rest[0]);
    }
    return session.predict(5).map(({ tool, args, probability }) => [tool, canonical(args), Math.round(1e6 * probability)]);
}
function agrees(model, vector) {
    const found = predicted(model, vector);
    return (found.length === vector.expected.length &&
        found.every(([tool, args, ppm], at) => {
            const [wantedTool, wantedArgs, wanted] = vector.expected[at];
            return tool === wantedTool && args === wantedArgs && Math.abs(ppm - wanted) <= TOLERANCE;
        }));
}
