"""A small pattern set that uses every table of a bundle, and the document of its bundle to damage."""

from __future__ import annotations

import json
from typing import Any

from miner.runtime.bundle import bundle_bytes
from miner.runtime.bundle_text import seal
from miner.runtime.forms import Form, Slot
from miner.runtime.patterns import Evidence, Hole, PatternSet
from miner.runtime.rules import Rule
from miner.runtime.serving_rules import ServingRule


def small_patterns() -> PatternSet:
    """``find`` then ``open`` of what was found, with a fixed mode; ``open`` also as an open form, and in parts."""
    rules = [
        Rule("open.path", "res:find.items[].path", "first 0"),
        Rule("open.path", "user~path", "recent 0", "file_path", ("under", "$cwd")),
        Rule("open.path", "constant", constant="docs/index.txt"),
        Rule("find.name", "beside", "res:list\x1fname", "copy", (), ".folder"),
        Rule("find.name", "user~quoted", "first 0", "letter_case", ("lower",)),
        Rule("find.limit", "constant", constant="\x0010"),
        Rule("find.limit", "arg:*.limit", "last 0", "number", ("int", 1)),
    ]
    return PatternSet(
        forms=[
            Form("find", None),
            Form("open", None),
            Form("find", (Slot(("limit",), None), Slot(("name",), None))),
            Form("open", (Slot(("mode",), "text"), Slot(("options", "raw"), "\0true"), Slot(("path",), None))),
        ],
        literals={"open.mode": ["text"], "open.options.raw": [True]},
        rules=rules,
        evidence=[Evidence(10, 8, 5, ["s1 4"]) for _ in rules],
        holes={
            "open.path": Hole([0, 1, 2], [900, 300, -200], 400, {"a0": 120, "u0": -30}, {"find": {0: 500, -1: -90}}, 7),
            "find.name": Hole([3, 4], [100, 200], 0, {}, {}, 3),
            "find.limit": Hole([5, 6], [700, 10], 50, {"a0": 120, "u0": -30}, {}, 2),
        },
        contexts={
            "": {-1: 5, 2: 20, 3: 15, 1: 2},
            "1 user": {2: 18, -1: 2},
            "1 find": {3: 14, 1: 1},
            "4 user|2 ok": {3: 12},
        },
        candidate_weights={"Tfind": 40, "Topen": 60, "f3": 100, "r0": 300},
        state_weights={"": {"": 200, "find": 10}, "1 user": {"find": 500}, "word open": {"open": 90}},
        successions={
            'find [[".name","notes"]]': {
                "": 2,
                '[[["limit"],"+",10],[["name"],"="]]': 4,
                '[[["limit"],"+",".page"],[["name"],":","all"]]': 1,
            }
        },
        calibration=[(1_000, 500), (200_000, 300_000), (900_000, 950_000)],
        gate=600_000,
        seconds={"find": 120, "open": 15},
        serving=[
            ServingRule(
                "open",
                "open",
                "line_range",
                (("count", "limit"), ("first", "offset"), ("lines", "numbered"), ("origin", "1")),
                ("0123456789abcdef",),
                (900, 30_000),
                31,
                30,
                9,
            )
        ],
    )


def document() -> dict[str, Any]:
    """The bundle's document, without its digest."""
    value: dict[str, Any] = json.loads(bundle_bytes(small_patterns()))
    del value["digest"]
    return value


def sealed(value: dict[str, Any]) -> bytes:
    """A damaged document with the right digest, so that the damage itself must be found."""
    return seal({name: item for name, item in value.items() if name != "digest"})
