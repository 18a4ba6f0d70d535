"""The TypeScript reader: predicts what the runtime predicts, and refuses what the runtime refuses. Needs Node 20."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest

from miner.runtime.atoms import KINDS
from miner.runtime.bundle import bundle_bytes
from miner.runtime.canonical import canonical
from miner.runtime.conformance import vector_of
from miner.runtime.forms import Form, Slot
from miner.runtime.model import Model
from miner.runtime.patterns import Hole, PatternSet
from miner.runtime.rules import POLICIES, Rule
from tests.integrations.found_files import find_then_open
from tests.runtime.small_patterns import document, sealed, small_patterns

PROGRAM = Path(__file__).parents[2] / "bindings" / "typescript" / "lib" / "conformance.js"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed")

TEXTS = [
    "Please look at order A1B2C3 of x@example.org in docs/notes.txt:42, since May 20th or 2024-05-20 10:00.",
    "Zoë ärgert sich: *wichtig* “Straße” in /home/zoë/Büro.txt\u2028next\x1cline\r\nlast: value;  `code_9` 'a b'",
    'path/to/file.py:12: error\n  37\tdef camelCase(x): return "a"\n- name: *B* \n> total = 17.5 ,\n😀😀 id_42 AB-1-x',
    "see https://example.org/a?b=c). and +1-202-555-0100, v1.2.3, -4, ٣٤ items, raj_sanchez_7340 K1NW8N",
    json.dumps({"items": [{"id": 1, "path": "a/b.txt", "f": 1.0}, {"id": 2, "path": "c.txt", "f": 1e-7}], "n": [1, 2]}),
    '{"a1": {"x": 1e22, "y": -0.0, "z": 123456789012345678901234567890}, "deep": "{\\"inner\\": [true, null]}"}',
    '[1, 2, NaN, Infinity, 1e999, 0.1, 12345678901234567.0, 5e-324, "\\u00e9\\ud83d\\ude00\\u0007"]',
    json.dumps(
        {"legs": [{"at": "a", "to": "b"}, {"at": "b", "to": "a"}, {"at": "a", "to": "c"}], "ids": ["a", "b", 3]}
    ),
    "{not json",
    "x" * 500 + " " + "word " * 3_000 + "tail.txt",
    "",
    "  [] ",
]


def every_kind() -> PatternSet:
    """A hole for every kind of token and place, with every policy and transform among its rules."""
    sources = [
        f"{place}~{kind}"
        for kind in (*KINDS, "quoted", "line_path", "line_number", "X6", "=a9")
        for place in ("user", "res:look")
    ]
    sources += [
        "res:look.items[].id",
        "res:look.items[].path",
        "res:look.items[=]",
        "res:look.n[=]",
        "res:*.path",
        "res:look[=]",
    ]
    sources += [
        "res:look{}",
        "res:look{}.x",
        "res:look{}.y",
        "res:look{}.z",
        "res:look.deep#.inner[]",
        "env.cwd",
        "said~word",
        "user~label:- name",
    ]
    transforms: list[tuple[str, tuple[Any, ...]]] = [
        ("copy", ()), ("letter_case", ("upper",)), ("letter_case", ("title",)), ("number", ("int", 1)),
        ("number", ("text", 0)), ("file_path", ("name",)), ("file_path", ("folder",)), ("file_path", ("stem",)),
        ("file_path", ("under", "$cwd")), ("file_path", ("relative", "$cwd")),
        ("calendar_date", (2024,)), ("calendar_date", ()), ("fields", ("wrap",)),
        ("fields", ("objects", "id", "f")), ("fields", ("values", "path")), ("list_head", (1,)),
        ("split", ("/", 1)), ("split", ("-", -1)), ("template", ("see ", "!")),
        ("web_address", ("plain",)), ("web_address", ("parent",)), ("web_address", ("host",)),
    ]  # fmt: skip
    rules, holes, forms = [], {}, [Form("look", None)]
    for number, source in enumerate(sources):
        name = f"t{number}.at"
        first = len(rules)
        for place in range(6):
            transform, options = transforms[(number + place * 4) % len(transforms)]
            rules.append(Rule(name, source, POLICIES[(number * 3 + place * 5) % len(POLICIES)], transform, options))
        rules.append(Rule(name, source, "recent 0"))
        traits = {"a0": 90, "a9": -70, "s-": 15, "u0": 40, "n2": 33, "s=a_9": 5}
        weights = [700 - 40 * place for place in range(7)]
        holes[name] = Hole(
            [first + place for place in range(7)], weights, 100, traits, {"user": {0: 55, -1: 20}}, number
        )
        forms.append(Form(f"t{number}", (Slot(("at",), None),)))
    anchored = f"t{len(sources)}"
    rules += [
        Rule(f"{anchored}.id", "res:look.items[].id", "next 0"),
        Rule(f"{anchored}.path", "beside", "res:look.items[]\x1fpath", anchor=".id"),
        Rule(f"{anchored}.again", "same", "", "number", ("text", 0), ".id"),
    ]
    for at, key in enumerate(("id", "path", "again"), len(rules) - 3):
        holes[f"{anchored}.{key}"] = Hole([at], [800], 10, {}, {}, 9 if key == "id" else 1)
    forms.append(Form(anchored, tuple(Slot((key,), None) for key in ("again", "id", "path"))))
    return PatternSet(
        forms=forms,
        rules=rules,
        holes=holes,
        contexts={
            "": {form: 1 + form % 7 for form in range(len(forms))},
            "1 user": {3: 4, -1: 1},
            "1 look": {len(forms) - 1: 9},
        },
        candidate_weights={
            "r0": 300,
            "R1 1": 50,
            "j-9": 20,
            "b-1": -15,
            "k1": 9,
            "K0": 4,
            "a0 t3": 70,
            "x0 0": 8,
            "l-4": 30,
            "w0 0": 60,
            "w1 0": 200,
            "w0 1": -80,
            "w True True": 40,
            "w True False": 20,
            "w False True": -20,
            "Wlook True": 90,
        },
        state_weights={"": {"": 200}, "word please": {"t4": 300}, "1 user": {"t2": 120}, "turn 1": {"look": 30}},
        successions={"look []": {"": 3, '[[["page"],"+",1]]': 5}},
        calibration=[(0, 0), (1_000_000, 1_000_000)],
    )


def histories(seed: int, tools: list[str]) -> list[list[Any]]:
    """A made-up session."""
    rng = Random(seed)
    events: list[list[Any]] = []
    for number in range(rng.randint(1, 9)):
        events.append(["decision"])
        if rng.random() < 0.4:
            events.append([rng.choice(["user", "said", "host"]), rng.choice(TEXTS)])
            continue
        arguments = rng.choice(
            [
                {"page": number, "order": "asc", "flag": True, "ratio": 1.5},
                {"page": number, "order": "asc", "flag": True, "ratio": 1.5},
                {"at": "a/b.txt"},
                {"at": rng.choice("ab"), "to": rng.choice("ab"), "wide": True},
                {"one": {"at": rng.choice("abc")}},
            ]
        )
        status = rng.choice(["ok", "ok", "ok", "error", None])
        events.append(["call", rng.choice(tools), canonical(arguments), status, rng.choice([*TEXTS, None])])
    return events


def checked(files: list[Path]) -> list[dict[str, Any]]:
    """What the reader says of each bundle."""
    done = subprocess.run([str(NODE), str(PROGRAM), *map(str, files)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("patterns", [small_patterns, find_then_open, every_kind])
def test_it_predicts_what_the_runtime_predicts(patterns: Any, tmp_path: Path) -> None:
    """In many made-up sessions: every kind of token, policy and transform, odd numbers, and text beyond ASCII."""
    found = patterns()
    model = Model(found)
    tools = ["look", *found.tools()[:3]]
    vectors = [vector_of(model, {"cwd": "/home/zoë", "model": "m"}, histories(seed, tools)) for seed in range(60)]
    assert sum(len(vector["expected"]) for vector in vectors) > 60
    file = tmp_path / "bundle.json"
    file.write_bytes(bundle_bytes(found, vectors=vectors))
    (said,) = checked([file])
    differing = [(vectors[number], said["found"][at]) for at, number in enumerate(said["failed"])]
    assert differing[:1] == []
    assert said["vectors"] == 60


def swept(seed: int) -> list[list[Any]]:
    """A made-up session that goes through rows and lists, with gaps, repeats and values that stand in several."""
    rng = Random(seed)
    events: list[list[Any]] = []
    for _ in range(rng.randint(4, 14)):
        events.append(["decision"])
        rows = [{key: rng.choice([*"abcd", 1, 2, None, 1.0, True]) for key in ("at", "to", "on")} for _ in range(6)]
        result = rng.choice(
            [{"rows": rows}, {"ids": rng.choices([*"abcd", 1, 2, 2.5], k=6)}, rows, ["a", "a", "b", "c"]]
        )
        arguments = rng.choice(
            [
                {key: rng.choice("abcd") for key in rng.choice([("at", "to"), ("at", "to", "on"), ("id",), ("on",)])},
                {"id": rng.choice([1, 2]), "wide": True},
                {"leg": {"at": rng.choice("abcd")}, "to": rng.choice("abcd"), "ratio": 1.5},
            ]
        )
        given = rng.choice([None, "plain text", canonical(result), canonical(result)])
        events.append(["call", rng.choice(["look", "open", "open"]), canonical(arguments), "ok", given])
    return events


def test_it_goes_on_with_a_sweep_as_the_runtime_does(tmp_path: Path) -> None:
    """Where a call was taken from, which row follows, and what is seen of that."""
    weights = {f"w{right} {wrong}": 700 + 90 * right - 70 * wrong for right in range(4) for wrong in range(4)}
    weights |= {"w+1": 300, "w+2": 90, "w+4": 150, "w-1": -120, "w-3": -60, "w-4": 25}
    weights |= {"w True True": 110, "w True False": 60, "w False True": -40, "Wopen True": 130, "Wlook True": -50}
    found = PatternSet(
        forms=[Form("look", None), Form("open", None)], contexts={"": {0: 1, 1: 1}}, candidate_weights=weights
    )
    vectors = [vector_of(Model(found), {}, swept(seed)) for seed in range(300)]
    file = tmp_path / "bundle.json"
    file.write_bytes(bundle_bytes(found, vectors=vectors))
    (said,) = checked([file])
    assert [(vectors[number], said["found"][at]) for at, number in enumerate(said["failed"])][:1] == []


def test_it_refuses_what_the_runtime_refuses(tmp_path: Path) -> None:
    """By the same names, and nothing of a refused bundle is used."""
    good = bundle_bytes(small_patterns())
    bad = {
        "not_json": [b"", b"{", b"\xff"],
        "not_canonical": [good + b"\n", b" " + good],
        "bad_digest": [good.replace(b'"gate":600000', b'"gate":600001')],
        "too_deep": [b'{"a":' + b"[" * 100 + b"]" * 100 + b"}"],
        "bad_number": [b'{"a":1.5}', b'{"a":12345678901234567}'],
        "bad_shape": [b"[]", sealed({**document(), "strings": [1]}), sealed({**document(), "forms": [[99]]})],
        "wrong_format": [b"{}"],
        "wrong_version": [sealed({**document(), "semantics_version": 2}), sealed({**document(), "requires": ["x"]})],
    }
    files, wanted = [], []
    for code, examples in bad.items():
        for data in examples:
            files.append(tmp_path / f"{len(files)}.json")
            files[-1].write_bytes(data)
            wanted.append(code)
    assert [said["refused"] for said in checked(files)] == wanted


def test_it_reads_serving_rules_as_the_runtime_does(tmp_path: Path) -> None:
    """Every part of a rule is there; a bundle of the first version has none, and an unknown derivation is refused."""
    older = {**document(), "format_version": {"major": 1, "minor": 0}}
    claimed = sealed(older)
    del older["serving"]
    strange = document()
    strange["strings"][strange["strings"].index("line_range")] = "os.system"
    documents = [bundle_bytes(small_patterns()), sealed(older), claimed, sealed(strange)]
    for number, data in enumerate(documents):
        (tmp_path / f"{number}.json").write_bytes(data)
    program = (
        'import { readFileSync } from "node:fs";'
        f"import {{ readBundle }} from {json.dumps((PROGRAM.parent / 'index.js').as_uri())};"
        "const show = (_, value) => (value instanceof Map ? Object.fromEntries(value) : value);"
        "for (const path of process.argv.slice(1)) {"
        "  try { console.log(JSON.stringify(readBundle(readFileSync(path)).patterns.serving, show)); }"
        "  catch (error) { console.log(JSON.stringify(error.code)); }"
        "}"
    )
    files = [str(tmp_path / f"{number}.json") for number in range(len(documents))]
    done = subprocess.run(
        [str(NODE), "--input-type=module", "-e", program, *files], capture_output=True, text=True, check=True
    )
    first, *others = map(json.loads, done.stdout.splitlines())
    (rule,) = small_patterns().serving
    assert first == [
        {**asdict(rule), "options": dict(rule.options), "frames": list(rule.frames), "whole": [900, 30_000]}
    ]
    assert others == [[], "bad_shape", "unknown_derivation"]
