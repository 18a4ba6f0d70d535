"""The research agent: searches the library, opens the first hits, follows links and answers.

Drawn are the question, how many hits are opened and whether together, whether a link is followed or a new search is
made with what a page said, and whether a mistaken address is tried.
"""

from __future__ import annotations

import json
from typing import Any

from .library import KINDS, SHOWN, Library, Page
from .transcript import Transcript


def session(seed: str, start_us: int, library: Library) -> Transcript:
    """One to three questions on the library's pages."""
    transcript = Transcript(seed, library.tools(), start_us)
    for _ in range(transcript.chance.choice((1, 1, 2, 3))):
        pages = transcript.chance.sample(sorted(library.pages.values()), 2)
        goal = transcript.chance.choices((fact, neighbour, compare), (5, 3, 2))[0]
        goal(transcript, pages)
    return transcript


def name_of(page: Page) -> str:
    """The name of what a page is about."""
    return page.title.partition(" (")[0]


def search(transcript: Transcript, query: str, text: str = "") -> list[str]:
    """Search and return the addresses found."""
    limit = {"limit": 3} if transcript.likely(0.25) else {}
    found = transcript.call("search", text, query=query, **limit)
    return [hit["url"] for hit in json.loads(found.text)["results"]]


def open_hits(transcript: Transcript, urls: list[str]) -> list[dict[str, Any]]:
    """Open the first hits: one, or two or three of them together."""
    many = transcript.chance.choices((1, 2, 3), (5, 3, 2))[0]
    outcomes = transcript.calls([("open_page", {"url": url}) for url in urls[:many]])
    return [json.loads(outcome.text) for outcome in outcomes]


def fact(transcript: Transcript, pages: list[Page]) -> None:
    """A figure that stands on a page: search, open, now and then look for the very sentence."""
    page = pages[0]
    wanted = transcript.chance.choice(KINDS[page.kind])
    name = name_of(page)
    transcript.user(f"What is the {wanted} of the {page.kind} {name}?")
    if transcript.likely(0.12):
        transcript.call("open_page", url=f"{SHOWN}/{name.lower()}")
    query = transcript.chance.choice((name, f"{name} {page.kind}", f"{name} {wanted}"))
    opened = open_hits(transcript, search(transcript, query, "Let me look it up."))
    if transcript.likely(0.3):
        transcript.call("find_in_page", url=opened[0]["url"], text=wanted)
    transcript.answer(next((part for part in opened[0]["text"].split(". ") if wanted in part), "I could not find it."))


def neighbour(transcript: Transcript, pages: list[Page]) -> None:
    """A figure of what lies near: open the page, then follow its first link or search for the name it gives."""
    page = pages[0]
    transcript.user(f"What is the {page.kind} {name_of(page)} close to, and what is known about that?")
    opened = open_hits(transcript, search(transcript, f"{name_of(page)} {page.kind}"))
    links = opened[0]["links"]
    if transcript.likely(0.65):
        transcript.call("open_page", url=links[0])
        if transcript.likely(0.3):
            transcript.call("open_page", url=links[1])
    else:
        near = links[0].rpartition("/")[2].capitalize()
        open_hits(transcript, search(transcript, near))
    transcript.answer(opened[0]["text"].partition(". ")[0])


def compare(transcript: Transcript, pages: list[Page]) -> None:
    """Two things side by side: two searches, together or in turn, and the first hit of each."""
    names = [name_of(page) for page in pages]
    transcript.user(f"Compare {names[0]} and {names[1]}.")
    if transcript.likely(0.5):
        outcomes = transcript.calls([("search", {"query": name}) for name in names])
        urls = [json.loads(outcome.text)["results"][0]["url"] for outcome in outcomes]
        transcript.calls([("open_page", {"url": url}) for url in urls])
    else:
        for name in names:
            open_hits(transcript, search(transcript, name))
    transcript.answer(f"{names[0]} is a {pages[0].kind}, {names[1]} is a {pages[1].kind}.")
