"""What may be called early: by tool, by annotation, by where each value is from and would go."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miner.runtime.effects import Effect, Level, worst
from miner.runtime.policy import NOT_UNDERSTOOD, Policy, PolicyError, ToolRule
from miner.runtime.policy_file import load_policy, parse_policy, starter_policy
from miner.runtime.speculation import Speculation


def speculate(tool: str, arguments: dict[str, Any], origin: str = "constant") -> Speculation:
    return Speculation(tool, arguments, 0.9, origins=dict.fromkeys(arguments, origin))


def refusal(policy: Policy, tool: str, arguments: dict[str, Any] | None = None, origin: str = "constant") -> str | None:
    return policy.judge(speculate(tool, arguments or {}, origin)).refusal


READ = ToolRule(Level.FULL, Effect.LOCAL_READ)
WEB = ToolRule(
    Level.FULL,
    Effect.REMOTE_READ,
    speculation_safe=True,
    destination="web",
    destination_argument="url",
)
SEARCH = ToolRule(Level.FULL, Effect.REMOTE_READ, speculation_safe=True, destination="web")


def test_an_empty_policy_allows_nothing_and_takes_every_call_for_a_change_of_everything() -> None:
    """The default is never, and an unknown tool may change what any other returned."""
    assert refusal(Policy(), "Read") == "not_listed"
    assert Policy().footprint("Read", {}) == NOT_UNDERSTOOD


def test_names_are_exact() -> None:
    """Neither a prefix, nor another case, nor a longer name is the listed tool."""
    policy = Policy({"read": READ})
    assert refusal(policy, "read") is None
    assert {refusal(policy, name) for name in ("rea", "read_all", "Read", "read ", "")} == {"not_listed"}


@pytest.mark.parametrize(
    ("level", "effect", "safe", "approval", "expected"),
    [
        (level, effect, safe, approval, expected)
        for level, effect, safe, approval in itertools.product(Level, Effect, (None, True, False), (False, True))
        for expected in [
            "never"
            if level is Level.NEVER
            else "needs_approval"
            if approval
            else "no_twin"
            if level is Level.DRY_RUN
            else "changes_something"
            if level is Level.FULL and effect is Effect.WRITE
            else None
            if safe or (safe is None and effect in (Effect.PURE, Effect.LOCAL_READ))
            else "not_speculation_safe"
        ]
    ],
)
def test_every_combination_of_what_a_rule_says(
    level: Level, effect: Effect, safe: bool | None, approval: bool, expected: str | None
) -> None:
    """The whole table: level, effect, being safe to call for nothing, and approval."""
    rule = ToolRule(level, effect, speculation_safe=safe, approval=approval)
    assert refusal(Policy({"tool": rule}), "tool") == expected


def test_a_dry_run_needs_a_listed_twin_that_only_reads() -> None:
    """The twin is judged like a tool of its own, and may not reach further than the call it stands for."""
    book = ToolRule(Level.DRY_RUN, Effect.WRITE, twin="book_preview")
    twins = {
        None: READ,
        "unsafe_twin": replace(READ, effect=Effect.WRITE),
    }
    for expected, twin in twins.items():
        assert refusal(Policy({"book": book, "book_preview": twin}), "book") == expected
    for twin in (
        replace(READ, level=Level.NEVER),
        replace(READ, approval=True),
        replace(READ, destination="web"),
        replace(READ, speculation_safe=False),
        replace(READ, shell_argument="command"),
    ):
        assert refusal(Policy({"book": book, "book_preview": twin}), "book") == "unsafe_twin"
    assert refusal(Policy({"book": book}), "book") == "no_twin"


ANNOTATIONS = [
    dict(zip(("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"), values, strict=True))
    for values in itertools.product((True, False, None), repeat=4)
]


@pytest.mark.parametrize("hint", ANNOTATIONS)
def test_annotations_only_ever_lower(hint: dict[str, bool | None]) -> None:
    """Whatever a server says of its tools, nothing becomes allowed that was not, and no effect becomes milder."""
    for rule in (READ, WEB, ToolRule(), replace(READ, effect=Effect.PURE), replace(READ, level=Level.NEVER)):
        before = Policy({"tool": rule})
        after = before.lowered({"tool": hint, "other": hint})
        assert refusal(before, "tool") is None or refusal(after, "tool") is not None
        assert after.rule("tool").effect.badness >= rule.effect.badness
        assert refusal(after, "other") == "not_listed"


def test_a_server_that_says_it_changes_things_is_believed() -> None:
    """An explicit warning forbids; silence, whose default would be a warning too, leaves the operator's word."""
    policy = Policy({"tool": READ})
    assert refusal(policy.lowered({"tool": {"readOnlyHint": False}}), "tool") == "never"
    assert refusal(policy.lowered({"tool": {"readOnlyHint": True, "destructiveHint": True}}), "tool") == "never"
    assert refusal(policy.lowered({"tool": {"openWorldHint": True}}), "tool") == "not_speculation_safe"
    assert refusal(policy.lowered({"tool": {}}), "tool") is None


