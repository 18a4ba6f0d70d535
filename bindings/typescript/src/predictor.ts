/** One session as it unfolds, and the calls that may come next, best first. */

import { Binder, fitOf, Ranked, sum } from "./binding.js";
import { Bundle, Form, Patterns, Rule, Slot } from "./bundle.js";
import { byCodePoint, Json, JsonObject, keyOf } from "./json.js";
import { Environment, identityOf, leaves, Memory, pathText, SETTING } from "./memory.js";
import { candidateTraits, level, noneTraits, truth } from "./ranking.js";
import { put, stateOf, step, take } from "./succession.js";
import { Sweeps } from "./sweeps.js";
import { lengthOf, strip } from "./text.js";
import { NO_TOOL, stems, toolChances, ToolNames, toolShares, toolTraits, wordsOf } from "./tools.js";

const LEAST_FORM_SHARE = 0.004;
const GENERAL_SHARE = 0.1;
const WIDEST = 12;
const EXPANDED = 80;
const WRITTEN_OUT = 18;
const FROM_FORMS = 16;
const REPEATS = 4;
const STEPPING_TOOLS = 6;
const STEPS = 2;
const HALF = 0.4;
const LATELY = 8;
const HISTORY = 64;
const FAILURES = new Set(["error", "denied", "cancelled", "timeout"]);
const EMPTY = new Set(["", "[]", "{}", "null", "None", '""']);

/** A predicted call. */
export interface Speculation {
  readonly tool: string;
  readonly args: JsonObject;
  readonly probability: number;
}

interface Candidate {
  readonly tool: string;
  readonly args: JsonObject;
  readonly form: number | undefined;
  readonly joint: number;
  readonly bound: number;
  readonly keys: string[];
  readonly fit: number;
}

/** One way to fill a form: its holes in the order in which the model binds them. */
interface Filling {
  readonly joint: number;
  readonly form: number;
  readonly bound: Ranked[];
}

type Signature = [coarse: string, fine: string];

/** A bundle made ready: what is the same for every session. */
export class Model {
  readonly patterns: Patterns;
  readonly holeRules: Map<string, Rule[]>;
  readonly literals = new Map<string, Json>();
  readonly order: Slot[][];
  readonly general = new Map<number, number>();
  readonly names: ToolNames;
  readonly wanted: Set<string>;
  private readonly formIds = new Map<string, number>();
  private readonly literalKeys: Map<string, Set<string>>;

  constructor(bundle: Bundle) {
    const patterns = (this.patterns = bundle.patterns);
    patterns.forms.forEach((form, place) => {
      if (!this.formIds.has(nameOf(form))) this.formIds.set(nameOf(form), place);
    });
    this.literalKeys = new Map([...patterns.literals].map(([hole, values]) => [hole, new Set(values.map(keyOf))]));
    for (const values of patterns.literals.values()) for (const value of values) this.literals.set(keyOf(value), value);
    this.holeRules = new Map([...patterns.holes].map(([name, hole]) => [name, hole.rules.map((at) => patterns.rules[at])]));
    this.wanted = new Set(patterns.rules.map((rule) => rule.source));
    this.names = new ToolNames(new Set(patterns.forms.map(({ tool }) => tool)));
    this.order = patterns.forms.map((form) => this.mostTellingFirst(form));
    const counts = patterns.contexts.get("") ?? new Map<number, number>();
    const whole = sum([...counts.values()]) || 1;
    for (const [outcome, count] of counts) this.general.set(outcome, (GENERAL_SHARE * count) / whole);
  }

  /** A fresh session. */
  start(environment: Environment = {}): SessionPredictor {
    return new SessionPredictor(this, environment);
  }

  /** The number of a call's form; that of the tool's open form, or -2, when it is not known. */
  formOf(tool: string, args: JsonObject): number {
    const open = this.formIds.get(nameOf({ tool, slots: undefined })) ?? -2;
    const slots: Slot[] = [];
    for (const [path, value] of leaves(args).sort(([one], [other]) => byPath(one, other))) {
      const hole = tool + pathText(path);
      const key = keyOf(value);
      if (this.literalKeys.get(hole)?.has(key)) slots.push({ path, literal: key });
      else if (this.holeRules.has(hole)) slots.push({ path, literal: undefined });
      else return open;
    }
    return this.formIds.get(nameOf({ tool, slots })) ?? open;
  }

