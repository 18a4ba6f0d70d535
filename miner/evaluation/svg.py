"""Curves as inline SVG: no script, no font, no file beside the page; readable in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 44
_TICKS = 5


class Line(NamedTuple):
    """One curve; ``style`` is a class of the page's style sheet."""

    label: str
    points: Sequence[tuple[float, float]]
    style: str = "a"
    dots: bool = False


def chart(title: str, x: str, y: str, lines: Sequence[Line], *, top: float = 1.0, right: float = 1.0) -> str:
    """Lines over a grid from 0 to ``right`` and ``top``, with axes named and a legend when there are several."""
    middle = 'text-anchor="middle"'
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        *_grid(top, right),
        f'<text class="axis" x="{(_LEFT + WIDTH - _RIGHT) / 2:.0f}" y="{HEIGHT - 6}" {middle}>{escape(x)}</text>',
        f'<text class="axis" transform="translate(12 {HEIGHT / 2 - 10:.0f}) rotate(-90)" {middle}>{escape(y)}</text>',
    ]
    for place, line in enumerate(lines):
        places = [_at(point, top, right) for point in line.points]
        path = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
        parts.append(f'<polyline class="line {line.style}" points="{path}"/>')
        if line.dots:
            parts += [f'<circle class="{line.style}" cx="{a:.1f}" cy="{d:.1f}" r="3"/>' for a, d in places]
        if len(lines) > 1:
            down = _TOP + 14 + 16 * place
            parts.append(f'<text class="legend {line.style}" x="{_LEFT + 8}" y="{down}">{escape(line.label)}</text>')
    return "".join([*parts, "</svg>"])


def bars(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """Horizontal bars: label, share of the longest, and the words at their end."""
    height = 26 * len(rows) + 8
    parts = [f'<svg viewBox="0 0 640 {height}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>']
    for place, (label, share, words) in enumerate(rows):
        down = 26 * place + 4
        long = 300 * min(1.0, max(0.0, share))
        parts.append(f'<text class="label" x="222" y="{down + 15}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<rect class="a" x="230" y="{down + 3}" width="{long:.1f}" height="16" rx="2"/>')
        parts.append(f'<text class="words" x="{238 + long:.1f}" y="{down + 15}">{escape(words)}</text>')
    return "".join([*parts, "</svg>"])


def _grid(top: float, right: float) -> list[str]:
    parts = []
    for tick in range(_TICKS + 1):
        across, down = _at((right * tick / _TICKS, top * tick / _TICKS), top, right)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{down:.1f}" y2="{down:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 6}" y="{down + 4:.1f}" text-anchor="end">{top * tick / _TICKS:.3g}</text>'
        )
        parts.append(
            f'<text class="tick" x="{across:.1f}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle">'
            f"{right * tick / _TICKS:.3g}</text>"
        )
    return parts


def _at(point: tuple[float, float], top: float, right: float) -> tuple[float, float]:
    across = _LEFT + (WIDTH - _LEFT - _RIGHT) * (point[0] / right if right else 0)
    down = HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (point[1] / top if top else 0)
    return across, down