def test_every_argument_that_leaves_needs_an_origin() -> None:
    """A value of which nobody knows where it is from is not sent anywhere; a call without arguments has none."""
    policy = Policy({"search": SEARCH, "read": READ})
    assert policy.judge(Speculation("search", {"q": "a"}, 0.9)).refusal == "unknown_origin"
    assert policy.judge(Speculation("search", {"q": "a", "n": 1}, 0.9, origins={"q": "constant"})).refusal is not None
    assert policy.judge(Speculation("search", {}, 0.9)).refusal is None
    assert policy.judge(Speculation("read", {"path": "a"}, 0.9)).refusal is None


def test_local_tools_may_get_any_value() -> None:
    """What stays on this machine is nobody's secret."""
    policy = Policy({"read": READ, "search": SEARCH})
    for origin in ("user", "environment", "result:search", "argument:read", "result:unheard_of"):
        assert refusal(policy, "read", {"path": "a"}, origin) is None


@pytest.mark.parametrize(
    "origin", ["user", "environment", "result:read", "argument:read", "result:other", "constant+user"]
)
def test_a_value_never_leaves_for_a_destination_it_was_not_allowed_for(origin: str) -> None:
    """Local results, what the user said, the environment and unknown tools stay here unless a flow is listed."""
    policy = Policy({"search": SEARCH, "read": READ})
    assert refusal(policy, "search", {"q": "x"}, origin) == "private"
    listed = replace(policy, flows=frozenset((part, "web") for part in origin.split("+")))
    assert refusal(listed, "search", {"q": "x"}, origin) is None


def test_a_destination_may_be_told_what_it_said_or_was_told() -> None:
    """A value from a destination, or already sent to it, may go back; to another destination it may not."""
    mail = replace(SEARCH, destination="mail")
    policy = Policy({"search": SEARCH, "again": SEARCH, "mail": mail})
    assert refusal(policy, "again", {"q": "x"}, "result:search") is None
    assert refusal(policy, "again", {"q": "x"}, "argument:search") is None
    assert refusal(policy, "mail", {"q": "x"}, "result:search") == "private"


def test_fetched_text_never_selects_where_a_call_goes() -> None:
    """A link in a page that was read is not followed early, unless the operator lists that very flow."""
    policy = Policy({"fetch": WEB, "search": SEARCH})
    arguments = {"url": "https://evil.example/?leak=1"}
    assert refusal(policy, "fetch", arguments, "result:search") == "selects_destination"
    listed = replace(policy, flows=frozenset({("result:search", "web")}))
    assert refusal(listed, "fetch", arguments, "result:search") is None
    assert refusal(listed, "fetch", arguments, "result:fetch") == "selects_destination"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "https://user:secret@example.org/",
        "https://example.org:22/",
        "https://exam ple.org/",
        "//example.org",
        "javascript:alert(1)",
        "http://[::1",
        "https:\\\\example.org",
        "https://a\\@b",
        "",
        5,
        None,
    ],
)
def test_unusual_destinations_are_refused(url: Any) -> None:
    """Only a plain web address is understood as a destination."""
    assert refusal(Policy({"fetch": WEB}), "fetch", {"url": url}) == "unusual_destination"