  /** The probability that a raw score stands for. */
  calibrated(raw: number): number {
    const points = this.patterns.calibration;
    if (points.length === 0) return raw;
    const score = raw * 1e6;
    const at = points.filter(([low]) => low <= score).length;
    if (at === 0) return points[0][1] / 1e6;
    if (at === points.length) return points[at - 1][1] / 1e6;
    const [[low, less], [high, more]] = [points[at - 1], points[at]];
    return (less + ((score - low) / (high - low)) * (more - less)) / 1e6;
  }

  private mostTellingFirst(form: Form): Slot[] {
    const distinct = (slot: Slot) => this.patterns.holes.get(form.tool + pathText(slot.path))!.distinct;
    const holes = (form.slots ?? []).filter((slot) => slot.literal === undefined);
    return holes.sort((one, other) => distinct(other) - distinct(one) || byPath(one.path, other.path));
  }
}

function nameOf(form: Form): string {
  return JSON.stringify([form.tool, form.slots?.map((slot) => [slot.path, slot.literal ?? null]) ?? null]);
}

function byPath(one: string[], other: string[]): number {
  for (let at = 0; at < Math.min(one.length, other.length); at++) {
    const order = byCodePoint(one[at], other[at]);
    if (order !== 0) return order;
  }
  return one.length - other.length;
}

/** Follows one session and predicts at each of its decisions. */
export class SessionPredictor {
  private readonly memory: Memory;
  private readonly binders: Map<string, Binder>;
  private readonly setting: [string, string];
  private readonly running: string[];
  private history: Signature[] = [];
  private words = new Set<string>();
  private asked = new Set<string>();
  private said = new Set<string>();
  private readonly followed = new Map<string, Map<string, number>>();
  private readonly callOf = new Map<string, [string, JsonObject]>();
  private readonly bigrams = new Map<string, Map<string, number>>();
  private readonly latest = new Map<string, JsonObject>();
  private readonly steps = new Map<string, Map<string, number>>();
  private readonly sweeps = new Sweeps();

  constructor(
    private readonly model: Model,
    environment: Environment,
  ) {
    this.memory = new Memory(environment, model.wanted);
    const cwd = environment.cwd ?? "";
    const holes = model.patterns.holes;
    this.binders = new Map([...model.holeRules].map(([name, rules]) => [name, new Binder(name, holes.get(name)!, rules, cwd)]));
    this.setting = [environment.application ?? "", `${environment.agent ?? ""} ${environment.model ?? ""}`];
    this.running = SETTING.filter((name) => environment[name]).map((name) => `${name} ${environment[name]}`);
  }

  /** A decision begins: what is observed from here on is new to it. */
  decisionStarts(): void {
    this.memory.mark();
  }

  /** A message: `user`, `host`, or `said` for the model's own text. */
  observeMessage(kind: string, text: string): void {
    this.memory.message(kind, text);
    if (kind === "user") {
      this.push(["user", "user"]);
      this.words = new Set(wordsOf(text).map((word) => "word " + word));
      this.asked = stems(text);
    } else if (kind === "said") {
      this.said = stems(text);
    } else {
      this.words = new Set();
    }
  }

  /** A call that the model made, with its result as the model saw it. */
  observeCall(tool: string, args: JsonObject, status: string | null, text: string | null): void {
    const [coarse, fine] = this.last();
    this.sweeps.call(tool, args, this.memory);
    const identity = this.memory.call(tool, args, text);
    if (this.memory.given !== undefined) this.sweeps.result(this.memory.given);
    this.callOf.set(identity, [tool, args]);
    count(this.followed, fine, identity);
    count(this.bigrams, coarse, tool);
    const before = this.latest.get(tool);
    this.latest.delete(tool);
    const taken = before && step(before, args);
    if (before !== undefined && taken !== undefined) count(this.steps, stateOf(tool, before), taken);
    this.latest.set(tool, args);
    const ended = endOf(status, text);
    this.push([ended === "ok" ? tool : `${tool} (${ended})`, `${this.model.formOf(tool, args)} ${ended}`]);
    this.words = new Set();
  }

