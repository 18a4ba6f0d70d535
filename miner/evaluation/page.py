"""Sections of a report as Markdown, and as one HTML page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from miner.evaluation.sections import Section, Table

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2330;--soft:#667085;--line:#d8dde6;--paper:#fbfbf9;--a:#0d9488;--b:#6169e8;--c:#b27812;--d:#c9542f}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#98a2b3;--line:#333b49;--paper:#14181f;--a:#2bb5a6;--b:#9aa0fa;--c:#e0ac4a;--d:#ee8163}}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:68rem;margin:3rem auto;padding:0 1.5rem}
h1{font-size:1.9rem;margin:0 0 .3rem}h2{font-size:1.25rem;margin:2.8rem 0 .6rem;padding-top:1rem;border-top:1px solid var(--line)}
p{max-width:46rem}.lead{color:var(--soft)}.wide{overflow-x:auto}
table{border-collapse:collapse;margin:1rem 0;font-size:.86rem;font-variant-numeric:tabular-nums}
th{font-weight:600;text-align:right;color:var(--soft);vertical-align:bottom}td{text-align:right}
th,td{padding:.28rem .7rem;white-space:nowrap;border-bottom:1px solid var(--line)}
th.words,td.words{text-align:left;white-space:normal}td.words{min-width:9rem}td small{display:block;color:var(--soft)}
th:first-child,td:first-child{padding-left:0}tr:hover td{background:color-mix(in srgb,var(--a) 7%,transparent)}
.charts{display:flex;flex-wrap:wrap;gap:1.5rem}.charts svg{flex:1 1 24rem;max-width:40rem;height:auto}
svg text{font:12px system-ui,sans-serif;fill:var(--ink)}svg .tick,svg .axis,svg .words{fill:var(--soft)}
.grid{stroke:var(--line);fill:none}.line{fill:none;stroke-width:2}.line.grid{stroke-dasharray:4 4}
.line.a{stroke:var(--a)}.line.b{stroke:var(--b)}.line.c{stroke:var(--c)}.line.d{stroke:var(--d)}
circle.a,rect.a,text.a{fill:var(--a)}circle.b,text.b{fill:var(--b)}circle.c,text.c{fill:var(--c)}circle.d,text.d{fill:var(--d)}
"""  # noqa: E501 - a style sheet reads better a rule a line


def markdown(title: str, sections: Sequence[Section]) -> str:
    """The report as Markdown, without its charts."""
    parts = [f"# {title}", ""]
    for section in sections:
        parts += [f"## {section.title}", ""]
        for words in section.words:
            parts += [words, ""]
        for table in section.tables:
            parts += [*_markdown_table(table), ""]
    return "\n".join(parts)


def html(title: str, sections: Sequence[Section]) -> str:
    """The report as one page: style and curves are inside it."""
    body = [f"<h1>{escape(title)}</h1>", '<p class="lead">Held-out sessions only. Every share says of what.</p>']
    for section in sections:
        body.append(f"<section><h2>{escape(section.title)}</h2>")
        body += [f"<p>{escape(words).replace(' %', '&nbsp;%')}</p>" for words in section.words]
        body += [_html_table(table) for table in section.tables if table.rows]
        if section.charts:
            body.append('<div class="charts">' + "".join(section.charts) + "</div>")
        body.append("</section>")
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    return f"{head}<title>{escape(title)}</title><style>{_STYLE}</style><body>{''.join(body)}</body></html>\n"


def write_report(
    folder: Path, sections: Sequence[Section], title: str = "What can be predicted, and what it saves"
) -> None:
    """``report.md`` and ``report.html`` in a run folder."""
    (folder / "report.md").write_text(markdown(title, sections), encoding="utf-8")
    (folder / "report.html").write_text(html(title, sections), encoding="utf-8")


def _markdown_table(table: Table) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    marks = ["---" if column in table.words else "---:" for column in range(len(table.headings))]
    return [line(table.headings), line(marks), *(line(row) for row in table.rows)] if table.rows else []


def _html_table(table: Table) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        kinds = (column in table.words for column in range(len(cells)))
        return "".join(
            f'<{tag} class="words">{escape(cell)}</{tag}>' if words else f"<{tag}>{_figure(cell)}</{tag}>"
            for words, cell in zip(kinds, cells, strict=True)
        )

    rows = "".join(f"<tr>{line('td', row)}</tr>" for row in table.rows)
    return f'<div class="wide"><table><tr>{line("th", table.headings)}</tr>{rows}</table></div>'


def _figure(cell: str) -> str:
    """A number, with what stands behind it in brackets on a line of its own: tables of intervals are wide."""
    figure, bracket, rest = cell.partition(" (")
    return f"{escape(figure)}<small>({escape(rest)}</small>" if bracket else escape(cell)
