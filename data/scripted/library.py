"""The research agent's tools, and the library that they ask: a small HTTP server over invented pages.

The server ranks every page for every question and keeps no index, so a search costs real work. Logs show it as
``http://library.example``, whatever port it listened on.
"""

from __future__ import annotations

import json
import math
import random
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from .transcript import Outcome, Tool, ToolError

SHOWN = "http://library.example"
SYLLABLES = ("tal", "mer", "os", "vin", "dar", "lu", "ken", "ra", "sol", "bri", "nor", "eth", "ga", "pel", "ys", "wen")
KINDS = {
    "river": ("length in km", "source"),
    "town": ("inhabitants", "founded in"),
    "bridge": ("span in m", "opened in"),
    "museum": ("rooms", "founder"),
    "mountain": ("height in m", "first climbed in"),
}
FILLER = (
    "The archive holds several letters about it.",
    "Older maps spell the name in another way.",
    "Visitors come mostly in early summer.",
    "A local society has printed two booklets on the subject.",
    "The name is said to be older than the place.",
    "Measurements were repeated in a later survey.",
)


class Page(NamedTuple):
    """One page: what it is about, and the pages it leads to."""

    path: str
    title: str
    kind: str
    text: str
    links: tuple[str, ...]


class Library:
    """The pages, the server over them (started with ``with``), and the tools that ask it."""

    def __init__(self, seed: str, pages: int = 240) -> None:
        self.pages = {page.path: page for page in _write_pages(random.Random(seed), pages)}

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def tools(self) -> dict[str, Tool]:
        """The tools by the names that the agent uses."""
        return {"search": self.search, "open_page": self.open_page, "find_in_page": self.find_in_page}

    def search(self, query: str, limit: int = 5) -> Outcome:
        """Ask for the pages nearest to a query."""
        words = urllib.parse.urlencode({"q": query, "n": limit})
        return Outcome(self._get(f"/search?{words}"))

    def open_page(self, url: str) -> Outcome:
        """Fetch a page."""
        return Outcome(self._get(url.removeprefix(SHOWN)))

    def find_in_page(self, url: str, text: str) -> Outcome:
        """Fetch a page and keep the sentences that hold a text."""
        page = json.loads(self._get(url.removeprefix(SHOWN)))
        found = [part for part in re.split(r"(?<=\.) ", page["text"]) if text.lower() in part.lower()]
        return Outcome(json.dumps({"url": url, "sentences": found}))

    def _get(self, path: str) -> str:
        address = f"http://127.0.0.1:{self._server.server_port}{path}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            raise ToolError(f"HTTP {error.code} {error.reason}") from error

    def ranked(self, query: str, most: int) -> list[dict[str, str]]:
        """The pages nearest to a query, by the usual weighting of word counts, computed over all pages anew."""
        wanted = _words(query)
        counts = {path: Counter(_words(f"{page.title} {page.title} {page.text}")) for path, page in self.pages.items()}
        weight = {
            word: math.log(len(counts) / (1 + sum(word in count for count in counts.values()))) for word in set(wanted)
        }
        score = {path: sum(weight[word] * math.sqrt(count[word]) for word in wanted) for path, count in counts.items()}
        best = sorted((path for path in score if score[path] > 0), key=lambda path: (-score[path], path))[:most]
        return [
            {"title": self.pages[path].title, "url": SHOWN + path, "snippet": self.pages[path].text[:60]}
            for path in best
        ]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _write_pages(chance: random.Random, count: int) -> list[Page]:
    """Invented places whose facts lie on their own page, and whose pages lead to one another."""
    names: dict[str, str] = {}
    while len(names) < count:
        name = "".join(chance.sample(SYLLABLES, chance.choice((2, 3)))).capitalize()
        names.setdefault(name, chance.choice(sorted(KINDS)))
    paths = {name: f"/{kind}s/{name.lower()}" for name, kind in names.items()}
    pages = []
    for name, kind in names.items():
        near = chance.sample([other for other in names if other != name], 3)
        first, second = KINDS[kind]
        facts = [
            f"{name} is a {kind} near the {names[near[0]]} {near[0]}.",
            f"Its {first}: {chance.randrange(12, 4000)}.",
            f"Its {second}: {near[1] if second in ('source', 'founder') else chance.randrange(1100, 1990)}.",
            f"See also the {names[near[2]]} {near[2]}.",
            *chance.sample(FILLER, 2),
        ]
        pages.append(Page(paths[name], f"{name} ({kind})", kind, " ".join(facts), tuple(paths[n] for n in near)))
    return pages


def _handler(library: Library) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urllib.parse.urlsplit(self.path)
            query = urllib.parse.parse_qs(asked.query)
            if asked.path == "/search":
                found = library.ranked(query["q"][0], int(query["n"][0]))
                self._send(200, {"query": query["q"][0], "results": found})
            elif asked.path in library.pages:
                page = library.pages[asked.path]
                links = [SHOWN + path for path in page.links]
                self._send(200, {"url": SHOWN + page.path, "title": page.title, "text": page.text, "links": links})
            else:
                self._send(404, {"error": "no such page"})

        def _send(self, code: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent; the log is the agent's."""

    return Handler
