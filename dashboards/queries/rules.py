"""Argument rules with their evidence and what a person said about them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dashboards.queries.folder import Run
from miner.export.pattern_file import read_patterns
from miner.export.review import read_review, remark, rule_key, write_review
from miner.export.twin import rule_text
from miner.runtime.patterns import Evidence, PatternSet
from miner.runtime.rules import Rule

_TOLD = {"arg": "argument", "res": "result", "user": "a person's message", "said": "the model's words"}


def patterns_of(run: Run) -> PatternSet | None:
    """What was mined; None when mining has not been done.

    Raises:
        RunFolderError: patterns.json is damaged or of another version.
    """
    return read_patterns(run.path / "patterns.json") if "patterns.json" in run.parts else None


def rule_rows(run: Run) -> list[dict[str, Any]]:
    """Every rule that fills a hole, most often right first, with its review."""
    patterns = patterns_of(run)
    if patterns is None:
        return []
    review = read_review(run.path)
    tools = sorted(patterns.tools(), key=len, reverse=True)
    rows = []
    for name, hole in patterns.holes.items():
        tool = next((tool for tool in tools if name.startswith(tool)), "")
        for number, weight in zip(hole.rules, hole.weights, strict=True):
            rule = patterns.rules[number]
            evidence = patterns.evidence[number] if number < len(patterns.evidence) else Evidence()
            said = review.get(rule_key(rule))
            rows.append(
                {
                    "key": rule_key(rule),
                    "tool": tool,
                    "argument": name.removeprefix(tool).lstrip(".") or name,
                    "from": source_of(rule),
                    "rule": rule_text(rule).replace("\x1f", " "),
                    "transform": rule.transform,
                    "fired": evidence.fired,
                    "right": evidence.right,
                    "precision": evidence.right / evidence.fired if evidence.fired else None,
                    "sessions": evidence.sessions,
                    "weight": weight / 1000,
                    "verdict": said.verdict if said else None,
                    "note": said.note if said else "",
                    "counter-examples": list(evidence.counter_examples),
                }
            )
    return sorted(rows, key=lambda row: (-row["right"], row["tool"], row["argument"], row["rule"]))


def source_of(rule: Rule) -> str:
    """Where a rule looks, in words: the tool's result or argument, a person's message, a fixed value."""
    if rule.source in ("constant", "same", "beside"):
        where = rule.policy.partition("\x1f")[0]
        return {"constant": "fixed value", "same": "another argument of the call"}.get(rule.source) or _told(where)
    return _told(rule.source)


def _told(stream: str) -> str:
    kind, _, rest = stream.partition(":")
    if rest:
        place = rest.replace("*", "any tool", 1) if rest.startswith("*") else rest
        return f"{_TOLD.get(kind, kind)} {place}".replace("~", " ⊃ ")
    name, _, shape = stream.partition("~")
    return _TOLD.get(name, name) + (f" ⊃ {shape}" if shape else "")


def source_flows(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """From which source to which argument how many values came right: the parameter-source map."""
    flows: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row["right"]:
            flows[row["from"], f"{row['tool']} · {row['argument']}"] += row["right"]
    ranked = sorted(flows.items(), key=lambda item: (-item[1], item[0]))
    return [{"from": source, "to": argument, "right": right} for (source, argument), right in ranked[:most]]


def save_verdict(run: Run, key: str, verdict: str | None, note: str) -> None:
    """Keep what a person says about a rule, beside the run."""
    patterns = patterns_of(run)
    rule = next((rule for rule in (patterns.rules if patterns else ()) if rule_key(rule) == key), None)
    if rule is not None:
        write_review(run.path, {**read_review(run.path), key: remark(rule, verdict, note)})
