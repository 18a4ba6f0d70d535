"""savings.json -> sections: the bound before anything else, then what would be saved and under what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from miner.evaluation.sections import Section, Table, lasting, percent, with_interval

_BOUND_SHARES = ("share_of_time", "share_of_tool_stall", "share_of_eligible_tool_time")


def simulation(run: object = "RUN") -> str:
    """The command that replays a run whose logs carry no times, with times that are stated."""
    return f"miner replay {run} --think exp:3 --tool exp:1"


def bound_section(bound: Mapping[str, Any], conditions: Mapping[str, Any]) -> Section:
    """What perfect prediction could hide, and what keeps it small."""
    if not bound["serial_s"]:
        untimed = (
            f"These {bound['sessions']} sessions with {bound['calls']} calls hold no usable times, so nothing can be "
            f"said about seconds. State how long thinking and tools take to have them simulated: {simulation()}"
        )
        return Section("What could be hidden at all", [untimed])
    most = max((row["share_of_time"] or 0 for row in bound["horizons"]), default=0)
    words = [
        (
            f"Before any prediction: what could be hidden at all in these {bound['sessions']} sessions "
            f"({bound['calls']} calls, {lasting(bound['serial_s'])} of model and tool time)? With perfect "
            f"prediction and unlimited resources at most {percent(most)} of that time."
        ),
        (
            f"The model thinks for {lasting(bound['think_s'])} and waits {lasting(bound['tool_stall_s'])} for tools. "
            f"The policy ({conditions['policy']}) lets {bound['calls_allowed']} calls run early, with "
            f"{lasting(bound['eligible_tool_s'])} of tool time; {lasting(bound['not_allowed_tool_s'])} may not."
        ),
    ]
    if bound["times_left_out"]:
        left = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in bound["times_left_out"].items())
        words.append(f"Times left out because they cannot be true or are not there: {left}.")
    rows = [
        (row["horizon"], lasting(row["hidden_s"]), *(percent(row[key]) for key in _BOUND_SHARES), _most_saved(row))
        for row in bound["horizons"]
    ]
    headings = ("start as early as", "hidden", "of all time", "of tool waiting", "of allowed tool time", "mostly")
    return Section("What could be hidden at all", words, [Table(headings, list(rows), words=(0, 5))])


def _most_saved(row: Mapping[str, Any]) -> str:
    tools = list(row["hidden_s_by_tool"].items())[:3]
    return ", ".join(f"{tool} {lasting(saved)}" for tool, saved in tools) or "–"


def saved_section(savings: Mapping[str, Any]) -> Section:
    """What each predictor would save."""
    rows = [
        (
            name,
            with_interval(row, "reduction"),
            percent(row["oracle_reduction"]),
            percent(row["share_of_oracle"]),
            f"{row['hits']} + {row['joins']} + {row.get('derived', 0)}",
            f"{row['wasted_calls']} ({lasting(row['wasted_tool_s'])})",
            f"{row['amplification'] or 1:.3f}",
            _before_after(row["session_s"]),
        )
        for name, row in savings["predictors"].items()
    ]
    headings = (
        "predictor",
        "time saved",
        "perfect",
        "of perfect",
        "hits + joins + parts",
        "wasted",
        "amplification",
        "p50 / p95 session",
    )
    if not savings["serial_s"]:
        return Section("What it would save", ["Without times nothing can be said about savings."])
    under = "; ".join(
        f"{key.replace('_', ' ')}: {'no limit' if value is None else value}"
        for key, value in savings["conditions"].items()
    )
    words = [f"Tier: {savings['tier']}. {under}."]
    return Section("What it would save", words, [Table(headings, list(rows))])


def otherwise_section(savings: Mapping[str, Any]) -> Section:
    """Other models, tools and loads, and the controls."""
    if not savings["serial_s"]:
        return Section("When things are different", ["Without times there is nothing to vary."])
    tables: list[Table] = []
    for key, label in (("sensitivity", "change"), ("load", "arrivals")):
        rows = savings.get(key, [])
        if rows:
            columns = [column for column in rows[0] if column != label]
            tables.append(
                Table(
                    (label, *(column.replace("_", " ") for column in columns)),
                    [(row[label], *(_cell(column, row[column]) for column in columns)) for row in rows],
                )
            )
    words = [_controls_said(savings["controls"])] if "controls" in savings else []
    return Section("When things are different", words, tables)


def _controls_said(controls: Mapping[str, Any]) -> str:
    same, wrong = controls["no_speculation"], controls["all_wrong"]
    return (
        f"Without speculation the replay gives the recorded times {'exactly' if same['passed'] else 'NOT exactly'}. "
        f"With every prediction wrong the slowest session loses {wrong['slowest_session_us'] / 1e6:.4f} s, "
        f"{'within' if wrong['passed'] else 'BEYOND'} its bound: {wrong['bound']}."
    )


def _before_after(times: Mapping[str, Any]) -> str:
    if times["before"] is None:
        return "–"
    return " / ".join(f"{times['before'][key]:.0f} → {times['after'][key]:.0f} s" for key in ("p50", "p95"))


def _cell(column: str, value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}" if column.endswith("_s") else percent(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
