"""Who may see which text: the owner sees all but secrets; others see only what many sessions and projects share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from miner.events import EventKind, SessionLog
from miner.export.secrets import secret_in
from miner.mining.decisions import decisions
from miner.mining.survey import arguments_of, environment_of
from miner.mining.telling import observe
from miner.mining.withhold import Refuses, unwritable
from miner.runtime.atoms import TEXT_HEAD
from miner.runtime.bundle_writing import value_text
from miner.runtime.memory import leaves, path_text, value_key
from miner.runtime.model import Model
from miner.runtime.patterns import PatternSet
from miner.runtime.predictor import SessionPredictor
from miner.runtime.ranking import word_traits

Logs = Callable[[], Iterator[SessionLog]]

LEAST_SESSIONS = 20
LEAST_PROJECTS = 5
LONGEST = 64
GRAMMAR = frozenset({"constant", "beside", "same", "user", "said", "host", "^", "$cwd", "env.cwd", "env.branch"})
"""Names that are the runtime's own."""


@dataclass(slots=True)
class Support:
    """In which sessions and projects a text was seen, counted as far as it matters."""

    sessions: dict[str, int] = field(default_factory=dict)
    projects: dict[str, set[str]] = field(default_factory=dict)
    projects_known: bool = False

    def note(self, texts: set[str], project: str) -> None:
        """One session."""
        for text in texts:
            self.sessions[text] = self.sessions.get(text, 0) + 1
            if project:
                self.projects.setdefault(text, set()).add(project)
        self.projects_known = self.projects_known or bool(project)

    def is_shared(self, text: str) -> bool:
        """Whether enough sessions of enough projects had it; where no project is known, sessions alone decide."""
        if self.sessions.get(text, 0) < LEAST_SESSIONS:
            return False
        return not self.projects_known or len(self.projects.get(text, ())) >= LEAST_PROJECTS


def support_of(patterns: PatternSet, logs: Logs) -> Support:
    """Walk sessions as the runtime would, and note which texts each of them shows."""
    model, found = Model(patterns), Support()
    streams = model.wanted
    for log in logs():
        environment = environment_of(log)
        predictor = SessionPredictor(model, environment)
        texts = set(environment.values())
        for decision in decisions(log):
            for event in decision.observed:
                observe(predictor, event)
                if event.kind is EventKind.USER_MESSAGE and event.text:
                    texts |= {word.partition(" ")[2] for word in word_traits(event.text[:TEXT_HEAD])}
            for call in decision.calls:
                tool = call.tool or ""
                texts.add(tool)
                for path, value in leaves(arguments_of(call)):
                    texts |= {*path, path_text(path), tool + path_text(path), "*" + path_text(path)}
                    texts.add(value_text(value_key(value)).removeprefix("="))
        texts |= streams & predictor.memory.streams.keys()
        found.note(texts, log.session.application or log.session.cwd or "")
    return found


def refuses_for(audience: str, support: Support | None = None) -> Refuses:
    """What an audience may not see.

    Args:
        audience: ``private`` or ``shared``.
        support: for ``shared``, from the sessions that trained.
    """
    if audience == "private":
        return lambda kind, text: unwritable(kind, text) or _secret(kind, text)
    known = support or Support()
    return lambda kind, text: _refused_to_others(kind, text, known)


def _secret(kind: str, text: str) -> str | None:
    """What the detectors say; a name of a tool or a field may look random without being secret."""
    found = secret_in(text)
    return None if found == "random_token" and kind in ("name", "setting") else found


def _refused_to_others(kind: str, text: str, support: Support) -> str | None:
    broken = unwritable(kind, text) or secret_in(text)
    if broken:
        return broken
    if kind == "shape":
        # A shape such as ^raj9999 quotes the beginning of an identifier; one of letters' cases alone does not.
        return "quotes an identifier" if "^" in text else None
    if text in GRAMMAR or (kind == "name" and _is_grammar(text)):
        return None
    if len(text) > LONGEST and kind != "name":
        return "too long"
    parts = text.split("\x1f") if kind == "name" else [text]
    if all(support.is_shared(part) or not part for part in parts):
        return None
    return f"in fewer than {LEAST_SESSIONS} sessions or {LEAST_PROJECTS} projects"


def _is_grammar(text: str) -> bool:
    """Policies, parts of transforms, forms' numbers with their outcome, and token kinds: nothing from a log."""
    words = text.split(" ")
    if len(words) == 2 and (words[1].isdecimal() or words[0].isdecimal()):
        return words[0].isdecimal() or words[0].isalpha()
    return text in _TRANSFORM_WORDS or (text[:5] in ("user~", "said~", "host~") and text[5:].isalpha())


_TRANSFORM_WORDS: Mapping[str, None] = dict.fromkeys(
    (
        "name",
        "folder",
        "stem",
        "under",
        "relative",
        "lower",
        "upper",
        "title",
        "int",
        "text",
        "objects",
        "values",
        "wrap",
    )
)
