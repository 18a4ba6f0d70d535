"""The steps of a run: read, look over, mine, export, score, replay; each only when what it rests on has changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from miner.errors import LogError, RunFolderError, SplitError
from miner.journey.folder import RunFolder, code_version, key_of, write_whole
from miner.journey.outcome import (
    ALL_TRAIN,
    BUNDLE,
    COUNTS,
    EVALUATION,
    EVENTS,
    OVERVIEW,
    PATTERNS,
    SAVINGS,
    TWIN,
    Inputs,
    Journey,
    Say,
)
from miner.journey.recipe import mined_by
from miner.settings import Settings, settings_as_dict

if TYPE_CHECKING:
    from miner.evaluation.baselines import Fitted
    from miner.evaluation.parts import Parts
    from miner.evaluation.split import Logs
    from miner.store.database import Store
    from miner.store.report import IngestReport, Progress


def ingest(folder: RunFolder, inputs: Inputs, settings: Settings, progress: Callable[[Progress], None]) -> list[IngestReport]:  # fmt: skip  # noqa: E501
    """Read the logs into the run's store; what was read before is not read again, what was forgotten stays out.

    Raises:
        LogError: nothing to read, or too much of it is broken.
        RunFolderError: the folder holds sessions of logs that are no longer named.
    """
    from miner.store.database import Store
    from miner.store.forgetting import forget, returned

    _refuse_other_logs(folder, inputs)
    parts = [("logs", inputs.logs, "train" if inputs.test else None), ("test", inputs.test, "test")]
    with Store.open(folder.path / EVENTS) as store:
        reports = []
        for name, paths, part in parts:
            with _named(folder, store, name, paths):
                if paths:
                    reports.append(store.ingest(paths, part, progress, settings.ingest.max_problem_share))
        back = returned(store, folder.facts.get("forgotten", ()))
    if back:
        forget(folder.path / EVENTS, back)
    with Store.open(folder.path / EVENTS, read_only=True) as store:
        folder.facts["sources"] = sources_of(store)
    folder.save()
    return reports


@contextmanager
def _named(folder: RunFolder, store: Store, part: str, paths: Sequence[str]) -> Iterator[None]:
    """Note which logs a part of the run holds before they are read, and take it back when nothing of them was."""
    before = dict(folder.facts.get("inputs") or {})
    held = sources_of(store)
    folder.facts["inputs"] = before | {part: list(paths)}
    folder.save()
    try:
        yield
    except LogError:
        if sources_of(store) == held:
            folder.facts["inputs"] = before
            folder.save()
        raise


def look_over(folder: RunFolder, store: Store, run: Journey, code: str) -> None:
    """Write overview.json.

    Raises:
        LogError: there is nothing to learn from.
    """
    from miner.evaluation import excerpt
    from miner.evaluation.overview import overview

    passed_over = _passed_over(run.reports)
    key = key_of("overview", folder.facts["sources"], passed_over, code)
    if not folder.is_done("overview", key):
        _write(folder, OVERVIEW, overview(store, passed_over))
        excerpt.save(folder.path, excerpt.key_of(store), excerpt.excerpt_of(store))
        folder.done("overview", key, [OVERVIEW])
        run.done.append("overview")
    run.overview = _read(folder, OVERVIEW)
    if not run.overview["calls"]:
        raise LogError(
            f"there is no tool call in these {run.overview['sessions']} sessions",
            where=str(folder.path),
            next_step="give logs of an agent that calls tools; `miner formats FILE` says how a file is understood",
        )


def _passed_over(reports: list[IngestReport]) -> dict[str, int]:
    """Files that were not read, by reason."""
    found: Counter[str] = Counter()
    for report in reports:
        found.update(report.passed_over)
        found["empty"] += report.files_empty
        found["of_no_known_format"] += len(report.unrecognised)
    return {reason: count for reason, count in sorted(found.items()) if count}


def parts_to_use(store: Store, settings: Settings, run: Journey) -> tuple[Parts | None, Logs]:
    """The parts, and the sessions that train: all of them when there are too few to hold some out."""
    from miner.evaluation.parts import parts_of
    from miner.store.stored import StoredLogs

    try:
        parts = parts_of(store, None, settings.evaluation.held_out_share)
    except SplitError as error:
        run.notes.append(f"nothing was scored: {error.what}; {error.next_step}")
        return None, StoredLogs(store)
    return parts, parts.train


def mine(folder: RunFolder, train: Logs, key: str, settings: Settings, run: Journey, say: Say) -> None:
    """Write patterns.json."""
    if folder.is_done("mine", key):
        return
    from miner.export.pattern_file import pattern_bytes
    from miner.journey.recipe import recipe_of
    from miner.mining.mine import mine as mined
    from miner.mining.withhold import unwritable, withhold

    folder.forget("mine")
    notes: list[str] = []
    found = mined(train, recipe_of(settings), say, kept=folder.path / COUNTS, note=notes.append)
    patterns, left_out = withhold(found, unwritable)
    run.notes += notes + [f"{count} texts are not in the patterns ({what})" for what, count in left_out.items()]
    write_whole(folder.path / PATTERNS, pattern_bytes(patterns))
    folder.done("mine", key, [PATTERNS], notes=notes)
    run.done.append("mine")


def export(
    folder: RunFolder, settings: Settings, train: Logs, evaluation: Mapping[str, Any] | None, out: Path | None = None
) -> dict[str, int]:
    """Write the bundle and its twin, with the evaluation's figures where there are some; says what was held back."""
    from miner.export.bundle import export_bundle
    from miner.export.pattern_file import read_patterns
    from miner.export.review import read_review, without_rejected
    from miner.export.tools import read_fingerprints

    patterns, rejected = without_rejected(read_patterns(folder.path / PATTERNS), read_review(folder.path))
    made_from = created_from(folder, settings)
    exported = export_bundle(
        patterns,
        settings.export,
        created_from=made_from,
        evaluation=evaluation,
        logs=train,
        fingerprints=read_fingerprints(folder.path),
    )
    bundle = out or folder.path / BUNDLE
    write_whole(bundle, exported.data)
    write_whole(bundle.with_suffix(".txt"), exported.twin.encode())
    return exported.held_back | ({"rejected in review": rejected} if rejected else {})


