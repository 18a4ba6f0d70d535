"""Scripted sessions whose right next call is known, and how to mine and walk them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from miner.events import SessionLog
from miner.mining.decisions import decisions
from miner.mining.mine import Recipe, mine
from miner.mining.survey import environment_of
from miner.mining.telling import observe
from miner.runtime.model import Model
from miner.runtime.patterns import PatternSet
from miner.runtime.predictor import SessionPredictor
from miner.runtime.speculation import Speculation
from tests.evaluation.sessions import Step, session_of

Script = Callable[[int], SessionLog]
RECIPE = Recipe(hole_priors=(1.0,), tool_priors=(2.0,), call_priors=(0.7,))
"""One prior each: what the scripts teach does not hang on the choice, and a fit less is a test sooner."""


def mined(script: Script, sessions: int = 24) -> PatternSet:
    """The patterns of so many sessions of a script."""
    logs = [script(number) for number in range(sessions)]
    return mine(again(*logs), RECIPE)


def again(*logs: SessionLog) -> Callable[[], Iterator[SessionLog]]:
    """The sessions, anew at each call."""
    return lambda: iter(logs)


def walk(patterns: PatternSet, log: SessionLog, most: int = 5) -> list[list[Speculation]]:
    """What is predicted at each decision of a session."""
    return walk_model(Model(patterns), log, most)


def walk_model(model: Model, log: SessionLog, most: int = 5) -> list[list[Speculation]]:
    """The same with a model that is already there."""
    predictor = SessionPredictor(model, environment_of(log))
    found = []
    for decision in decisions(log):
        predictor.decision_starts()
        for event in decision.observed:
            observe(predictor, event)
        found.append(predictor.predict(most))
    return found


def calls(guesses: Sequence[Speculation]) -> list[tuple[str, dict[str, Any]]]:
    """Tool and arguments of each guess."""
    return [(guess.tool, guess.arguments) for guess in guesses]


def identifier(prefix: str, number: int, place: int = 0) -> str:
    """An identifier that no two sessions share."""
    return f"{prefix}-{number * 7919 % 89_989 + 10_000}{place}"


def order_desk(number: int) -> SessionLog:
    """Find the user, then get each of the orders that the answer lists, one after the other."""
    user, orders = f"u_{number * 31 + 1000}", [identifier("ORD", number, place) for place in range(3)]
    listing = json.dumps({"user": user, "orders": [{"id": order} for order in orders]})
    steps: list[Step] = [f"I am {user}, what did I buy?", [("find_user", {"user_id": user}, listing)]]
    steps += [[("get_order", {"order_id": order}, json.dumps({"total": number}))] for order in orders]
    return session_of(f"desk{number}", *steps, [])


def order_desk_at_once(number: int) -> SessionLog:
    """The same, with both orders asked for in parallel."""
    user, orders = f"u_{number * 31 + 1000}", [identifier("ORD", number, place) for place in range(2)]
    listing = json.dumps({"orders": [{"id": order} for order in orders]})
    wanted: Step = [("get_order", {"order_id": order}, "{}") for order in orders]
    return session_of(f"atonce{number}", f"I am {user}", [("find_user", {"user_id": user}, listing)], wanted, [])


def file_search(number: int) -> SessionLog:
    """Search, then read the file that the first hit stands in."""
    path = f"src/part_{number}/module_{number * 13}.py"
    hits = f"{path}:12: def run_{number}(self):\nsrc/other_{number}.py:40: run_{number}()"
    return session_of(
        f"search{number}",
        f"where is run_{number} defined?",
        [("grep", {"pattern": f"run_{number}"}, hits)],
        [("read", {"path": path}, "def run(self): ...")],
        [],
    )


def paging(number: int) -> SessionLog:
    """Page after page of one listing."""
    topic = f"topic-{number + 500}"
    pages: list[Step] = [
        [("list_items", {"topic": topic, "page": page}, f"page {page} of many")] for page in range(1, 5)
    ]
    return session_of(f"pages{number}", f'look through "{topic}"', *pages, [])


def row_of_two(number: int) -> SessionLog:
    """From a list of two rows, act on the one the user names by its id: id and name belong together."""
    rows = [
        {"id": identifier("ROW", number, place), "name": f"Item {chr(65 + place)}{number % 6}", "open": place == 1}
        for place in range(2)
    ]
    chosen = rows[number % 2]
    return session_of(
        f"rows{number}",
        f"rename {chosen['id']}",
        [("list_rows", {"all": True}, json.dumps({"rows": rows}))],
        [("rename", {"row_id": chosen["id"], "old_name": chosen["name"]}, "done")],
        [],
    )


def next_number(number: int) -> SessionLog:
    """Open a ticket, then the one after it: the number moves by one."""
    first = number * 17 + 100
    return session_of(
        f"next{number}",
        f"go through tickets from {first}",
        [("show_ticket", {"number": first}, "open")],
        [("close_ticket", {"number": first + 1}, "closed")],
        [],
    )


def optional_argument(number: int) -> SessionLog:
    """After a page that says there is more, the same tool with a cursor it did not have before."""
    cursor = identifier("CUR", number)
    return session_of(
        f"optional{number}",
        "list everything",
        [("list_all", {"kind": "user"}, json.dumps({"items": [], "cursor": cursor}))],
        [("list_all", {"kind": "user", "cursor": cursor}, json.dumps({"items": []}))],
        [],
    )


def same_again(number: int) -> SessionLog:
    """Ask for the state of a job until it is done."""
    job = identifier("JOB", number)
    polls: list[Step] = [[("job_state", {"job": job}, "running")] for _ in range(4)]
    started = json.dumps({"job": job})
    return session_of(f"poll{number}", "run it", [("start_job", {"kind": "build"}, started)], *polls, [])


def task_rhythm(number: int) -> SessionLog:
    """Start task 1, finish task 1, start task 2, finish task 2 …"""
    steps: list[Step] = []
    for task in range(1, 4):
        steps.append([("set_task", {"task": task, "state": "started"}, "noted")])
        steps.append([("set_task", {"task": task, "state": "finished"}, "noted")])
    return session_of(f"rhythm{number}", "do the three tasks", *steps, [])
