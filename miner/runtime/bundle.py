"""The bundle: a pattern set on disk, as one canonical JSON file that holds data and nothing else.

``bundle_bytes`` writes it; ``load_bundle`` reads it, from any bytes whatever, and either returns a bundle that a
model can be built from or raises ``BundleError``. docs/bundle.md is the specification for other languages.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .bundle_tables import SINCE, TABLES, patterns_of
from .bundle_text import Limits, has_its_digest, parse, seal
from .bundle_writing import tables_of
from .errors import BundleError
from .model import Model
from .patterns import PatternSet
from .predictor import SessionPredictor
from .serving_rules import Serving

FORMAT = "miner-bundle"
MAJOR, MINOR = 1, 1
"""A reader refuses another major version, and ignores tables that a newer minor version added."""
SEMANTICS = 1
"""What the tables mean: contexts, binding, ranking. Raised when the same tables would predict something else."""
FEATURES: frozenset[str] = frozenset()
"""Optional features that a bundle may require of its reader; none so far."""
_FACTS = ("audience", "created_from", "held_back", "metrics", "vectors")
_HEAD = ("digest", "format", "format_version", "requires", "semantics_version")
_KNOWN = frozenset((*_HEAD, *_FACTS, *TABLES))

__all__ = ["FORMAT", "Bundle", "Limits", "bundle_bytes", "load_bundle"]


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read and checked."""

    patterns: PatternSet
    digest: str
    size: int
    """Bytes."""
    version: tuple[int, int]
    fingerprints: dict[str, str] = field(default_factory=dict)
    """Tool -> digest of the input schema that it was mined with, where that is known."""
    audience: str = "private"
    created_from: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    held_back: dict[str, Any] = field(default_factory=dict)
    """What was left out for privacy or for size, counted."""
    vectors: list[Any] = field(default_factory=list)
    """Histories with the speculations that every reader must give for them."""

    @property
    def pattern_count(self) -> int:
        """Patterns: pairs of a context and a call that may follow it, with the rules that bind its arguments."""
        forms = self.patterns.forms
        return sum(
            form >= 0 and forms[form].slots is not None for counts in self.patterns.contexts.values() for form in counts
        )

    @property
    def tool_seconds(self) -> dict[str, float]:
        """Tool -> how long its calls took in the logs, half of them less."""
        return {tool: milliseconds / 1000 for tool, milliseconds in self.patterns.seconds.items()}

    def start(self, session: str, environment: Mapping[str, str] | None = None) -> SessionPredictor:  # noqa: ARG002
        """What follows one session and predicts its next calls: a bundle is what a speculator predicts with."""
        return SessionPredictor(self.model, environment)

    @functools.cached_property
    def serving(self) -> Serving:
        """Which calls the results of broader ones answer."""
        return Serving(self.patterns.serving)

    @functools.cached_property
    def model(self) -> Model:
        """The pattern set made ready to predict; made when it is first asked for."""
        return Model(self.patterns)


def bundle_bytes(
    patterns: PatternSet,
    *,
    audience: str = "private",
    created_from: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    held_back: Mapping[str, Any] | None = None,
    vectors: Sequence[Any] = (),
    fingerprints: Mapping[str, str] | None = None,
) -> bytes:
    """The file's bytes: the same input gives the same bytes everywhere.

    Raises:
        BundleError: text or numbers that a bundle cannot hold.
    """
    return seal(
        {
            "format": FORMAT,
            "format_version": {"major": MAJOR, "minor": MINOR},
            "semantics_version": SEMANTICS,
            "requires": [],
            "audience": audience,
            "created_from": dict(created_from or {}),
            "metrics": dict(metrics or {}),
            "held_back": dict(held_back or {}),
            "vectors": list(vectors),
            **tables_of(patterns, fingerprints),
        }
    )


def load_bundle(
    source: Path | str | bytes,
    limits: Limits | None = None,
    *,
    public_keys: Sequence[str] = (),
    signature: bytes | None = None,
) -> Bundle:
    """The bundle of a file or of its bytes; nothing happens beside reading.

    Args:
        source: where it is, or what it is.
        limits: how large and deep it may be.
        public_keys: minisign keys, as text; with any, only a bundle that is signed by one of them is read.
        signature: the text of its ``.minisig``; of a file it is looked for beside it.

    Raises:
        BundleError: whatever is wrong with it; ``code`` says what, ``detail`` where, and neither quotes it.
    """
    limits = limits or Limits()
    data = source if isinstance(source, bytes) else _read(Path(source), limits)
    if public_keys:
        _check_signature(source, data, signature, public_keys)
    parsed = parse(data, limits)
    document = parsed.document
    version = _version(document)
    if not has_its_digest(parsed):
        raise BundleError("bad_digest", "the content does not have the digest that it states")
    _check_names(document, version)
    patterns = patterns_of(document)
    strings = document["strings"]
    return Bundle(
        patterns,
        document["digest"],
        len(data),
        version,
        fingerprints={strings[row[0]]: strings[row[1]] for row in document["tools"] if row[1] >= 0},
        **{name: document[name] for name in _FACTS},
    )


def _check_signature(
    source: Path | str | bytes, data: bytes, signature: bytes | None, public_keys: Sequence[str]
) -> None:
    """Before anything is parsed: the bytes are signed by a trusted key, and a missing signature is a wrong one."""
    from .minisign import public_key, verify

    if signature is None and not isinstance(source, bytes):
        try:
            with Path(f"{source}.minisig").open("rb") as file:
                signature = file.read(1 << 14)
        except OSError:
            signature = None
    if signature is None:
        raise BundleError("bad_signature", "there is none")
    verify(data, signature.decode("utf-8", "replace"), [public_key(text) for text in public_keys])


def _read(path: Path, limits: Limits) -> bytes:
    """One byte more than is allowed at most, whatever the file's size."""
    try:
        with path.open("rb") as file:
            return file.read(limits.size + 1)
    except OSError as error:
        raise BundleError("unreadable", error.strerror or type(error).__name__) from None


def _version(document: Mapping[str, Any]) -> tuple[int, int]:
    if document.get("format") != FORMAT:
        raise BundleError("wrong_format", f"not a {FORMAT}")
    stated = document.get("format_version")
    if not isinstance(stated, dict) or set(stated) != {"major", "minor"}:
        raise BundleError("wrong_version", "no version is stated")
    major, minor = stated["major"], stated["minor"]
    if type(major) is not int or type(minor) is not int or major != MAJOR or minor < 0:
        raise BundleError("wrong_version", f"this reader knows version {MAJOR}")
    if document.get("semantics_version") != SEMANTICS:
        raise BundleError("wrong_version", f"this reader knows semantics {SEMANTICS}")
    return major, minor


def _check_names(document: Mapping[str, Any], version: tuple[int, int]) -> None:
    """Everything is there, nothing is there that this version does not have, and facts are of their kind."""
    known = {name for name in _KNOWN if SINCE.get(name, 0) <= version[1]}
    missing = known - document.keys()
    if missing:
        raise BundleError("bad_shape", f"without {min(missing)}")
    if document.keys() - known and version[1] <= MINOR:
        raise BundleError("bad_shape", "a name that this version does not have")
    requires = document["requires"]
    if not isinstance(requires, list) or not all(isinstance(item, str) and item in FEATURES for item in requires):
        raise BundleError("wrong_version", "it requires a feature that this reader does not have")
    kinds = {"audience": str, "created_from": dict, "metrics": dict, "held_back": dict, "vectors": list}
    for name, kind in kinds.items():
        if not isinstance(document[name], kind):
            raise BundleError("bad_shape", name)