  /** The likeliest calls at this decision, best first, no two the same. */
  predict(most = 5): Speculation[] {
    const { candidateWeights } = this.model.patterns;
    const weigh = (traits: string[]) => sum(traits.map((trait) => candidateWeights.get(trait) ?? 0));
    const [noCall, candidates] = this.candidates();
    const none = weigh(noCall);
    const scored = candidates.map(([candidate, traits]) => ({ candidate, score: weigh(traits) }));
    const highest = Math.max(none, ...scored.map(({ score }) => score));
    const power = (score: number) => Math.exp((score - highest) / 1000);
    const whole = power(none) + sum(scored.map(({ score }) => power(score)));
    return scored
      .sort((one, other) => other.score - one.score)
      .slice(0, most)
      .map(({ candidate: { tool, args }, score }) => ({ tool, args, probability: this.model.calibrated(power(score) / whole) }));
  }

  private push(signature: Signature): void {
    this.history.push(signature);
    if (this.history.length > HISTORY * 2) this.history = this.history.slice(HISTORY);
  }

  private last(): Signature {
    return this.history[this.history.length - 1] ?? ["^", "^"];
  }

  private moment(): string[] {
    const [coarse, fine] = this.last();
    const before = this.history[this.history.length - 2]?.[0] ?? "^";
    const spoke = [...this.history].reverse().findIndex(([each]) => each === "user");
    const since = Math.min(spoke < 0 ? this.history.length : spoke, 6);
    const turns = Math.min(this.history.slice(-60).filter(([each]) => each === "user").length, 6);
    const known = this.model.patterns.stateWeights;
    const words = [...this.words].filter((word) => known.size === 0 || known.has(word));
    return ["", `1 ${fine}`, `2 ${before}|${coarse}`, `since ${since}`, `turn ${turns}`, ...this.running, ...words];
  }

  private contexts(): string[] {
    const padded: Signature[] = [["^", "^"], ["^", "^"], ["^", "^"], ...this.history.slice(-3)];
    const [[coarse3], [coarse2, fine2], [coarse1, fine1]] = padded.slice(-3);
    const [application, agent] = this.setting;
    return [
      "",
      `1 ${coarse1}`,
      `a ${application}|${coarse1}`,
      `2 ${coarse2}|${coarse1}`,
      `3 ${coarse2}|${fine1}`,
      `b ${application}|${agent}|${fine1}`,
      `4 ${fine2}|${fine1}`,
      `5 ${coarse3}|${coarse2}|${fine1}`,
    ];
  }

  /** Probability of each outcome, longest context trusted most. */
  private outcomes(): Map<number, number> {
    const found = new Map<number, number>();
    for (const key of this.contexts()) {
      const seen = this.model.patterns.contexts.get(key);
      if (seen === undefined || seen.size === 0) continue;
      const total = sum([...seen.values()]);
      const escape = seen.size;
      const scale = escape / (total + escape);
      const share = found.size > 0 ? 1 / (total + escape) : 1 / total;
      for (const [outcome, chance] of found) found.set(outcome, chance * scale);
      for (const [outcome, times] of seen) found.set(outcome, (found.get(outcome) ?? 0) + times * share);
    }
    for (const [outcome, chance] of found) found.set(outcome, chance * (1 - GENERAL_SHARE));
    for (const [outcome, share] of this.model.general) found.set(outcome, (found.get(outcome) ?? 0) + share);
    return found;
  }

  /** The chance of each form, and of each tool, at this moment. */
  private meant(): [Map<number, number>, Map<string, number>] {
    const { patterns, names } = this.model;
    const outcomes = this.outcomes();
    const shares = toolShares(patterns.forms, outcomes);
    if (patterns.toolWeights.size === 0) return [outcomes, shares];
    const lately = this.memory.made.slice(-LATELY).map(({ tool }) => tool);
    const [coarse] = this.last();
    const words = coarse === "user" ? "w" : "W";
    const options = new Map<string, string[]>();
    for (const [tool, share] of shares) {
      const named = `${words}${names.named(tool, this.asked)}${names.named(tool, this.said)}`;
      const times = lately.filter((each) => each === tool).length;
      const bigram = this.bigrams.get(coarse)?.get(tool) ?? 0;
      options.set(tool, toolTraits(tool, share, named, times, bigram, this.latest.has(tool)));
    }
    const chances = toolChances(options, this.moment(), patterns);
    for (const [outcome, share] of outcomes) {
      const tool = outcome >= 0 ? patterns.forms[outcome].tool : NO_TOOL;
      outcomes.set(outcome, share * (chances.get(tool)! / shares.get(tool)!));
    }
    return [outcomes, chances];
  }