def test_values_of_two_groups_meet_only_where_the_pair_is_listed() -> None:
    """What the user said and what a page said are not joined in one call that leaves, even if each alone may go."""
    policy = Policy({"search": SEARCH}, frozenset({("user", "web")}))
    mixed = Speculation("search", {"q": "x", "near": "y"}, 0.9, origins={"q": "user", "near": "result:search"})
    assert policy.judge(mixed).refusal == "mixed_origins"
    listed = replace(policy, meetings=frozenset({frozenset({"user", "web"})}))
    assert listed.judge(mixed).refusal is None


def test_arguments_a_rule_was_not_written_for_make_the_call_a_write() -> None:
    """A shell call with an option nobody considered, such as running in the background, is not understood."""
    policy = starter_policy(["claude_code"])
    assert policy.footprint("Bash", {"command": "ls", "description": "x"}).effect is Effect.LOCAL_READ
    assert policy.footprint("Bash", {"command": "ls", "run_in_background": True}).effect is Effect.WRITE
    assert refusal(policy, "Bash", {"command": "ls", "run_in_background": True}) == "changes_something"


def test_the_worst_of_nothing_is_a_write() -> None:
    """Effects combine to the most harmful one."""
    assert worst(Effect.PURE, Effect.REMOTE_READ, Effect.LOCAL_READ) is Effect.REMOTE_READ
    assert worst() is Effect.WRITE


