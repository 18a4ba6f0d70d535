"""Contexts: what came before a decision, from nothing to the last few signatures, and how they share the evidence.

A history is a list of (coarse, fine) signatures, oldest first: coarse is the tool and how the call ended, fine adds
the form of the call. Shorter contexts back the longer ones: each level adds its own counts to what the level below
expects (the interpolated Witten-Bell estimate; Witten & Bell 1991, and PPM's method C).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

History = Sequence[tuple[str, str]]


def context_keys(history: History, setting: tuple[str, str] = ("", "")) -> list[str]:
    """The contexts of a history, most general first; short histories repeat the start.

    Args:
        history: signatures, oldest first.
        setting: what the agent works on, and which agent and model it is, as the environment says.
    """
    padded = [("^", "^")] * 3 + list(history[-3:])
    (coarse3, _), (coarse2, fine2), (coarse1, fine1) = padded[-3:]
    application, agent = setting
    return [
        "",
        f"1 {coarse1}",
        f"a {application}|{coarse1}",
        f"2 {coarse2}|{coarse1}",
        f"3 {coarse2}|{fine1}",
        f"b {application}|{agent}|{fine1}",
        f"4 {fine2}|{fine1}",
        f"5 {coarse3}|{coarse2}|{fine1}",
    ]


def setting_of(environment: Mapping[str, str]) -> tuple[str, str]:
    """What contexts see of a session's environment."""
    return environment.get("application", ""), f"{environment.get('agent', '')} {environment.get('model', '')}"


Counts = Mapping[str, Mapping[int, int]]


def blend(counts: Counts, keys: Sequence[str], strength: float = 1.0) -> dict[int, float]:
    """Probability of each outcome seen under any of the contexts, longest context trusted most.

    Args:
        counts: context -> outcome -> how often.
        keys: contexts, most general first.
        strength: how many pseudo-observations each distinct outcome of a level lends to the level below.
    """
    found: dict[int, float] = {}
    for key in keys:
        seen = counts.get(key)
        if not seen:
            continue
        total = sum(seen.values())
        escape = strength * len(seen)
        scale = escape / (total + escape)
        if found:
            for outcome in found:
                found[outcome] *= scale
        share = 1.0 / (total + escape) if found else 1.0 / total
        for outcome, count in seen.items():
            found[outcome] = found.get(outcome, 0.0) + count * share
    return found
