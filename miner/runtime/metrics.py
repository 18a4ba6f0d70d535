"""Counters of a speculator as Prometheus text, and to OpenTelemetry where it is installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .core import Core, is_speculative

_PREFIX = "miner_speculation"


def prometheus(core: Core) -> str:
    """The text that a Prometheus scrape expects; names and numbers only."""
    with core.lock:
        lines = [
            f"# HELP {_PREFIX}_events_total Entries of the ledger by kind, tool and reason.",
            f"# TYPE {_PREFIX}_events_total counter",
        ]
        lines += [
            f"{_PREFIX}_events_total{{{_labels(kind=kind, tool=tool, reason=reason)}}} {count}"
            for (kind, tool, reason), count in sorted(core.ledger.counts.items())
        ]
        for name, kind, help_text, value in _values(core):
            lines += [f"# HELP {_PREFIX}_{name} {help_text}", f"# TYPE {_PREFIX}_{name} {kind}"]
            lines.append(f"{_PREFIX}_{name} {value:g}")
    return "\n".join(lines) + "\n"


def to_opentelemetry(core: Core) -> bool:
    """Registers the counters with OpenTelemetry's global meter; False where it is not installed."""
    try:
        metrics: Any = importlib.import_module("opentelemetry.metrics")
    except ImportError:
        return False
    meter = metrics.get_meter("miner.runtime")

    def events(_: object) -> Iterable[Any]:
        with core.lock:
            counts = sorted(core.ledger.counts.items())
        return [
            metrics.Observation(count, {"kind": kind, "tool": tool, "reason": reason})
            for (kind, tool, reason), count in counts
        ]

    def observer(name: str) -> Callable[[object], Iterable[Any]]:
        def observe(_: object) -> Iterable[Any]:
            with core.lock:
                return [metrics.Observation(value) for found, _, _, value in _values(core) if found == name]

        return observe

    meter.create_observable_counter("miner.speculation.events", [events], description="Entries of the ledger")
    for name, kind, description, _ in _values(core):
        create = meter.create_observable_counter if kind == "counter" else meter.create_observable_gauge
        create(f"miner.speculation.{name}", [observer(name)], description=description)
    return True


def _values(core: Core) -> Iterator[tuple[str, str, str, float]]:
    """(name, kind, description, value) of everything that is no count of entries."""
    yield "hidden_seconds_total", "counter", "Seconds that agents did not wait.", core.ledger.hidden_s
    yield "wasted_seconds_total", "counter", "Seconds that tools ran for nothing.", core.ledger.wasted_s
    yield "spent_total", "counter", "Money that speculations cost.", core.spent
    running = sum(is_speculative(run) for run in core.runs.values())
    yield "in_flight", "gauge", "Speculations that have not physically ended.", running
    yield "stored_bytes", "gauge", "Bytes of results that wait to be asked for.", core.stored_bytes()
    yield "on", "gauge", "1 while speculations may be launched.", core.mode.value == "on"


def _labels(**labels: str) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(text: str) -> str:
    """A label's value as Prometheus writes it."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