STARTER_AGENTS = {
    "claude_code": {
        "allowed": {"Read", "Glob", "Grep", "LS", "NotebookRead"},
        "by_command": {"Bash": "command"},
        "keeps_files": {
            "TodoWrite", "TaskCreate", "TaskUpdate", "TaskGet", "TaskList", "TaskOutput", "BashOutput", "KillShell",
            "KillBash", "EnterPlanMode", "ExitPlanMode", "AskUserQuestion", "ToolSearch", "WebSearch", "WebFetch",
        },
    },
    "codex": {
        "allowed": {"read_file", "list_dir", "grep_files"},
        "by_command": {"shell": "command", "shell_command": "command", "local_shell": "command", "exec_command": "cmd"},
        "keeps_files": {
            "update_plan", "web_search", "view_image", "list_mcp_resources", "read_mcp_resource", "request_user_input",
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("agent", STARTER_AGENTS)
def test_the_starter_policy_of_an_agent_tool_by_tool(agent: str) -> None:
    """Of the built-in tools only the listed readers run early, shell tools by their command, and nothing else."""
    cases: dict[str, Any] = STARTER_AGENTS[agent]
    policy = starter_policy([agent])
    for tool in policy.tools:
        if tool in cases["by_command"]:
            argument = cases["by_command"][tool]
            assert refusal(policy, tool, {argument: "cat a | head"}) is None
            assert refusal(policy, tool, {argument: "cat a > b"}) == "changes_something"
            assert refusal(policy, tool, {}) == "changes_something"
        else:
            assert (refusal(policy, tool) is None) == (tool in cases["allowed"]), tool
        keeps = tool in cases["keeps_files"] | cases["allowed"]
        changes_files = not {"*", "files"}.isdisjoint(policy.footprint(tool, {}).writes)
        assert changes_files != keeps, tool


STARTER_SERVERS = {
    "filesystem": {
        "read_file", "read_text_file", "read_media_file", "read_multiple_files", "list_directory",
        "list_directory_with_sizes", "directory_tree", "search_files", "get_file_info", "list_allowed_directories",
    },
    "git": {"git_log", "git_show", "git_branch"},
    "memory": {"read_graph", "search_nodes", "open_nodes"},
    "sqlite": {"read_query", "list_tables", "describe_table"},
    "time": {"convert_time"},
    "fetch": set[str](),
    "sequentialthinking": set[str](),
    "everything": {"echo", "add", "get-sum"},
}  # fmt: skip


@pytest.mark.parametrize("server", STARTER_SERVERS)
def test_the_starter_policy_of_a_server_tool_by_tool(server: str) -> None:
    """Of a reference server only the listed readers run early, under the names that the host gives them."""
    policy = starter_policy(servers={server: f"mcp__{server}__"})
    allowed = {tool for tool in policy.tools if refusal(policy, tool) is None}
    assert allowed == {f"mcp__{server}__{tool}" for tool in STARTER_SERVERS[server]}
    assert refusal(policy, next(iter(STARTER_SERVERS[server]), "fetch")) == "not_listed"
    assert {policy.rule(tool).server for tool in policy.tools} == {f"mcp__{server}__"}


def test_the_starter_policy_is_empty_until_something_is_named() -> None:
    """Nothing is assumed about which agent or server stands behind a name."""
    assert starter_policy().tools == {}
    with pytest.raises(PolicyError, match="knows no agent"):
        starter_policy(["nobody"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "a JSON object"),
        ({}, "unknown format"),
        ({"format": 2}, "unknown format"),
        ({"format": 1, "tool": {}}, "unknown word 'tool'"),
        ({"format": 1, "tools": []}, "a JSON object"),
        ({"format": 1, "tools": {"a": 1}}, "a JSON object"),
        ({"format": 1, "tools": {"a": {"levle": "full"}}}, "unknown word 'levle'"),
        ({"format": 1, "tools": {"a": {"level": "always"}}}, "unknown word"),
        ({"format": 1, "tools": {"a": {"level": ["full"]}}}, "unknown word"),
        ({"format": 1, "tools": {"a": {"approval": "no"}}}, "another type"),
        ({"format": 1, "tools": {"a": {"ttl_s": -1}}}, "another type"),
        ({"format": 1, "tools": {"a": {"ttl_s": True}}}, "another type"),
        ({"format": 1, "tools": {"a": {"max_rate_per_min": 1.5}}}, "another type"),
        ({"format": 1, "tools": {"a": {"reads": "files"}}}, "a list of names"),
        ({"format": 1, "flows": [["a"]]}, "a pair"),
        ({"format": 1, "flows": {}}, "a list of pairs"),
    ],
)
def test_a_policy_that_is_not_understood_is_refused(data: Any, message: str) -> None:
    """A misspelt word would silently forbid or allow: it is an error that says where."""
    with pytest.raises(PolicyError, match=message) as error:
        parse_policy(data)
    assert error.value.where.startswith("policy")
    assert error.value.next_step


def test_a_policy_file_is_read_whole(tmp_path: Path) -> None:
    """What a file says is what the policy holds; missing, huge and broken files are named errors."""
    path = tmp_path / "policy.json"
    rule = {"level": "full", "effect": "remote_read", "destination": "web", "reads": ["web"], "max_rate_per_min": 30}
    path.write_text(
        json.dumps({"format": 1, "tools": {"s": rule}, "flows": [["user", "web"]], "meetings": [["a", "b"]]})
    )
    policy = load_policy(path)
    assert policy.rule("s") == ToolRule(
        Level.FULL, Effect.REMOTE_READ, frozenset({"web"}), destination="web", max_rate_per_min=30
    )
    assert policy.flows == {("user", "web")}
    assert policy.meetings == {frozenset({"a", "b"})}
    for text, message in (("{", "no JSON"), ("[" * 100_000, "no JSON"), (" " * (1 << 21), "too large")):
        path.write_text(text)
        with pytest.raises(PolicyError, match=message):
            load_policy(path)
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policy(tmp_path / "none.json")
