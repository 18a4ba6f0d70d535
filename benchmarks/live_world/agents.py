"""Scripted agents: what they ask for depends on what the server really answered, and partly on chance.

An agent is a generator that yields (tool, arguments) and is sent the text of the answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Generator
from typing import Any

from benchmarks.live_world.worlds import CITIES, WORDS

Agent = Generator[tuple[str, dict[str, Any]], str, None]


def reads_files(rng: random.Random, root: str) -> Agent:
    """Looks around, reads what it finds, sometimes writes a note."""
    if rng.random() < 0.5:
        yield "read_text_file", {"path": f"{root}/README.txt"}
    if rng.random() < 0.6:
        yield "list_directory", {"path": f"{root}/library"}
        folder = f"{root}/library/{rng.choice(WORDS[:30])}"
        names = re.findall(r"\[FILE\] (\S+)", (yield "list_directory", {"path": folder}))
        start = 0 if rng.random() < 0.7 else rng.randrange(len(names) - 4)
        paths = [f"{folder}/{name}" for name in names[start : start + rng.randrange(1, 5)]]
    else:
        found = yield "search_files", {"path": f"{root}/library", "pattern": f"**/{rng.choice(WORDS)}-*.txt"}
        paths = found.split()[: rng.randrange(1, 5)]
    for path in paths:
        if rng.random() < 0.15:
            yield "get_file_info", {"path": path}
        yield "read_text_file", {"path": path}
    if rng.random() < 0.4:
        note = f"{root}/notes/{rng.choice(WORDS)}.txt"
        yield "write_file", {"path": note, "content": "\n".join(rng.choices(WORDS, k=5))}
        yield "read_text_file", {"path": note}
    if rng.random() < 0.5:
        yield "directory_tree", {"path": f"{root}/library"}


def reads_history(rng: random.Random, root: str) -> Agent:
    """Looks at the latest commits, or at those of a branch."""
    target = {"repo_path": root}
    if rng.random() < 0.3:
        branches = re.findall(r"release-\d+", (yield "git_branch", {**target, "branch_type": "local"}))
        yield "git_show", {**target, "revision": rng.choice(branches)}
    log = yield "git_log", {**target, "max_count": rng.choice((5, 10, 10, 20))}
    commits = re.findall(r"\b[0-9a-f]{40}\b", log)
    first = 0 if rng.random() < 0.8 else rng.randrange(len(commits) - 3)
    for commit in commits[first : first + rng.randrange(1, 5)]:
        yield "git_show", {**target, "revision": commit}
    if rng.random() < 0.3:
        yield "git_status", target


def asks_database(rng: random.Random, _: str) -> Agent:
    """Finds customers, their orders, and what is in them."""
    if rng.random() < 0.5:
        tables = re.findall(r"'name': '(\w+)'", (yield "list_tables", {}))
        for table in tables[: rng.randrange(1, 4)]:
            yield "describe_table", {"table_name": table}
    city = rng.choice(CITIES)
    text = yield "read_query", {"query": f"SELECT id, name FROM customers WHERE city = '{city}' LIMIT 5"}
    for customer in re.findall(r"'id': (\d+)", text)[: rng.randrange(1, 4)]:
        query = f"SELECT id, placed, total FROM orders WHERE customer_id = {customer} ORDER BY placed DESC LIMIT 3"
        orders = re.findall(r"'id': (\d+)", (yield "read_query", {"query": query}))
        for order in orders[: rng.randrange(1, 3)]:
            yield "read_query", {"query": f"SELECT product, quantity FROM items WHERE order_id = {order}"}
        if orders and rng.random() < 0.3:
            yield "write_query", {"query": f"INSERT INTO notes VALUES ({orders[0]}, 'seen')"}


def reads_pages(rng: random.Random, root: str) -> Agent:
    """Opens the index, a subject, and articles, mostly from the top."""
    subjects = re.findall(rf"{root}/\w+/", (yield "fetch", {"url": f"{root}/", "raw": True}))
    for _ in range(rng.randrange(1, 3)):
        subject = subjects[0] if rng.random() < 0.3 else rng.choice(subjects)
        articles = re.findall(rf"{root}/\w+/[\w-]+\.html", (yield "fetch", {"url": subject, "raw": True}))
        start = 0 if rng.random() < 0.75 else rng.randrange(len(articles) - 3)
        for article in articles[start : start + rng.randrange(1, 4)]:
            yield "fetch", {"url": article}


def follows(steps: list[tuple[str, dict[str, Any]]]) -> Agent:
    """Makes the calls of somebody else's session."""
    for tool, arguments in steps:  # noqa: UP028 - `yield from` would hand the answers to the list
        yield tool, arguments
