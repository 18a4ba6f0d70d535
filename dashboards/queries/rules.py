"""Argument rules with their evidence and what a person said about them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dashboards.queries.folder import Run
from dashboards.queries.wording import change_words, source_words, which_words
from miner.export.pattern_file import read_patterns
from miner.export.review import read_review, remark, rule_key, write_review
from miner.runtime.patterns import Evidence, PatternSet


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
                    "from": source_words(rule, tools),
                    "which": which_words(rule),
                    "then": change_words(rule),
                    "precision": evidence.right / evidence.fired if evidence.fired else None,
                    "right": evidence.right,
                    "fired": evidence.fired,
                    "sessions": evidence.sessions,
                    "weight": weight / 1000,
                    "verdict": said.verdict if said else None,
                    "note": said.note if said else "",
                    "counter-examples": list(evidence.counter_examples),
                }
            )
    return sorted(
        rows, key=lambda row: (-row["right"], row["tool"], row["argument"], row["from"], row["which"], row["then"])
    )


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