def created_from(folder: RunFolder, settings: Settings) -> dict[str, Any]:
    """Where a bundle comes from: digests, so that it names no file of its maker's machine."""
    sources = sorted(source["content"] for source in folder.facts["sources"] if is_learnt_from(source))
    chosen = settings_as_dict(settings)
    return {
        "inputs": key_of(sources),
        "settings": key_of(mined_by(settings), chosen["evaluation"]["held_out_share"], chosen["export"]),
        "miner": version("toolcall-miner"),
    }


def is_learnt_from(source: Mapping[str, Any]) -> bool:
    """Whether any session of a source may train: one whose sessions are all forgotten is as if it had not been read."""
    return bool(source["part"] != "test" and source["sessions"])


def evaluate(
    folder: RunFolder, parts: Parts, store: Store, settings: Settings, key: str, run: Journey, say: Say
) -> dict[str, Fitted]:
    """Write evaluation.json; the predictors that were fitted for it, if they had to be."""
    if folder.is_done("evaluate", key):
        return {}
    say("scoring it on sessions it has not seen, beside the baselines")
    from miner.evaluation.evaluate import Options
    from miner.evaluation.evaluate import evaluate as evaluated
    from miner.evaluation.replay.permits import default_permits
    from miner.evaluation.run_folder import fitted_predictors

    permits = default_permits(store.sessions())
    predictors = fitted_predictors(folder.path, parts.train)
    options = Options(
        how=parts.how,
        level_of=permits.level,
        policy=permits.said,
        ignored=settings.evaluation.ignored_arguments,
        base=next(iter(predictors)),
        draws=settings.evaluation.resamples,
    )
    _write(folder, EVALUATION, evaluated(parts.train, parts.test, predictors, options))
    folder.done("evaluate", key, [EVALUATION])
    run.done.append("evaluate")
    return predictors


def replay(
    folder: RunFolder,
    parts: Parts,
    store: Store,
    settings: Settings,
    key: str,
    run: Journey,
    say: Say,
    known: dict[str, Fitted],
) -> None:
    """Write savings.json, and keep the recording for whoever replays it under another policy or budget."""
    if folder.is_done("replay", key):
        return
    say("replaying what it would have saved")
    from miner.evaluation.replay import kept
    from miner.evaluation.replay.permits import default_permits
    from miner.evaluation.replay.savings import ReplayOptions, recorded, savings_of
    from miner.evaluation.run_folder import REPLAYED, fitted_predictors
    from miner.runtime.budget import Budget

    fitted = known if known.keys() >= set(REPLAYED) else fitted_predictors(folder.path, parts.train, REPLAYED)
    budget = Budget(in_flight=settings.replay.concurrency, min_probability=settings.replay.min_probability)
    predictors = {name: fitted[name].predictor for name in REPLAYED}
    permits = default_permits(store.sessions())
    options = ReplayOptions(budget)
    walked = recorded(parts.train, parts.test, predictors, permits, options)
    if kept.can_be_kept(permits):
        kept.save(folder.path, kept.key_of(folder.path, store), kept.kept_of(walked, permits, budget))
    _write(folder, SAVINGS, savings_of(walked, predictors, permits, options))
    folder.done("replay", key, [SAVINGS])
    run.done.append("replay")


