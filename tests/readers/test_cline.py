"""Task folders of Cline and Roo Code: calls as tags or blocks, screen times, condensed histories, and CLI sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miner.events import EventKind, Status, TimeSource
from miner.readers import cline, recognise
from tests.readers.reading import Read, arguments, document, read

MS = 1_777_629_600_000
DETAILS = {"type": "text", "text": "<environment_details>\n# Files\n</environment_details>"}


def text(words: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": words}


def person(*blocks: Any, **about: Any) -> dict[str, Any]:
    """A message of the user's role."""
    return {"role": "user", "content": list(blocks), **about}


def model(*blocks: Any, **about: Any) -> dict[str, Any]:
    """A message of the model."""
    return {"role": "assistant", "content": list(blocks), **about}


def task(folder: Path, *messages: dict[str, Any], shown: list[dict[str, Any]] | None = None) -> Read:
    """A task folder, read."""
    place = folder / "saoudrizwan.claude-dev" / "tasks" / "123"
    place.mkdir(parents=True)
    paths = [document(place, list(messages), "api_conversation_history.json")]
    if shown is not None:
        paths.append(document(place, shown, "ui_messages.json"))
    assert {recognise(path) for path in paths} == {"cline"}
    assert cline.groups(paths) == [tuple(paths)]
    return read("cline", *paths)


def test_calls_written_as_tags_are_calls_when_a_result_names_them(tmp_path: Path) -> None:
    """Older versions write XML; tags that no result names are text."""
    tags = "I saw <note>x</note>.\n<read_file>\n<path>a.py</path>\n</read_file>"
    found = task(
        tmp_path,
        person(text("<task>\nFix it.\n</task>"), DETAILS),
        model(text(tags)),
        person(text("[read_file for 'a.py'] Result:"), text("x = 1"), DETAILS),
    )
    [call] = found.calls
    assert (call.tool, arguments(call)) == ("read_file", {"path": "a.py"})
    assert found.of(EventKind.USER_MESSAGE)[0].text == "Fix it."
    assert len(found.of(EventKind.USER_MESSAGE)) == 1


def test_an_mcp_call_in_tags_is_the_inner_call(tmp_path: Path) -> None:
    """Server, tool and JSON arguments stand in tags of their own."""
    tags = (
        "<use_mcp_tool>\n<server_name>crm</server_name>\n<tool_name>find</tool_name>\n"
        '<arguments>\n{"q": "o1"}\n</arguments>\n</use_mcp_tool>'
    )
    found = task(
        tmp_path, person(text("hi")), model(text(tags)), person(text("[use_mcp_tool for 'crm'] Result:\n1 hit"))
    )
    [call] = found.calls
    assert (call.tool, arguments(call), call.text) == ("crm/find", {"q": "o1"}, "1 hit")


def test_results_in_words_say_how_they_ended(tmp_path: Path) -> None:
    """A refusal and a failure are told by the host's fixed words."""
    ask = model(text("<execute_command><command>ls</command></execute_command>"))
    said = "[execute_command for 'ls'] Result:\n"
    found = task(
        tmp_path,
        ask,
        person(text(said + "The user denied this operation.")),
        ask,
        person(text(said + "The tool execution failed with the following error:\nx")),
        ask,
        person(text(said + "a.py")),
    )
    assert [c.status for c in found.calls] == [Status.DENIED, Status.ERROR, Status.UNKNOWN]


def test_the_screen_lends_its_times(tmp_path: Path) -> None:
    """Requests and shown calls date steps and calls where the messages have no stamps."""
    use = {"type": "tool_use", "id": "t", "name": "ls", "input": {}}
    back = {"type": "tool_result", "tool_use_id": "t", "content": "a"}
    shown = [
        {"ts": MS, "type": "say", "say": "api_req_started", "text": "{}"},
        {"ts": MS + 900, "type": "say", "say": "text", "text": "x"},
        {"ts": MS + 1000, "type": "ask", "ask": "tool", "text": "{}"},
        {"ts": MS + 3000, "type": "say", "say": "api_req_started", "text": "{}"},
        {"ts": MS + 4000, "type": "say", "say": "text", "text": "done"},
    ]
    found = task(tmp_path, person(text("hi")), model(use), person(back), model(text("done")), shown=shown)
    [call] = found.calls
    assert (call.start_us, call.end_us) == ((MS + 1000) * 1000, (MS + 3000) * 1000)
    assert call.time_source is TimeSource.LOG_DELTA
    step = found.of(EventKind.MODEL_STEP)[0]
    assert (step.start_us, step.end_us) == (MS * 1000, (MS + 1000) * 1000)


def test_a_screen_of_another_length_dates_nothing(tmp_path: Path) -> None:
    """Retries and cut histories make the screen tell of other requests than the messages."""
    shown = [{"ts": MS + n, "type": "say", "say": "api_req_started"} for n in range(5)]
    found = task(tmp_path, person(text("hi")), model(text("x")), shown=shown)
    assert {event.time_us for event in found.events} == {None}


def test_a_condensed_history_is_a_compaction_and_stays(tmp_path: Path) -> None:
    """Roo keeps what it condensed, and marks the summary."""
    found = task(
        tmp_path,
        person(text("one"), ts=MS, condenseParent="c"),
        model(text("a"), ts=MS + 1, condenseParent="c"),
        person(text("Summary."), ts=MS + 2, isSummary=True, condenseId="c"),
    )
    assert found.kinds == ["user_message", "model_step", "compaction", "user_message"]


def test_a_session_of_the_command_line_has_models_and_metrics(tmp_path: Path) -> None:
    """Newer sessions state model, tokens and times with each message."""
    path = tmp_path / cline.EXAMPLE_NAME
    path.write_bytes(cline.EXAMPLE)
    found = read("cline", path)
    assert found.session.native_id == "1777629600000"
    step = found.of(EventKind.MODEL_STEP)[0]
    assert (step.model, step.tokens_in, step.tokens_out) == ("m", 90, 9)
    assert found.calls[0].time_source is TimeSource.LOG_DELTA
