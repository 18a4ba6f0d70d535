"""Builds chat messages and gateway lines for tests."""

from __future__ import annotations

from typing import Any

USER = {"role": "user", "content": "refund o1"}
ARGS = {"id": "o1"}


def chat_call(identity: str | None = "c1", name: str = "get", text: Any = '{"id":"o1"}') -> dict[str, Any]:
    """An OpenAI chat message with one call."""
    asked = {"id": identity, "type": "function", "function": {"name": name, "arguments": text}}
    return {"role": "assistant", "content": None, "tool_calls": [asked]}


def chat_result(identity: str | None = "c1", content: Any = "paid") -> dict[str, Any]:
    """An OpenAI chat result."""
    return {"role": "tool", "tool_call_id": identity, "content": content}


def exchange(shown: list[Any], answer: dict[str, Any], **about: Any) -> dict[str, Any]:
    """A gateway line."""
    return {"request": {"model": "m", "messages": shown}, "response": {"choices": [{"message": answer}]}, **about}
