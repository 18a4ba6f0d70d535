"""Settings of every step, with their defaults, read from TOML.

A step's settings are a frozen dataclass; a field's type is its check: ``Annotated[int, Range(1, 8)]`` bounds a
number, ``Literal`` lists words, ``tuple[str, ...]`` and ``dict[str, tuple[str, ...]]`` hold names. A key that does
not exist is refused with the nearest one that does, so a misspelt threshold never means the default in silence.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import tomllib
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from miner.errors import UsageError


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number, both allowed; None is open."""

    least: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {self.least:g}"
        return f"at most {self.most:g}" if self.least is None else f"between {self.least:g} and {self.most:g}"


Share = Annotated[float, Range(0, 1)]
Count = Annotated[int, Range(1)]
Bytes = Annotated[int, Range(1)]
Seconds = Annotated[float, Range(0)]
Audience = Literal["private", "shared"]
Chosen = TypeVar("Chosen")


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """Log files to events."""

    max_problem_share: Share = 0.05
    """More broken records than this share of all, and ingest fails."""


@dataclass(frozen=True, slots=True)
class MiningSettings:
    """Events to patterns."""

    min_sessions: Count = 2
    """Distinct sessions that must support a pattern."""
    precision: Share = 0.83
    """Share of speculations that must be right at the gate; a higher one starts fewer calls."""
    sample_calls: Count = 20_000
    """Beyond so many calls, rules and calls are weighed on a sample; what is counted before is over all."""
    workers: Annotated[int, Range(0)] = 0
    """Processes that mine; 0 is one for each core. Changes no byte of the patterns."""
    engine: str = "duckdb"
    """Where mining runs: `duckdb`, on this machine, or `spark`. Changes no byte of the patterns."""


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """Held-out sessions to scores."""

    held_out_share: Share = 0.2
    """Of sessions (or tasks), when no test logs are given."""
    resamples: Annotated[int, Range(0)] = 1000
    """Bootstrap samples over sessions behind every interval."""
    ignored_arguments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Tool -> arguments that do not change its result; printed beside the figures."""


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Patterns to a bundle."""

    budget_bytes: Bytes = 1 << 20
    """What the bundle may weigh."""
    audience: Audience = "private"
    """Who will see it: the owner's own runtime, or others, who get no value that only one of their peers had."""


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """Held-out sessions and a bundle to savings."""

    concurrency: Count = 4
    """Speculative calls running at once."""
    min_probability: Share = 0.2
    """Less likely calls are not started."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a run."""

    ingest: IngestSettings = field(default_factory=IngestSettings)
    mining: MiningSettings = field(default_factory=MiningSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    export: ExportSettings = field(default_factory=ExportSettings)
    replay: ReplaySettings = field(default_factory=ReplaySettings)


def load_settings(path: Path | None = None) -> Settings:
    """The settings of a TOML file, defaults where it says nothing; all defaults without a file."""
    return Settings() if path is None else read_settings(Settings, path)


def read_settings(kind: type[Chosen], path: Path) -> Chosen:
    """A TOML file as settings of some kind: those of a run, or a dataclass that adds tables of its own."""
    try:
        with path.open("rb") as stream:
            values = tomllib.load(stream)
    except OSError as error:
        advice = "give the path of a TOML file; `miner settings` prints one to begin with"
        raise UsageError(f"cannot read the settings: {error.strerror}", where=str(path), next_step=advice) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        advice = "mend the file at that place; `miner settings` prints how one looks"
        raise UsageError(f"the settings are not TOML: {error}", where=str(path), next_step=advice) from error
    built: Chosen = _build(kind, values, "", str(path))
    return built


def settings_from(values: Mapping[str, Any], where: str) -> Settings:
    """Settings from nested tables, checked; ``where`` names their origin in errors."""
    built: Settings = _build(Settings, values, "", where)
    return built


def settings_as_dict(settings: Settings) -> dict[str, Any]:
    """Nested plain values, fit for JSON and for ``settings_from``."""
    return dataclasses.asdict(settings)


def _build(kind: type[Any], values: Mapping[str, Any], prefix: str, where: str) -> Any:
    hints = get_type_hints(kind, include_extras=True)
    known = [item.name for item in dataclasses.fields(kind)]
    for key in values:
        if key not in known:
            raise _unknown(key, known, prefix, where)
    return kind(**{key: _checked(hints[key], value, f"{prefix}{key}", where) for key, value in values.items()})


def _unknown(key: str, known: list[str], prefix: str, where: str) -> UsageError:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean {prefix}{near[0]}? " if near else ""
    return UsageError(
        f"there is no setting {prefix}{key}", where=where, next_step=f"{hint}known: {', '.join(sorted(known))}"
    )


def _checked(kind: Any, value: Any, name: str, where: str) -> Any:
    """The value as its type wants it, or a UsageError that names the setting."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise _refused(name, "a table", where)
        return _build(kind, value, f"{name}.", where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _in_range(_checked(inner[0], value, name, where), inner[1:], name, where)
    if origin in (Union, types.UnionType):
        (wanted,) = (option for option in inner if option is not type(None))
        return None if value is None else _checked(wanted, value, name, where)
    if origin is Literal:
        if value not in inner:
            raise _refused(name, "one of " + ", ".join(str(word) for word in inner), where)
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _refused(name, "a list", where)
        return tuple(_checked(inner[0], item, f"{name}[{index}]", where) for index, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise _refused(name, "a table", where)
        return {key: _checked(inner[1], item, f"{name}.{key}", where) for key, item in value.items()}
    return _plain(kind, value, name, where)


def _plain(kind: type[Any], value: Any, name: str, where: str) -> Any:
    """A number, text or yes/no; a whole number may stand for a fraction, and nothing else for anything else."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        words = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
        raise _refused(name, words[kind], where)
    return value


def _in_range(value: Any, notes: tuple[Any, ...], name: str, where: str) -> Any:
    for bounds in notes:
        if isinstance(bounds, Range):
            low = bounds.least is not None and value < bounds.least
            high = bounds.most is not None and value > bounds.most
            if low or high or math.isnan(value):  # TOML knows nan, and no bounds hold it
                raise _refused(name, str(bounds), where)
    return value


def _refused(name: str, wanted: str, where: str) -> UsageError:
    return UsageError(f"the setting {name} must be {wanted}", where=where)
