"""The readable twin of a bundle: the same knowledge as words, for people who want to know what they ship."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from miner.runtime.bundle import Bundle
from miner.runtime.bundle_writing import value_text
from miner.runtime.forms import Form, Slot
from miner.runtime.memory import path_text
from miner.runtime.patterns import NO_CALL, Evidence, Hole, PatternSet
from miner.runtime.rules import Rule
from miner.runtime.serving_rules import ServingRule

MOST_CONTEXTS, MOST_FOLLOWERS, MOST_RULES = 400, 4, 6


def twin_of(bundle: Bundle, evidence: list[Evidence] | None = None) -> str:
    """The twin as text.

    Args:
        bundle: what is shipped.
        evidence: one for each of its rules, where it is known; a bundle itself carries none.
    """
    parts = [_head(bundle), _tools(bundle.patterns, evidence or []), _serving(bundle.patterns)]
    parts.append(_contexts(bundle.patterns))
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(bundle: Bundle) -> Iterator[str]:
    patterns = bundle.patterns
    yield f"bundle {bundle.digest}"
    yield f"  {bundle.size:,} bytes, {bundle.pattern_count:,} patterns, {len(patterns.rules):,} argument rules, "
    yield f"  {len(patterns.tools())} tools; for {'its owner' if bundle.audience == 'private' else 'others'}"
    yield f"  started from a probability of {patterns.gate / 1e6:.3f} on"
    for title, facts in (
        ("made from", bundle.created_from),
        ("held out", bundle.metrics),
        ("held back", bundle.held_back),
    ):
        for name, value in facts.items():
            yield f"  {title}: {name.replace('_', ' ')} {value}"
    yield ""


def _tools(patterns: PatternSet, evidence: list[Evidence]) -> Iterator[str]:
    general = patterns.contexts.get("", {})
    for tool in patterns.tools():
        numbers = [number for number, form in enumerate(patterns.forms) if form.tool == tool]
        yield f"TOOL {tool or '(withheld)'}"
        for number in sorted(numbers, key=lambda number: (-general.get(number, 0), number)):
            yield f"  {general.get(number, 0):>6}x  {form_text(patterns.forms[number])}"
        for name, hole in sorted(patterns.holes.items()):
            if _tool_of(name, patterns) == tool:
                yield f"  {name.removeprefix(tool).lstrip('.')} from"
                yield from (f"      {line}" for line in hole_lines(patterns, hole, evidence))
        yield from _rhythm(patterns, tool)
        yield ""


def _serving(patterns: PatternSet) -> Iterator[str]:
    for rule in patterns.serving:
        yield f"SERVING {serving_text(rule)}"
        yield f"  right {rule.right} of {rule.fired} times in {rule.sessions} sessions"
        yield f"  to the end only from results of at most {rule.whole[0]:,} entries and {rule.whole[1]:,} characters"
    if patterns.serving:
        yield ""


def serving_text(rule: ServingRule) -> str:
    """A serving rule in words: which call is answered from which, and how its arguments are read."""
    broad = "the same call" if rule.broad == rule.tool else f"a call of {rule.broad}"
    options = ", ".join(f"{role} {value}" for role, value in rule.options)
    return f"{rule.tool} with {' or '.join(sorted(rule.reads))} from {broad} without: {rule.derivation} ({options})"


def _rhythm(patterns: PatternSet, tool: str) -> Iterator[str]:
    """How a call of a tool follows from its last one."""
    for state, steps in sorted(patterns.successions.items()):
        if state.partition(" [")[0] == tool:
            whole = sum(steps.values())
            for step, count in sorted(steps.items(), key=lambda item: (-item[1], item[0]))[:MOST_FOLLOWERS]:
                if step:
                    yield f"  after {state}: {step}   {count} of {whole} times"


def hole_lines(patterns: PatternSet, hole: Hole, evidence: list[Evidence]) -> Iterator[str]:
    """The rules of a hole, heaviest first."""
    ranked = sorted(zip(hole.weights, hole.rules, strict=True), key=lambda item: (-item[0], item[1]))
    for weight, number in ranked[:MOST_RULES]:
        known = evidence[number] if number < len(evidence) else None
        seen = f"   right {known.right} of {known.fired} times" if known and known.fired else ""
        yield f"{weight:>6}  {rule_text(patterns.rules[number])}{seen}"
    if len(ranked) > MOST_RULES:
        yield f"        and {len(ranked) - MOST_RULES} more"


def rule_text(rule: Rule) -> str:
    """A rule in words: where the value is from, which one, and what is done to it."""
    if rule.source == "constant":
        return f"always {value_text(rule.constant).removeprefix('=')!r}"
    if rule.source == "beside":
        where, _, field = rule.policy.partition("\x1f")
        text = f"{field} of the row of {where} in which {rule.anchor.lstrip('.')} stands"
    elif rule.source == "same":
        text = f"the value of {rule.anchor.lstrip('.')}"
    else:
        text = f"{rule.policy} of {rule.source}"
    options = " ".join(str(option) for option in rule.options)
    return text if rule.transform == "copy" else f"{text}, {rule.transform} {options}".rstrip()


def form_text(form: Form) -> str:
    """A form as a call: fixed values, and holes as question marks."""
    if form.slots is None:
        return f"{form.tool}(…) with arguments that nothing explains; never started early"
    return f"{form.tool}({', '.join(map(_slot_text, form.slots))})"


def _slot_text(slot: Slot) -> str:
    value = "?" if slot.literal is None else value_text(slot.literal)
    shown = repr(value[1:]) if value.startswith("=") else value
    return f"{path_text(slot.path).lstrip('.')}={shown}"


def context_text(patterns: PatternSet, key: str) -> str:
    """A context in words: the numbers of forms become calls."""
    _, _, rest = key.partition(" ")
    if not rest:
        return "anywhere"
    return " → ".join(piece_text(patterns, piece) for piece in rest.split("|"))


def piece_text(patterns: PatternSet, piece: str) -> str:
    """A signature: a form's number with how the call ended becomes the form."""
    number, _, ended = piece.partition(" ")
    if number.lstrip("-").isdecimal() and ended:
        form = int(number)
        shown = form_text(patterns.forms[form]) if 0 <= form < len(patterns.forms) else "unknown call"
        return shown.partition(" with arguments")[0] + ("" if ended == "ok" else f" ({ended})")
    return {"^": "start", "": "–"}.get(piece, piece)


def _contexts(patterns: PatternSet) -> Iterator[str]:
    ranked = sorted(patterns.contexts.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    for key, counts in ranked[:MOST_CONTEXTS]:
        whole = sum(counts.values())
        yield f"AFTER {context_text(patterns, key)}   ({whole} times)"
        for form, count in _most(counts):
            said = "no call" if form == NO_CALL else form_text(patterns.forms[form])
            yield f"  {100 * count / whole:5.1f} %  {said}"
    if len(ranked) > MOST_CONTEXTS:
        yield f"and {len(ranked) - MOST_CONTEXTS} contexts with less support"


def _most(counts: Mapping[int, int]) -> list[tuple[int, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_FOLLOWERS]


def _tool_of(hole: str, patterns: PatternSet) -> str:
    """The tool a hole belongs to: the longest name that it begins with."""
    return max((tool for tool in patterns.tools() if hole.startswith(tool)), key=len, default="")