  /** The traits of "no call"; the calls that may come next, with theirs. */
  private candidates(): [string[], [Candidate, string[]][]] {
    const { memory } = this;
    const [outcomes, tools] = this.meant();
    const found = new Map(this.fromForms(outcomes));
    const steps = this.fromSteps(found);
    for (const { identity, tool, args, traits } of this.sweeps.goOn()) {
      steps.set(identity, [...(steps.get(identity) ?? []), ...traits]);
      if (!found.has(identity)) found.set(identity, formless(tool, args));
    }
    this.fromRepeats(found);
    const [coarse, fine] = this.last();
    const lately = memory.made.slice(-LATELY).map(({ tool }) => tool);
    const after = this.moment().slice(1, 3).map((trait) => trait + "|");
    const listed = [...found].map(([identity, candidate], rank): [Candidate, string[]] => {
      const times = memory.calls.get(identity) ?? [];
      const traits = candidateTraits(candidate, rank, {
        toolShare: tools.get(candidate.tool) ?? 0,
        repeats: times.length,
        sinceRepeat: times.length > 0 ? memory.clock - times[times.length - 1] : 0,
        followed: this.followed.get(fine)?.get(identity) ?? 0,
        ages: candidate.keys.map((key) => memory.age(key)),
        lately: lately.filter((tool) => tool === candidate.tool).length,
        bigram: this.history.length > 0 ? (this.bigrams.get(coarse)?.get(candidate.tool) ?? 0) : 0,
        fit: candidate.fit,
      });
      const follows = after.map((beginning) => beginning + candidate.tool);
      return [candidate, [...traits, ...follows, ...(steps.get(identity) ?? [])]];
    });
    return [noneTraits(tools.get(NO_TOOL)!, after), listed];
  }

  /** Adds calls that continue the rhythm of a tool; traits of those calls, by identity. */
  private fromSteps(found: Map<string, Candidate>): Map<string, string[]> {
    const traits = new Map<string, string[]>();
    for (const [tool, before] of [...this.latest].reverse().slice(0, STEPPING_TOOLS)) {
      const at = stateOf(tool, before);
      const learned = this.model.patterns.successions.get(at) ?? new Map<string, number>();
      const own = this.steps.get(at) ?? new Map<string, number>();
      const worth = (text: string) => -(own.get(text) ?? 0) - (learned.get(text) ?? 0) / 4;
      const ranked = [...new Set([...learned.keys(), ...own.keys()])]
        .filter((text) => text !== "")
        .sort((one, other) => worth(one) - worth(other) || byCodePoint(one, other));
      for (const text of ranked.slice(0, STEPS)) {
        const args = take(text, before);
        if (args === undefined) continue;
        const identity = identityOf(tool, args);
        const byLogs = (learned.get(text) ?? 0) / (sum([...learned.values()]) + 1);
        const bySession = (own.get(text) ?? 0) / (sum([...own.values()]) + 1);
        traits.set(identity, [
          `l${Math.floor(level(byLogs, 0.02) / 2)}`,
          `o${Math.floor(level(bySession, 0.02) / 2)}`,
          `L${tool} ${truth(byLogs > HALF)}`,
          `O${tool} ${truth(bySession > HALF)}`,
        ]);
        if (!found.has(identity)) found.set(identity, formless(tool, args));
      }
    }
    return traits;
  }

  /** The likeliest calls that forms give, best first: chance of the form times chance of its arguments. */
  private fromForms(outcomes: Map<number, number>): [string, Candidate][] {
    const { forms } = this.model.patterns;
    const shares = [...outcomes]
      .filter(([outcome, share]) => share >= LEAST_FORM_SHARE && outcome >= 0 && forms[outcome].slots !== undefined)
      .sort(([one, a], [other, b]) => b - a || one - other);
    const found = new Map<string, Candidate>();
    for (const filling of this.fillings(shares)) {
      const candidate = this.writtenOut(filling, outcomes.get(filling.form)!);
      const identity = identityOf(candidate.tool, candidate.args);
      const known = found.get(identity);
      found.set(identity, known === undefined ? candidate : { ...known, joint: known.joint + candidate.joint });
    }
    return [...found].sort(([one, a], [other, b]) => b.joint - a.joint || byCodePoint(one, other)).slice(0, FROM_FORMS);
  }

