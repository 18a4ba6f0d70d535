"""Say what speculation would have hidden and wasted in a run's held-out sessions; the bound comes first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from miner.cli import console


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--settings", type=click.Path(path_type=Path), help="TOML file with settings.")
@click.option("--split", help="given, session, time or source; by default as given, else by session.")
@click.option("--predictor", "names", multiple=True, help="Replay only these; may be given several times.")
@click.option(
    "--policy", type=click.Path(path_type=Path), help="JSON file with a policy, in place of the starter policy."
)
@click.option("--allow", multiple=True, help="A tool that may run early; may be given several times.")
@click.option("--tools", "lists", multiple=True, metavar="[PREFIX=]FILE", help="A server's list of tools, whose annotations lower the policy as they do in `miner proxy`; PREFIX stands before their names in the logs. May be given again.")  # fmt: skip  # noqa: E501
@click.option("--assume-read-only", is_flag=True, help="Also allow tools that the log itself marks as read-only.")
@click.option("--capacity", type=click.IntRange(1), help="Calls the host can run at once, real ones included.")
@click.option(
    "--think", help="Think time where the log has none: const:S, exp:MEAN, uniform:LOW,HIGH, lognormal:MEDIAN,SIGMA."
)
@click.option("--tool", help="Tool time where the log has none, in the same words.")
@click.option("--cap", "cap_s", type=click.FloatRange(0), default=120.0, show_default=True, help="Log-line times above this many seconds are left out as probable waits for a person.")  # fmt: skip  # noqa: E501
@click.option("--seed", type=int, default=1, show_default=True)
@console.json_option
def command(run: Path, as_json: bool, **options: Any) -> None:
    """Replay a RUN folder's held-out sessions with their recorded times; writes savings.json and the report."""
    from miner.evaluation.run_folder import write_result

    found = _replayed(run, options)
    write_result(run, "savings.json", found)
    if as_json:
        console.say_json(found)
    else:
        _say(run, found)


def _replayed(run: Path, options: dict[str, Any]) -> dict[str, Any]:
    from miner.evaluation.parts import parts_of
    from miner.evaluation.replay.permits import default_permits, permits_from
    from miner.evaluation.replay.savings import ReplayOptions, savings
    from miner.evaluation.run_folder import REPLAYED, fitted_predictors, open_store
    from miner.export.tools import annotations_in, placed
    from miner.runtime.budget import Budget
    from miner.settings import load_settings

    settings = load_settings(options["settings"])
    budget = Budget(
        in_flight=settings.replay.concurrency,
        capacity=options["capacity"],
        min_probability=settings.replay.min_probability,
    )
    with open_store(run) as store:
        parts = parts_of(store, options["split"], settings.evaluation.held_out_share)
        if options["policy"]:
            permits = permits_from(options["policy"], options["allow"], assume_read_only=options["assume_read_only"])
        else:
            permits = default_permits(store.sessions(), options["allow"], assume_read_only=options["assume_read_only"])
        for given in options["lists"]:
            permits = permits.lowered(annotations_in(*placed(given)))
        predictors = fitted_predictors(
            run, parts.train, options["names"] or REPLAYED, anew=options["split"] is not None
        )
        fitted = {name: one.predictor for name, one in predictors.items()}
        chosen = ReplayOptions(budget, options["cap_s"], _assumed(options), options["seed"])
        return savings(parts.train, parts.test, fitted, permits, chosen)


def _assumed(options: dict[str, Any]) -> Any:
    from miner.errors import UsageError
    from miner.evaluation.replay.distributions import Assumed, parse_distribution

    if not options["think"] and not options["tool"]:
        return None
    if not options["think"] or not options["tool"]:
        raise UsageError("think and tool times are stated together", next_step="give both --think and --tool")
    return Assumed(parse_distribution(options["think"]), parse_distribution(options["tool"]), seed=options["seed"])


def _say(run: Path, found: dict[str, Any]) -> None:
    from miner.cli._story import say_section
    from miner.evaluation.report_savings import bound_section, otherwise_section, saved_section

    for section in (bound_section(found["bound"], found["conditions"]), saved_section(found), otherwise_section(found)):
        say_section(section)
    console.say(f"\nwritten: {run / 'savings.json'}, {run / 'report.html'}")
