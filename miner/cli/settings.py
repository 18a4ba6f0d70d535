"""Print all settings as TOML, each with what it does: the start of a settings file of your own."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from miner.cli import console
from miner.settings import load_settings, settings_as_dict


@click.command()
@click.option("--settings", "path", type=click.Path(path_type=Path), help="Show what this file makes of them.")
@console.json_option
def command(path: Path | None, as_json: bool) -> None:
    """Print all settings as TOML, each with what it does: the start of a settings file of your own."""
    settings = load_settings(path)
    if as_json:
        console.say_json(settings_as_dict(settings))
        return
    for step in dataclasses.fields(settings):
        console.say("\n".join(_table(step.name, getattr(settings, step.name))))


def _table(name: str, step: Any) -> Iterator[str]:
    """The lines of one step: a heading, then each value under its explanation; tables of a step come last."""
    explained = _explanations(type(step))
    values = [(item.name, getattr(step, item.name)) for item in dataclasses.fields(step)]
    yield f"# {inspect.getdoc(type(step))}"
    yield f"[{name}]"
    for key, value in sorted(values, key=lambda entry: isinstance(entry[1], dict)):
        yield from (f"# {line}" for line in explained.get(key, "").splitlines())
        if isinstance(value, dict):
            yield f"[{name}.{key}]"
            yield from (f"{_toml(inner)} = {_toml(item)}" for inner, item in value.items())
        else:
            # TOML has no word for nothing: a setting without a value is shown, and left out.
            yield f"# {key} =" if value is None else f"{key} = {_toml(value)}"
    yield ""


def _toml(value: Any) -> str:
    """A value as TOML, which writes plain values and lists as JSON does."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _explanations(kind: type) -> dict[str, str]:
    """Field -> the sentence under it, which only the source holds."""
    (definition,) = ast.parse(inspect.getsource(kind)).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    found = {}
    for line, below in pairwise(body):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(below, ast.Expr):
            found[line.target.id] = inspect.cleandoc(ast.literal_eval(below.value))
    return found