class Keys(NamedTuple):
    """What each step rests on, in one word each."""

    mine: str
    export: str
    evaluate: str
    replay: str
    stamp: str
    """Of a bundle that carries its held-out figures."""


def keys_of(folder: RunFolder, how: str, settings: Settings, code: str) -> Keys:
    """The keys of a run; a step is done again when its key changes."""
    from miner.export.review import read_review, rejected_in

    chosen = settings_as_dict(settings)
    mine_key = key_of("mine", folder.facts["sources"], how, mined_by(settings), code)
    export_key = key_of("export", mine_key, chosen["export"], *rejected_in(read_review(folder.path)))
    score_key = key_of("evaluate", export_key, chosen["evaluation"])
    return Keys(
        mine_key,
        export_key,
        score_key,
        key_of("replay", score_key, chosen["replay"]),
        key_of("stamp", export_key, score_key),
    )


def whole_journey(folder: RunFolder, settings: Settings, say: Say, run: Journey) -> Journey:
    """Everything after reading, on a run folder whose store is filled."""
    from miner.evaluation.run_folder import refresh_report
    from miner.store.database import Store

    code = code_version()
    with Store.open(folder.path / EVENTS, read_only=True) as store:
        say("looking at what is there")
        look_over(folder, store, run, code)
        folder.facts |= {"miner": code, "settings": settings_as_dict(settings)}
        parts, train = parts_to_use(store, settings, run)
        keys = keys_of(folder, parts.how if parts else ALL_TRAIN, settings, code)
        mine(folder, train, keys.mine, settings, run, say)
        stamped = folder.is_done("export", keys.stamp)
        if not stamped:
            folder.forget("export")
            say("writing the bundle")
            run.held_back = export(folder, settings, train, None)
            run.done.append("export")
        if parts:
            score(folder, parts, store, settings, keys, run, say)
        if not stamped:
            if run.evaluation:
                export(folder, settings, train, run.evaluation)
            folder.done("export", keys.stamp, [BUNDLE, TWIN])
    refresh_report(folder.path)
    _count(folder, run)
    folder.save()
    return run


def score(
    folder: RunFolder, parts: Parts, store: Store, settings: Settings, keys: Keys, run: Journey, say: Say
) -> None:
    """Evaluation and replay of the bundle that stands in the folder."""
    fitted = evaluate(folder, parts, store, settings, keys.evaluate, run, say)
    replay(folder, parts, store, settings, keys.replay, run, say, fitted)
    run.evaluation, run.savings = _read(folder, EVALUATION), _read(folder, SAVINGS)


def _count(folder: RunFolder, run: Journey) -> None:
    from miner.runtime.bundle import load_bundle

    bundle = load_bundle(folder.path / BUNDLE)
    run.bundle_bytes = bundle.size
    run.patterns = bundle.pattern_count


def _refuse_other_logs(folder: RunFolder, inputs: Inputs) -> None:
    known = folder.facts.get("inputs") or {}
    gone = [name for part, named in (("logs", inputs.logs), ("test", inputs.test)) for name in known.get(part, ()) if name not in named]  # fmt: skip  # noqa: E501
    if gone:
        raise RunFolderError(
            f"this run folder also holds the sessions of {gone[0]}, which is not named now",
            where=str(folder.path),
            next_step="name it as before (more logs may be added), or choose another folder with --out",
        )


def sources_of(store: Store) -> list[dict[str, Any]]:
    """What the store holds, with digests: the inputs of every later step."""
    names = ("path", "reader", "version", "content", "part", "sessions", "events", "problems")
    rows = store.query(f"select {', '.join(names)} from sources order by all")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _write(folder: RunFolder, name: str, value: Mapping[str, Any]) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(folder.path / name, text.encode())


def _read(folder: RunFolder, name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder.path / name).read_text(encoding="utf-8"))
    return value