  /** The likeliest fillings over all forms, by best-first search: a partial one is never less likely than its completions. */
  private fillings(shares: [number, number][]): Filling[] {
    const { order } = this.model;
    const known = new Map<string, Ranked[]>();
    const waiting: Filling[] = shares.map(([form, share]) => ({ joint: share, form, bound: [] }));
    const found: Filling[] = [];
    const ways = new Map<number, number>();
    for (let looked = 0; looked < EXPANDED && waiting.length > 0 && found.length < WRITTEN_OUT; looked += 1) {
      // Of equals the one that waits longest is the first.
      const at = waiting.reduce((best, each, place) => (each.joint > waiting[best].joint ? place : best), 0);
      const [{ joint, form, bound }] = waiting.splice(at, 1);
      const before = ways.get(form) ?? 0;
      if (before === WIDEST) continue;
      if (bound.length === order[form].length) {
        ways.set(form, before + 1);
        found.push({ joint, form, bound });
        continue;
      }
      for (const one of this.rankedAt(form, bound, known)) {
        waiting.push({ joint: joint * one.chance, form, bound: [...bound, one] });
      }
    }
    return found;
  }

  /** The likeliest values of the next hole of a form, once some are bound. */
  private rankedAt(form: number, bound: Ranked[], known: Map<string, Ranked[]>): Ranked[] {
    const { tool, slots = [] } = this.model.patterns.forms[form];
    const places = this.model.order[form].map((slot) => pathText(slot.path));
    const values = new Map<string, Json>();
    for (const slot of slots) if (slot.literal !== undefined) values.set(pathText(slot.path), this.model.literals.get(slot.literal)!);
    bound.forEach((one, place) => values.set(places[place], one.value));
    const binder = this.binders.get(tool + places[bound.length])!;
    const knownAs = binder.name + binder.anchored(values);
    const ranked = known.get(knownAs) ?? binder.ranked(this.memory, values, this.last()[0], WIDEST);
    known.set(knownAs, ranked);
    return ranked;
  }

  private writtenOut({ joint, form, bound }: Filling, share: number): Candidate {
    const { tool, slots = [] } = this.model.patterns.forms[form];
    const values = new Map<string, Json>();
    this.model.order[form].forEach((slot, place) => values.set(pathText(slot.path), bound[place].value));
    const args: JsonObject = new Map();
    for (const { path, literal } of slots) {
      put(args, path, literal !== undefined ? this.model.literals.get(literal)! : values.get(pathText(path))!);
    }
    return { tool, args, form, joint, bound: joint / share, keys: bound.map(({ key }) => key), fit: fitOf(values, this.memory) };
  }

  /** Adds calls of this session that may come again: what followed this moment before, the usual, the latest. */
  private fromRepeats(found: Map<string, Candidate>): void {
    const followed = this.followed.get(this.last()[1]) ?? new Map<string, number>();
    const { calls, made } = this.memory;
    const often = (times: (identity: string) => number) => (one: string, other: string) =>
      times(other) - times(one) || byCodePoint(one, other);
    const before = [...followed.keys()].sort(often((identity) => followed.get(identity)!)).slice(0, REPEATS);
    const usual = [...calls.keys()].filter((identity) => calls.get(identity)!.length > 1);
    usual.sort(often((identity) => calls.get(identity)!.length));
    const latest = made.slice(-REPEATS).reverse().map(({ identity }) => identity);
    for (const identity of [...before, ...usual.slice(0, REPEATS), ...latest]) {
      if (found.has(identity)) continue;
      const [tool, args] = this.callOf.get(identity)!;
      found.set(identity, formless(tool, args));
    }
  }
}

/** A candidate that no form gives. */
function formless(tool: string, args: JsonObject): Candidate {
  return { tool, args, form: undefined, joint: 0, bound: 0, keys: [], fit: 0 };
}

function endOf(status: string | null, text: string | null): string {
  if (status !== null && FAILURES.has(status)) return "error";
  const nothing = status === "ok" && text !== null && lengthOf(text) < 16 && EMPTY.has(strip(text));
  return nothing ? "empty" : "ok";
}

function count(table: Map<string, Map<string, number>>, at: string, what: string): void {
  const counts = table.get(at) ?? new Map<string, number>();
  table.set(at, counts.set(what, (counts.get(what) ?? 0) + 1));
}
