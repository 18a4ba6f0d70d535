"""Bundles that are damaged or meant to do harm: each ends in one named refusal, quickly, and in little memory."""

from __future__ import annotations

import copy
import json
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.bundle import Limits, bundle_bytes, load_bundle
from miner.runtime.errors import BundleError
from miner.runtime.predictor import SessionPredictor
from tests.runtime.small_patterns import document, sealed, small_patterns

GOOD = bundle_bytes(small_patterns())
STEP = '[[["limit"],"+",10],[["name"],"="]]'
Change = Callable[[dict[str, Any]], object]


def refusal(data: bytes | Path, limits: Limits | None = None) -> str:
    """The code with which a bundle is refused."""
    with pytest.raises(BundleError) as refused:
        load_bundle(data, limits)
    return refused.value.code


def damaged(change: Change) -> bytes:
    """The small bundle after a change, with a right digest."""
    value = copy.deepcopy(document())
    change(value)
    return sealed(value)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"null", "bad_shape"),
        (b"[]", "bad_shape"),
        (b"{}", "wrong_format"),
        (b'"text"', "bad_shape"),
        (GOOD[:-1], "too_deep"),
        (GOOD + b" ", "not_canonical"),
        (GOOD + GOOD, "not_json"),
        (b" " + GOOD, "not_canonical"),
        (b"\xef\xbb\xbf" + GOOD, "not_json"),
        (GOOD.replace(b":", b": ", 1), "not_canonical"),
        (GOOD.replace(b'"gate":600000', b'"gate":600000,"gate":1'), "not_canonical"),
        (GOOD.replace(b'"gate":600000', b'"gate":600000.0'), "bad_number"),
        (GOOD.replace(b'"gate":600000', b'"gate":6e5'), "bad_number"),
        (GOOD.replace(b'"gate":600000', b'"gate":NaN'), "bad_number"),
        (GOOD.replace(b'"gate":600000', b'"gate":1e999'), "bad_number"),
        (GOOD.replace(b'"gate":600000', b'"gate":-0'), "not_canonical"),
        (GOOD.replace(b'"gate":600000', b'"gate":0600000'), "not_json"),
        (GOOD.replace(b'"gate":600000', b'"gate":' + b"9" * 16), "bad_number"),
        (GOOD.replace(b'"gate":600000', b'"gate":' + b"9" * 100_000), "bad_number"),
        (GOOD.replace(b'"gate":600000', b'"gate":600001'), "bad_digest"),
        (GOOD.replace(b"private", b"\\u0070rivate"), "not_canonical"),
        (b"[" * 1_000_000, "too_deep"),
        (b"[" * 100_000, "too_deep"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b"[]," * 2_000_000, "too_many"),
        (b'"' + b"[" * 1000, "not_json"),
        (b"[" * 17 + b"]" * 17, "too_deep"),
        (b"[" * 16 + b"]" * 16, "bad_shape"),
        (b'"\\', "not_json"),
        (b"]" * 10, "too_deep"),
    ],
)
def test_text_that_is_no_bundle(data: bytes, code: str) -> None:
    """Every way in which bytes fail to be canonical JSON within bounds has its code."""
    assert refusal(data) == code


def _set(*path: Any, to: Any) -> Change:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


