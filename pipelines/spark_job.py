"""Logs that outgrow one machine: read, mined and exported by Spark.

``spark-submit pipelines/spark_job.py LOGS... --work DIR --out DIR [--settings FILE]``: LOGS are files, folders and
globs of any file system that Spark has; rows go to ``--work`` (Parquet, on a file system that every executor has),
and the driver writes ``patterns.json``, ``bundle.json``, its readable twin and a ``summary.json`` into ``--out``.
With ``--from-work`` the rows of an earlier job are mined again. Patterns are those of ``miner run`` on the same logs,
byte for byte. Nothing is scored here: score the bundle on one machine, with ``miner run`` on a sample of the logs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miner.engines._spark_files import Read, again, read
from miner.engines.spark import Engine, SparkLogs, started
from miner.errors import MinerError, SplitError
from miner.evaluation.split import by_hash
from miner.events import Session
from miner.export.bundle import export_bundle
from miner.export.pattern_file import pattern_bytes
from miner.journey.folder import key_of, write_whole
from miner.journey.outcome import BUNDLE, PATTERNS, TWIN
from miner.journey.recipe import mined_by, recipe_of
from miner.mining.mine import mine
from miner.mining.withhold import unwritable, withhold
from miner.settings import Settings, load_settings, settings_as_dict
from miner.store.workers import available_cores

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SUMMARY = "summary.json"
_FAMILY = ("key", "reader", "native_id", "parent", "task", "application")
"""What tells which sessions belong together."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job."""
    accepted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    accepted.add_argument("logs", nargs="*", help="files, folders, globs")
    accepted.add_argument("--work", required=True, help="folder for the rows, on a file system that every executor has")
    accepted.add_argument("--out", required=True, type=Path, help="folder of the driver for patterns and bundle")
    accepted.add_argument("--settings", type=Path, help="TOML file with settings, as for miner run")
    accepted.add_argument("--from-work", action="store_true", help="mine what an earlier job has read into --work")
    chosen = accepted.parse_args(arguments)
    if bool(chosen.logs) == chosen.from_work:
        accepted.error("give LOGS, or --from-work")
    try:
        spark, own = started(available_cores())
        try:
            settings = load_settings(chosen.settings)
            found = again(spark, chosen.work) if chosen.from_work else read(spark, chosen.logs, chosen.work)
            summary = job(spark, found, settings, chosen.out)
        finally:
            if own:
                spark.stop()
    except MinerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(summary, indent=1))
    return 0


def job(spark: SparkSession, found: Read, settings: Settings, out: Path) -> dict[str, Any]:
    """Mine what was read, and write everything into a folder; what it came to."""
    frame, sessions, held_out = training(spark, found.frame, settings.evaluation.held_out_share)
    train = SparkLogs(frame)
    patterns, _ = withhold(mine(train, recipe_of(settings), say, Engine(spark=spark)), unwritable)
    made_from = {
        "inputs": key_of(sorted(found.contents)),
        "settings": key_of(
            mined_by(settings), settings.evaluation.held_out_share, settings_as_dict(settings)["export"]
        ),
        "miner": version("toolcall-miner"),
    }
    exported = export_bundle(patterns, settings.export, created_from=made_from, evaluation=None, logs=train)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / PATTERNS, pattern_bytes(patterns))
    write_whole(out / BUNDLE, exported.data)
    write_whole(out / TWIN, exported.twin.encode())
    summary = {
        "format": 1,
        "sources": len(found.contents),
        "problems": found.problems,
        "sessions": sessions,
        "held_out": held_out,
        "forms": len(patterns.forms),
        "contexts": len(patterns.contexts),
        "rules": len(patterns.rules),
        "bundle_bytes": len(exported.data),
        "held_back": exported.held_back,
    }
    write_whole(out / SUMMARY, (json.dumps(summary, indent=1) + "\n").encode())
    return summary


def training(spark: SparkSession, frame: DataFrame, held_out: float) -> tuple[DataFrame, int, int]:
    """The rows of the sessions that train, how many sessions there are, and how many are held out."""
    names = [f"session_{name}" for name in _FAMILY]
    listed = frame.filter("seq is null").select(*names, "place").orderBy("place").collect()
    sessions = [Session(**{name: row[f"session_{name}"] for name in _FAMILY}) for row in listed]
    try:
        split = by_hash(sessions, held_out)
    except SplitError:
        return frame, len(sessions), 0
    places = [(row.place,) for row in listed if row.session_key in split.train]
    kept = spark.createDataFrame(places, "place bigint")
    return frame.join(kept, "place", "left_semi").select(*frame.columns), len(sessions), len(split.test)


def say(text: str) -> None:
    """Tell on stderr what is going on."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
