"""Say what is in a bundle: its figures, its tools, every constant it carries, and whether it predicts as it states."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from miner.cli import console

if TYPE_CHECKING:
    from miner.runtime.bundle import Bundle


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--twin", is_flag=True, help="Print all of it as text.")
@console.json_option
def command(bundle: Path, twin: bool, as_json: bool) -> None:
    """Look into BUNDLE, a file or a run folder, and run its conformance vectors."""
    from miner.cli._bundle import opened
    from miner.errors import MinerError
    from miner.runtime.conformance import failures

    found = opened(bundle)
    wrong = failures(found.model, found.vectors)
    if twin:
        from miner.export.twin import twin_of

        console.say(twin_of(found))
    elif as_json:
        console.say_json(_as_json(found, wrong))
    else:
        _say(found, wrong)
    if wrong:
        raise MinerError(
            f"{len(wrong)} of {len(found.vectors)} conformance vectors come out otherwise here",
            where=str(bundle),
            next_step="export it anew with this version of miner",
        )


def _as_json(found: Bundle, wrong: list[int]) -> dict[str, Any]:
    from miner.export.twin import serving_text

    return {
        "digest": found.digest,
        "format_version": list(found.version),
        "bytes": found.size,
        "audience": found.audience,
        "patterns": found.pattern_count,
        "rules": len(found.patterns.rules),
        "tools": {tool: _forms_of(found, tool) for tool in found.patterns.tools()},
        "serving": [serving_text(rule) for rule in found.patterns.serving],
        "gate": found.patterns.gate / 1e6,
        "created_from": found.created_from,
        "metrics": found.metrics,
        "held_back": found.held_back,
        "constants": [{"where": where, "value": value} for where, value in constants_of(found)],
        "vectors": {"count": len(found.vectors), "failed": wrong},
    }


def _say(found: Bundle, wrong: list[int]) -> None:
    from miner.export.twin import serving_text
    from miner.runtime.bundle_tables import MILLION

    patterns = found.patterns
    reader = "its owner" if found.audience == "private" else "others"
    console.say(found.digest)
    closed = patterns.gate >= MILLION
    starts = "starts no call: no prediction passes its gate" if closed else f"starts calls from {patterns.gate / 1e6:.3f} on"  # fmt: skip  # noqa: E501
    console.say(
        f"{found.pattern_count:,} patterns, {len(patterns.rules):,} argument rules, {console.size(found.size)}; "
        f"for {reader}; {starts}"
    )
    console.say(f"conformance: {len(found.vectors) - len(wrong)} of {len(found.vectors)} vectors come out as stated\n")
    scored = {row[0]: row for row in found.metrics.get("by_tool", [])}
    rows = [
        (tool or "(withheld)", _forms_of(found, tool), *_scores(scored.get(tool)))
        for tool in patterns.tools()
    ]  # fmt: skip
    console.table(("tool", "forms", "held-out calls", "exact top1", "exact top5"), rows, right=(1, 2, 3, 4))
    for rule in patterns.serving:
        console.say(f"serves {serving_text(rule)}; right {rule.right} of {rule.fired} times")
    for what, count in found.held_back.items():
        console.say(f"held back: {what} ({count})")
    constants = list(constants_of(found))
    console.say(f"\n{len(constants)} constants are in it:")
    console.table(("argument", "value"), constants)


def _scores(row: list[Any] | None) -> tuple[object, str, str]:
    if row is None:
        return None, "-", "-"
    return row[1], *(console.share(share / 1e6 if share >= 0 else None) for share in row[2:4])


def _forms_of(found: Bundle, tool: str) -> int:
    return sum(form.tool == tool and form.slots is not None for form in found.patterns.forms)


def constants_of(found: Bundle) -> Iterator[tuple[str, str]]:
    """Every value that stands in the bundle itself, with the argument it is for."""
    from miner.runtime.bundle_writing import value_text
    from miner.runtime.memory import value_key

    shown = {
        (hole, value_text(value_key(value)).removeprefix("="))
        for hole, values in found.patterns.literals.items()
        for value in values
    } | {
        (rule.hole, value_text(rule.constant).removeprefix("="))
        for rule in found.patterns.rules
        if rule.source == "constant"
    }
    yield from sorted(shown)
