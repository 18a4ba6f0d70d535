"""MCP messages in the body of an HTTP response: one JSON value, or server-sent events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MOST_BYTES = 64 << 20
"""A longer message passes, but nobody looks at it."""
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")


class Event(NamedTuple):
    """A server-sent event, as far as MCP uses them."""

    data: bytes
    id: bytes = b""
    retry_s: float | None = None


class Events:
    """Finds the events in the pieces of a stream."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that this piece completes."""
        self._rest += piece
        start = 0
        for end in _BLANK_LINE.finditer(self._rest, max(0, len(self._rest) - len(piece) - 3)):
            yield _event(self._rest[start : end.start()])
            start = end.end()
        self._rest = self._rest[start:]
        if len(self._rest) > MOST_BYTES:
            raise OverflowError("an event without end")


class Body:
    """The messages of a response body, whatever its kind, found while it passes."""

    def __init__(self, content_type: str, encoding: str = "") -> None:
        kind = content_type.partition(";")[0].strip().lower()
        plain = encoding.strip().lower() in ("", "identity")
        self._events = Events() if plain and kind == "text/event-stream" else None
        self._json: list[bytes] | None = [] if plain and kind == "application/json" else None
        self._size = 0
        self.last_id = b""
        """Of the latest event that had one: where to go on after an interruption."""
        self.retry_s: float | None = None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The messages that this piece completes."""
        if self._events is not None:
            try:
                for event in self._events.feed(piece):
                    self.last_id = event.id or self.last_id
                    self.retry_s = self.retry_s if event.retry_s is None else event.retry_s
                    if event.data:
                        yield event.data
            except OverflowError:
                self._events = None
        elif self._json is not None:
            self._size += len(piece)
            self._json = [*self._json, piece] if self._size <= MOST_BYTES else None

    def end(self) -> Iterator[bytes]:
        """The message that the end of the body completes."""
        if self._json:
            yield b"".join(self._json)


def line_of(message: bytes) -> bytes:
    """A message as one line: line ends stand between the parts of a JSON text, never in its strings."""
    return message.strip(b"\r\n\t ").replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def event_of(line: bytes) -> bytes:
    """A line as a server-sent event."""
    return b"event: message\ndata: " + line.strip(b"\r\n").replace(b"\r", b" ") + b"\n\n"


def _event(text: bytes) -> Event:
    data, id_, retry = [], b"", None
    for line in _LINE_END.split(text):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"id" and b"\0" not in value:
            id_ = value
        elif name == b"retry" and value.isdigit():
            retry = int(value) / 1_000
    return Event(b"\n".join(data), id_, retry)