def _string(text: str, to: str) -> Change:
    """Replace one string of the table."""
    return lambda value: value["strings"].__setitem__(value["strings"].index(text), to)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_set("format", to="other"), "wrong_format"),
        (_set("format_version", to={"major": 2, "minor": 0}), "wrong_version"),
        (_set("format_version", to={"major": 1}), "wrong_version"),
        (_set("format_version", to={"major": True, "minor": 0}), "wrong_version"),
        (_set("format_version", to=1), "wrong_version"),
        (_set("semantics_version", to=99), "wrong_version"),
        (_set("requires", to=["beams"]), "wrong_version"),
        (_set("extra", to=1), "bad_shape"),
        (lambda value: value.pop("rules"), "bad_shape"),
        (_set("audience", to=1), "bad_shape"),
        (_set("metrics", to=[]), "bad_shape"),
        (_set("strings", to={}), "bad_shape"),
        (_set("strings", 0, to=1), "bad_shape"),
        (_set("strings", 0, to="x" * 10_000), "bad_shape"),
        (_set("rules", to={}), "bad_shape"),
        (_set("rules", 0, to=[]), "bad_shape"),
        (_set("rules", 0, 0, to=-2), "bad_shape"),
        (_set("rules", 0, 0, to=10_000), "bad_shape"),
        (_set("rules", 0, 0, to="0"), "bad_shape"),
        (_set("rules", 0, 0, to=True), "bad_shape"),
        (_set("rules", 0, 0, to=None), "bad_shape"),
        (_set("rules", 2, 5, to=-1), "bad_shape"),
        (_set("rules", 0, 5, to=0), "bad_shape"),
        (lambda value: value["rules"][1].extend([0] * 20), "bad_shape"),
        (_string("file_path", "os.system"), "unknown_transform"),
        (_string("file_path", "__init__"), "unknown_transform"),
        (_string("file_path", "../errors"), "unknown_transform"),
        (lambda value: value["rules"][1].pop(), "accepted"),
        (lambda value: value["rules"][1].__delitem__(slice(6, None)), "bad_shape"),
        (lambda value: value["rules"][0].append(0), "bad_shape"),
        (_string("first 0", "first 99"), "unknown_policy"),
        (_string("first 0", "any"), "unknown_policy"),
        (_string("res:list\x1fname", "name"), "unknown_policy"),
        (_string("user~path", "file:/etc/passwd"), "unknown_source"),
        (_string("10", "1e1"), "bad_shape"),
        (_string("10", "[" * 400 + "]" * 400), "bad_shape"),
        (_string("10", "NaN"), "bad_shape"),
        (_string("10", "not json"), "bad_shape"),
        (_set("holes", 0, 4, 0, to=99), "bad_shape"),
        (lambda value: value["holes"][0][4].append(1), "bad_shape"),
        (_set("holes", 0, 3, to=99), "bad_shape"),
        (_set("holes", 0, 1, to=-1), "bad_shape"),
        (lambda value: value["holes"].clear(), "bad_shape"),
        (lambda value: value["literals"].clear(), "bad_shape"),
        (_set("forms", 2, 0, to=99), "bad_shape"),
        (_set("forms", 2, 1, to=99), "bad_shape"),
        (lambda value: value["forms"][2].append(0), "bad_shape"),
        (lambda value: value["forms"][2].extend(value["forms"][2][1:]), "bad_shape"),
        (_set("paths", 0, to=[]), "bad_shape"),
        (_set("patterns", 0, 3, to=0), "bad_shape"),
        (_set("patterns", 0, 3, to=-5), "bad_shape"),
        (_set("patterns", 0, 2, to=77), "bad_shape"),
        (_set("patterns", 0, 2, to=-2), "bad_shape"),
        (_set("calibration", to=[5, 1, 5, 2]), "bad_shape"),
        (_set("calibration", to=[5, 1]), "accepted"),
        (_set("calibration", to=[1, 9, 5, 2]), "bad_shape"),
        (_set("calibration", to=[1, 2_000_000]), "bad_shape"),
        (_set("calibration", to=[1]), "bad_shape"),
        (_set("gate", to=1_000_001), "bad_shape"),
        (_set("gate", to=-1), "bad_shape"),
        (_set("gate", to="0"), "bad_shape"),
        (_set("successions", 0, 2, to=-1), "bad_shape"),
        (_string(STEP, "[]"), "accepted"),
        (_string(STEP, "[[[],\"=\"]]"), "bad_shape"),
        (_string(STEP, "[[[\"a\"],\"*\"]]"), "bad_shape"),
        (_string(STEP, "[[[\"a\"],\"=\",1]]"), "bad_shape"),
        (_string(STEP, "[[[\"a\"],\"+\",1.5]]"), "bad_shape"),
        (_string(STEP, "[[[\"a\"],\":\",[1]]]"), "bad_shape"),
        (_string(STEP, "[[[\"a\",\"b\"],\"=\"],[[\"a\"],\"=\"]]"), "bad_shape"),
        (_string(STEP, "not json"), "bad_shape"),
        (lambda value: value["candidate_weights"].pop(), "bad_shape"),
        (lambda value: value.pop("serving"), "bad_shape"),
        (_set("serving", to={}), "bad_shape"),
        (_set("serving", 0, to=[]), "bad_shape"),
        (_set("serving", 0, 0, to=-1), "bad_shape"),
        (_set("serving", 0, 0, to=10_000), "bad_shape"),
        (_set("serving", 0, 3, to=True), "bad_shape"),
        (_set("serving", 0, 5, to=29), "bad_shape"),
        (_set("serving", 0, 8, to=[-1]), "bad_shape"),
        (_set("serving", 0, 8, to=[0] * 65), "bad_shape"),
        (_set("serving", 0, 8, to=[]), "accepted"),
        (_set("serving", 0, 9, to=[]), "bad_shape"),
        (_set("serving", 0, 9, to=[0]), "bad_shape"),
        (_set("serving", 0, 9, to=[0, 0, 0, 0]), "bad_shape"),
        (lambda value: value["serving"].extend(value["serving"] * 400), "bad_shape"),
        (_string("line_range", "os.system"), "unknown_derivation"),
        (_string("line_range", "__init__"), "unknown_derivation"),
        (_string("count", "counted"), "accepted"),
        (lambda value: value["state_weights"][0].pop(), "bad_shape"),
    ],
)  # fmt: skip
def test_tables_that_do_not_hold_together(change: Change, code: str) -> None:
    """Every reference, range and name is checked behind a right digest; what is in range is accepted."""
    data = damaged(change)
    if code == "accepted":
        assert load_bundle(data).pattern_count
    else:
        assert refusal(data) == code


