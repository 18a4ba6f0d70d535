"""Say what changed between two bundles: tools, forms, rules, figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from miner.cli import console

if TYPE_CHECKING:
    from miner.runtime.bundle import Bundle

_MOST = 20


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@console.json_option
def command(before: Path, after: Path, as_json: bool) -> None:
    """Compare two bundles (files or run folders), BEFORE and AFTER."""
    from miner.cli._bundle import opened

    found = _changes(opened(before), opened(after))
    if as_json:
        console.say_json(found)
        return
    console.table(("", "before", "after"), [(name, *pair) for name, pair in found["figures"].items()], right=(1, 2))
    for what in ("tools", "forms", "rules", "serving"):
        for sign, part in (("+", "added"), ("-", "gone")):
            texts = found[what][part]
            for text in texts[:_MOST]:
                console.say(f"{sign} {what.removesuffix('s')} {text}")
            if len(texts) > _MOST:
                console.say(f"{sign} and {len(texts) - _MOST} {what} more")
    if found["same"]:
        console.say("the same bundle")


def _changes(before: Bundle, after: Bundle) -> dict[str, Any]:
    from miner.export.twin import form_text, rule_text, serving_text

    def texts(bundle: Bundle) -> dict[str, set[str]]:
        patterns = bundle.patterns
        return {
            "tools": set(patterns.tools()),
            "forms": {form_text(form) for form in patterns.forms},
            "rules": {f"{rule.hole}: {rule_text(rule)}" for rule in patterns.rules},
            "serving": {serving_text(rule) for rule in patterns.serving},
        }

    old, new = texts(before), texts(after)
    parts = {what: {"added": sorted(new[what] - old[what]), "gone": sorted(old[what] - new[what])} for what in old}
    figures: dict[str, list[Any]] = {
        "bytes": [before.size, after.size],
        "patterns": [before.pattern_count, after.pattern_count],
        "rules": [len(before.patterns.rules), len(after.patterns.rules)],
        "gate": [before.patterns.gate / 1e6, after.patterns.gate / 1e6],
    }
    for name in sorted(before.metrics.keys() | after.metrics.keys()):
        pair = [_share(bundle.metrics.get(name)) for bundle in (before, after)]
        if name not in ("by_tool", "calls", "sessions"):
            figures[name.replace("_", " ")] = pair
    return {"same": before.digest == after.digest, "figures": figures, **parts}


def _share(millionths: object) -> float | None:
    return millionths / 1e6 if isinstance(millionths, int) and millionths >= 0 else None
