"""What a message or a result says, as text; what a call was given, as a JSON object."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import orjson

from miner.readers.tolerant import lenient

_DEPTH = 256
_TEXT_KEYS = ("text", "content", "value", "output", "thinking_text")
_SILENT = frozenset({"thinking", "redacted_thinking", "reasoning", "thought"})
"""Blocks that hold the model's thoughts: no part of what was said."""
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,")
_MEDIA_KEYS = ("source", "image_url", "inline_data", "inlineData", "input_audio", "file", "image", "blob", "data")
_MEDIA = frozenset(_MEDIA_KEYS)


def json_text(value: Any) -> str:
    """Compact JSON text of a value, keys in their order."""
    try:
        return orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, TypeError):
        # Integers beyond 64 bits, and decimals that a streaming parser made.
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=float)


def parsed(text: str) -> Any:
    """The JSON value that a text holds, or None when it holds none (``null`` counts as none)."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return lenient(text.encode("utf-8", "surrogatepass"), _DEPTH)[0] if "\\ud" in text.lower() else None


def arguments_of(raw: Any) -> tuple[str, bool]:
    """(a JSON object as text, whether the log held one).

    A text that is an object stays as written, so that numbers keep their digits. An object that was encoded twice
    is decoded once. No arguments at all are the empty object; anything else becomes ``{"input": raw}``.
    """
    text, value = object_of(raw)
    return text, value is not None


def object_of(raw: Any) -> tuple[str, dict[str, Any] | None]:
    """The same, with the object itself; None where the log held none."""
    if isinstance(raw, dict):
        return json_text(raw), raw
    if raw is None:
        return "{}", {}
    if isinstance(raw, str):
        text = raw.strip()
        if not text:
            return "{}", {}
        value, strict = _read(text)
        if isinstance(value, str):
            text = value.strip()
            value, strict = _read(text)
        if isinstance(value, dict):
            return (text if strict else json_text(value)), value
    return json_text({"input": raw}), None


def _read(text: str) -> tuple[Any, bool]:
    """(the value of a text, whether a strict parser takes it)."""
    try:
        return orjson.loads(text), True
    except orjson.JSONDecodeError:
        return parsed(text), False


def text_of(content: Any) -> str | None:
    """The text of a content field: a string, a list of blocks, or a JSON value; media become their size and hash."""
    if content is None:
        return None
    if isinstance(content, str):
        return _without_media(content)
    if isinstance(content, list):
        if not any(isinstance(part, dict) for part in content) and not all(isinstance(part, str) for part in content):
            return json_text(content)
        said = [part for part in (_block_text(block) for block in content) if part]
        return "\n".join(said)
    if isinstance(content, dict):
        return _block_text(content)
    return json_text(content)


def _block_text(block: Any) -> str | None:
    if isinstance(block, str):
        return _without_media(block)
    if not isinstance(block, dict):
        return json_text(block)
    kind = block.get("type") or block.get("kind")
    if isinstance(kind, str) and kind in _SILENT:
        return None
    if isinstance(kind, str) and not _MEDIA.isdisjoint(block) and any(_is_media(block.get(key)) for key in _MEDIA_KEYS):
        media = _media(block)
        if media is not None:
            return media
    known = isinstance(kind, str) or set(block) <= {"text", "annotations", "cache_control"}
    if known:
        for key in _TEXT_KEYS:
            inner = block.get(key)
            if isinstance(inner, str):
                return _without_media(inner)
            if isinstance(inner, list | dict):
                return text_of(inner)
    return json_text(block)


def _is_media(value: Any) -> bool:
    return isinstance(value, dict | str)


def _media(block: dict[str, Any]) -> str | None:
    """``[image/png 1234 bytes 0a1b2c3d]`` for a block that carries a picture, sound or file."""
    for key in _MEDIA_KEYS:
        inner = block.get(key)
        carrier = inner if isinstance(inner, dict) else {"data": inner}
        data = next((carrier[k] for k in ("data", "url", "file_data") if isinstance(carrier.get(k), str)), None)
        if data is None:
            continue
        if data.startswith(("http://", "https://")):
            return str(data)
        mime = carrier.get("media_type") or carrier.get("mimeType") or carrier.get("mime_type") or block.get("mimeType")
        return _placeholder(data.rpartition(",")[2], str(mime or block.get("type") or "media"))
    return None


def _without_media(text: str) -> str:
    if len(text) < 1024 or not _DATA_URL.match(text):
        return text
    return _placeholder(text.partition(",")[2], text[5:].partition(";")[0])


def _placeholder(data: str, kind: str) -> str:
    digest = hashlib.blake2b(data.encode("utf-8", "replace"), digest_size=4).hexdigest()
    return f"[{kind} {len(data) * 3 // 4} bytes {digest}]"