def test_arguments_that_collide_are_refused() -> None:
    """A form cannot put a value and an object in the same place."""

    def change(value: dict[str, Any]) -> None:
        step = value["strings"].index("path")
        value["paths"] = [[step] if len(path) > 1 else path for path in value["paths"]]

    assert refusal(damaged(change)) == "bad_shape"


def test_size_is_looked_at_before_anything_else(tmp_path: Path) -> None:
    """A huge file costs no more than what is allowed to be read of it."""
    path = tmp_path / "bundle.json"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    tracemalloc.start()
    assert refusal(path) == "too_large"
    assert tracemalloc.get_traced_memory()[1] < 24 << 20
    tracemalloc.stop()


def test_limits_are_exact() -> None:
    """A bundle of just the allowed size is read, one byte less allowed is not."""
    assert load_bundle(GOOD, Limits(size=len(GOOD)))
    assert refusal(GOOD, Limits(size=len(GOOD) - 1)) == "too_large"


def test_path_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and a folder are refusals as well."""
    assert refusal(tmp_path / "none.json") == "unreadable"
    assert refusal(tmp_path) == "unreadable"


def test_refusal_quotes_nothing() -> None:
    """No text of the bundle gets into an error, but the name of an unknown transform."""
    with pytest.raises(BundleError) as refused:
        load_bundle(damaged(_string("user~path", "SECRET-TEXT")))
    assert "SECRET" not in str(refused.value)


def test_every_flipped_bit_is_noticed() -> None:
    """No single flipped bit, wherever it is, gives another bundle."""
    places = random.Random(1).sample(range(len(GOOD) * 8), 1500)
    for place in places:
        data = bytearray(GOOD)
        data[place // 8] ^= 1 << place % 8
        refusal(bytes(data))


def test_every_cut_is_noticed() -> None:
    """A bundle cut short anywhere is refused."""
    for length in range(0, len(GOOD), 7):
        refusal(GOOD[:length])


NUMBERS = st.integers(-3, 40) | st.integers(-(10**15) + 1, 10**15 - 1)
JUNK = st.recursive(
    NUMBERS | st.text(max_size=8) | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=4)
)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_table_whatever_breaks_loading_or_predicting(data: st.DataObject) -> None:
    """After any changes to the tables, a bundle is refused by name, or predicts without failing."""
    value = json.loads(json.dumps(document()))
    names = [name for name in value if name not in ("format", "format_version", "semantics_version")]
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = value
        step: Any = data.draw(st.sampled_from(names))
        while isinstance(place[step], list) and place[step] and data.draw(st.integers(0, 3)):
            place, step = place[step], data.draw(st.integers(0, len(place[step]) - 1))
        place[step] = data.draw(JUNK)
    try:
        model = load_bundle(sealed(value)).model
    except BundleError:
        return
    predictor = SessionPredictor(model, {"cwd": "/w"})
    for _ in range(2):
        predictor.observe_message("user", 'open "Notes" in docs/a.txt, limit 5')
        predictor.predict()
        predictor.observe_call("find", {"limit": 5, "name": "notes"}, "ok", '{"items": [{"path": "docs/b.txt"}]}')
        assert all(0 <= guess.probability <= 1 for guess in predictor.predict())
