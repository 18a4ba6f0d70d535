"""Telling a predictor what a log holds, as a live host would tell it."""

from __future__ import annotations

from miner.events import Event, EventKind
from miner.mining.survey import SPEAKERS, arguments_of
from miner.runtime.predictor import SessionPredictor


def observe(predictor: SessionPredictor, event: Event) -> None:
    """Tell a predictor of an event, as a live host would."""
    if event.kind is EventKind.TOOL_CALL:
        predictor.observe_call(event.tool or "", arguments_of(event), event.status, event.text)
    elif event.text:
        predictor.observe_message(SPEAKERS.get(event.kind, "host"), event.text)
