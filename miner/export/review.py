"""review.json: what a person said about argument rules; a rejected rule is not exported.

A rule is known by a digest of what it says, never by its number, so that a verdict outlives mining anew:
``{"format": 1, "rules": {DIGEST: {"hole": …, "rule": …, "verdict": "accepted" | "rejected" | null, "note": …}}}``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from miner.errors import RunFolderError
from miner.export.twin import rule_text
from miner.mining.withhold import compact, keep_rules
from miner.runtime.canonical import canonical
from miner.runtime.patterns import PatternSet
from miner.runtime.rules import Rule

REVIEW = "review.json"
FORMAT = 1
ACCEPTED, REJECTED = "accepted", "rejected"
VERDICTS = (None, ACCEPTED, REJECTED)


class Remark(NamedTuple):
    """What was said about one rule."""

    hole: str
    rule: str
    """The rule in words, for people who read the file."""
    verdict: str | None = None
    note: str = ""


Review = dict[str, Remark]
"""Remarks by the key of their rule."""


def rule_key(rule: Rule) -> str:
    """The name under which a rule is reviewed: the same for the same rule in every run."""
    return hashlib.sha256(canonical([*rule[:4], list(rule.options), *rule[5:]]).encode()).hexdigest()[:20]


def remark(rule: Rule, verdict: str | None, note: str) -> Remark:
    """A remark about a rule, with its words."""
    return Remark(rule.hole, rule_text(rule), verdict, note)


def read_review(run: Path) -> Review:
    """The review of a run folder; empty when nobody has reviewed it.

    Raises:
        RunFolderError: the file is no review: exporting as if nothing had been rejected would be wrong.
    """
    path = run / REVIEW
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise _unusable(path, "is no JSON") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("rules"), dict):
        raise _unusable(path, "is of another version")
    return {key: _remark(path, row) for key, row in found["rules"].items()}


def write_review(run: Path, review: Review) -> None:
    """Write the review whole; remarks that say nothing are left out."""
    kept = {key: one._asdict() for key, one in sorted(review.items()) if one.verdict or one.note}
    text = json.dumps({"format": FORMAT, "rules": kept}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    part = run / (REVIEW + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(run / REVIEW)


def rejected_in(review: Review) -> list[str]:
    """The keys of the rules that were rejected."""
    return sorted(key for key, said in review.items() if said.verdict == REJECTED)


def without_rejected(patterns: PatternSet, review: Review) -> tuple[PatternSet, int]:
    """The pattern set without its rejected rules, and how many there were."""
    unwanted = set(rejected_in(review))
    rejected = {number for number, rule in enumerate(patterns.rules) if unwanted and rule_key(rule) in unwanted}
    if not rejected:
        return patterns, 0
    holes = {
        name: keep_rules(hole, lambda place, rules=tuple(hole.rules): rules[place] not in rejected)  # type: ignore[misc]
        for name, hole in patterns.holes.items()
    }
    return compact(replace(patterns, holes=holes)), len(rejected)


def _remark(path: Path, row: object) -> Remark:
    if not isinstance(row, dict) or row.get("verdict") not in VERDICTS:
        raise _unusable(path, "holds a verdict that is neither accepted nor rejected")
    return Remark(str(row.get("hole", "")), str(row.get("rule", "")), row.get("verdict"), str(row.get("note", "")))


def _unusable(path: Path, why: str) -> RunFolderError:
    return RunFolderError(
        f"the review {why}", where=str(path), next_step="mend it, or move it away to export without a review"
    )
