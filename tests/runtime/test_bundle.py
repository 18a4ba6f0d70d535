"""The bundle: what goes in comes out, the same bytes every time, and the runtime predicts as its vectors state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from miner.runtime.bundle import FORMAT, bundle_bytes, load_bundle
from miner.runtime.conformance import failures, vector_of
from miner.runtime.errors import BundleError
from miner.runtime.patterns import PatternSet
from tests.runtime.small_patterns import document, sealed, small_patterns

ROOT = Path(__file__).parents[2]


def test_what_goes_in_comes_out() -> None:
    """Every table of a pattern set survives the way through bytes; evidence stays at home."""
    patterns = small_patterns()
    found = load_bundle(bundle_bytes(patterns)).patterns
    patterns.evidence = []
    assert found == patterns


def test_copy_is_exact() -> None:
    """Writing what was read gives the same bytes."""
    data = bundle_bytes(small_patterns())
    assert bundle_bytes(load_bundle(data).patterns) == data


def test_same_bytes_whatever_the_hash_seed() -> None:
    """Two interpreters with different hash seeds write the same bytes."""
    program = (
        "import sys; from tests.runtime.small_patterns import bundle_bytes, small_patterns; "
        "sys.stdout.buffer.write(bundle_bytes(small_patterns()))"
    )
    written = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert written == {bundle_bytes(small_patterns())}


def test_order_of_tables_in_memory_does_not_matter() -> None:
    """The same knowledge in another order of insertion is the same bundle."""
    patterns = small_patterns()
    patterns.contexts = dict(reversed(patterns.contexts.items()))
    patterns.candidate_weights = dict(reversed(patterns.candidate_weights.items()))
    patterns.holes = dict(reversed(patterns.holes.items()))
    assert bundle_bytes(patterns) == bundle_bytes(small_patterns())


def test_empty_pattern_set_is_a_bundle() -> None:
    """Nothing learned is nothing predicted, not an error."""
    bundle = load_bundle(bundle_bytes(PatternSet()))
    assert bundle.pattern_count == 0
    assert failures(bundle.model, [vector_of(bundle.model, {}, [["user", "hello"]])]) == []


def test_facts_are_kept() -> None:
    """Audience, origin, figures, what was held back and schema fingerprints come back as they were written."""
    facts = {"created_from": {"inputs": "abc"}, "metrics": {"calls": 3}, "held_back": {"value: email": 1}}
    data = bundle_bytes(small_patterns(), audience="shared", fingerprints={"open": "sha256:1"}, **facts)
    bundle = load_bundle(data)
    assert (bundle.audience, bundle.fingerprints, bundle.size) == ("shared", {"open": "sha256:1"}, len(data))
    assert {name: getattr(bundle, name) for name in facts} == facts


def test_head_names_format_and_version() -> None:
    """Any reader can tell from the head what it has before it."""
    head = json.loads(bundle_bytes(small_patterns()))
    assert (head["format"], head["format_version"]) == (FORMAT, {"major": 1, "minor": 1})


def test_older_minor_version_is_without_what_was_added_later() -> None:
    """A bundle of the first version serves nothing, and must not claim a table that its version does not have."""
    value = {**document(), "format_version": {"major": 1, "minor": 0}}
    with pytest.raises(BundleError, match="does not have"):
        load_bundle(sealed(value))
    del value["serving"]
    bundle = load_bundle(sealed(value))
    assert (bundle.patterns.serving, bool(bundle.serving)) == ([], False)
    assert bundle.pattern_count == load_bundle(bundle_bytes(small_patterns())).pattern_count


def test_newer_minor_version_may_add_tables() -> None:
    """A name that a newer minor version added is ignored; the rest works as before."""
    value = {**document(), "format_version": {"major": 1, "minor": 7}, "beams": [[1, 2]]}
    assert load_bundle(sealed(value)).version == (1, 7)


def test_file_and_bytes_are_the_same(tmp_path: Path) -> None:
    """A path reads as its bytes do."""
    path = tmp_path / "bundle.json"
    path.write_bytes(bundle_bytes(small_patterns()))
    assert load_bundle(path).digest == load_bundle(path.read_bytes()).digest == load_bundle(str(path)).digest


def test_vectors_hold_and_tell_when_they_do_not() -> None:
    """The runtime predicts what a vector states; a vector that states something else is named."""
    model = load_bundle(bundle_bytes(small_patterns())).model
    events = [["decision"], ["user", 'find "Notes" please'], ["decision"]]
    vector = vector_of(model, {"cwd": "/w"}, events)
    first = json.loads(vector["expected"][0][1])
    assert (vector["expected"][0][0], first) == ("find", {"limit": 10, "name": "notes"})
    wrong = {**vector, "expected": [*vector["expected"][1:], ["open", "{}", 1]]}
    assert failures(model, [vector, wrong, vector]) == [1]
