"""What each server looks at, made anew from a seed: a tree of files, a repository, a database, a web site."""

from __future__ import annotations

import hashlib
import http.server
import random
import shutil
import sqlite3
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

# fmt: off
WORDS = [
    "amber", "basin", "cedar", "delta", "ember", "fable", "grove", "harbour", "island", "juniper",
    "kettle", "lantern", "meadow", "nectar", "orchard", "prairie", "quarry", "river", "saddle", "timber",
    "umber", "valley", "willow", "yarrow", "zephyr", "anchor", "beacon", "copper", "drift", "echo",
    "flint", "garnet",
]
# fmt: on
CITIES = ("Bergen", "Cork", "Delft", "Evora", "Gdansk", "Lyon", "Turku", "Zadar")
SITE_PORT = 18_753
SITE_SECONDS = (0.45, 0.5)
"""Median and sigma of the log-normal time that a page of the site takes, always the same for the same page."""


def text_of(rng: random.Random, lines: int) -> str:
    """Plain text of some lines."""
    return "".join(" ".join(rng.choices(WORDS, k=9)) + "\n" for _ in range(lines))


def files(root: Path) -> None:
    """A README, 30 folders of 60 texts each, and an empty folder for notes."""
    if root.exists():
        return
    rng = random.Random(1)
    for word in WORDS[:30]:
        folder = root / "library" / word
        folder.mkdir(parents=True)
        for number in range(60):
            name = f"{rng.choice(WORDS)}-{number:02}.txt"
            (folder / name).write_text(text_of(rng, rng.randrange(20, 400)))
    (root / "notes").mkdir()
    (root / "README.txt").write_text("The texts are in library, by subject. Notes go to notes.\n")


def empty_notes(root: Path) -> None:
    """The tree as it was made: agents write to the notes alone."""
    shutil.rmtree(root / "notes", ignore_errors=True)
    (root / "notes").mkdir()


def repository(root: Path) -> None:
    """A history of 150 commits, each of which changes some texts."""
    if (root / ".git").exists():
        return
    rng = random.Random(2)
    root.mkdir(parents=True, exist_ok=True)
    environment = {
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _PERSON.items()},
        "PATH": "/usr/bin:/bin:/usr/local/bin",
        "HOME": str(root),
    }

    def git(*words: str, day: int = 0) -> None:
        dates = {f"GIT_{who}_DATE": f"{1_700_000_000 + 86_400 * day} +0000" for who in ("AUTHOR", "COMMITTER")}
        subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, env={**environment, **dates})

    git("init", "--quiet", "--initial-branch", "main")
    for day in range(150):
        for _ in range(rng.randrange(1, 9)):
            path = root / rng.choice(WORDS) / f"{rng.choice(WORDS)}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text_of(rng, rng.randrange(30, 120)))
        git("add", "--all")
        git("commit", "--quiet", "--message", f"{rng.choice(WORDS)}: {rng.choice(WORDS)} {rng.choice(WORDS)}", day=day)
        if day % 40 == 20:
            git("branch", f"release-{day}")


_PERSON = {"NAME": "Somebody", "EMAIL": "somebody@example.org"}


def database(path: Path) -> None:
    """Customers, orders and their items; large enough that a query takes its time."""
    path.unlink(missing_ok=True)
    rng = random.Random(3)
    with sqlite3.connect(path) as link:
        link.executescript(
            "create table customers (id integer primary key, name text, city text);"
            "create table orders (id integer primary key, customer_id integer, placed text, total real);"
            "create table items (order_id integer, product text, quantity integer);"
            "create table notes (order_id integer, text text);"
        )
        people = [(n, f"{rng.choice(WORDS)} {n}", rng.choice(CITIES)) for n in range(1, 2_001)]
        link.executemany("insert into customers values (?, ?, ?)", people)
        orders = [
            (
                n,
                rng.randrange(1, 2_001),
                f"2026-{rng.randrange(1, 11):02}-{rng.randrange(1, 29):02}",
                rng.randrange(999),
            )
            for n in range(100_000, 300_000)
        ]
        link.executemany("insert into orders values (?, ?, ?, ?)", orders)
        items = ((order[0], rng.choice(WORDS), rng.randrange(1, 9)) for order in orders for _ in range(3))
        link.executemany("insert into items values (?, ?, ?)", items)
    link.close()


def forget_notes(path: Path) -> None:
    """The database as it was made: agents write to one table alone."""
    with sqlite3.connect(path) as link:
        link.execute("delete from notes")
    link.close()


class Site:
    """A web site on this machine whose pages take the time that remote ones do."""

    def __init__(self, port: int = SITE_PORT) -> None:
        self.root = f"http://127.0.0.1:{port}"
        site = self

        class Pages(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                page = site.page(self.path.partition("?")[0])
                time.sleep(site.seconds(self.path))
                self.send_response(200 if page else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                with suppress(ConnectionError):  # an early call may be taken back
                    self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Pages)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()

    def seconds(self, path: str) -> float:
        """How long a page takes."""
        median, sigma = SITE_SECONDS
        return median * random.Random(path).lognormvariate(0.0, sigma)

    def page(self, path: str) -> bytes:
        """An index of subjects, a list of articles for each, and the articles."""
        parts = [part for part in path.split("/") if part]
        if not parts:
            return _html("Subjects", "".join(self._link(f"/{word}/", word) for word in WORDS[:12]))
        rng = random.Random(int(hashlib.sha256(path.encode()).hexdigest()[:8], 16))
        if len(parts) == 1:
            links = [self._link(f"/{parts[0]}/{word}-{rng.randrange(100)}.html", word) for word in rng.sample(WORDS, 8)]
            return _html(parts[0], "".join(links))
        return _html(parts[-1], f"<p>{text_of(rng, 30)}</p>")

    def _link(self, path: str, word: str) -> str:
        return f'<p>About {word}: <a href="{self.root}{path}">{word}</a></p>'


def _html(title: str, body: str) -> bytes:
    words = f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{body}</article></body></html>"
    return words.encode()
