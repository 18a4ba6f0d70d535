"""Settings: defaults, TOML, and refusals that name the setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from miner.errors import UsageError
from miner.settings import Range, Settings, load_settings, settings_as_dict, settings_from


def test_no_file_means_defaults() -> None:
    """Without a file, every setting has its default."""
    assert load_settings() == Settings()


def test_file_changes_what_it_names(tmp_path: Path) -> None:
    """A file need only say what differs."""
    path = tmp_path / "settings.toml"
    path.write_text("[mining]\nmin_sessions = 5\n[evaluation.ignored_arguments]\nBash = ['description']\n")
    settings = load_settings(path)
    assert settings.mining.min_sessions == 5
    assert settings.evaluation.ignored_arguments == {"Bash": ("description",)}
    assert settings.export == Settings().export


def test_written_settings_read_back() -> None:
    """What a run records of its settings makes the same settings again."""
    assert settings_from(settings_as_dict(Settings()), "run.json") == Settings()


def test_whole_number_may_stand_for_a_fraction() -> None:
    """``1`` is a share as good as ``1.0``, and becomes a float."""
    share = settings_from({"ingest": {"max_problem_share": 1}}, "x").ingest.max_problem_share
    assert isinstance(share, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mining": {"min_sesions": 3}}, "there is no setting mining.min_sesions"),
        ({"minin": {}}, "there is no setting minin"),
        ({"mining": 3}, "the setting mining must be a table"),
        ({"mining": {"min_sessions": 0}}, "mining.min_sessions must be at least 1"),
        ({"mining": {"min_sessions": True}}, "mining.min_sessions must be a whole number"),
        ({"mining": {"min_sessions": 2.5}}, "mining.min_sessions must be a whole number"),
        ({"ingest": {"max_problem_share": 1.5}}, "max_problem_share must be between 0 and 1"),
        ({"ingest": {"max_problem_share": float("nan")}}, "max_problem_share must be between 0 and 1"),
        ({"export": {"audience": "everyone"}}, "export.audience must be one of private, shared"),
        ({"evaluation": {"ignored_arguments": {"Bash": "x"}}}, "ignored_arguments.Bash must be a list"),
        ({"evaluation": {"ignored_arguments": {"Bash": [1]}}}, r"ignored_arguments.Bash\[0\] must be text"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], message: str) -> None:
    """A value of the wrong kind or outside its bounds is refused by the setting's full name."""
    with pytest.raises(UsageError, match=message) as refused:
        settings_from(values, "my.toml")
    assert refused.value.where == "my.toml"


def test_misspelt_key_gets_the_nearest_name() -> None:
    """A key that does not exist never means the default in silence; the nearest one is offered."""
    with pytest.raises(UsageError) as refused:
        settings_from({"mining": {"min_sesions": 3}}, "x")
    assert str(refused.value.next_step).startswith("did you mean mining.min_sessions?")


def test_file_that_is_not_toml_is_wrong_usage(tmp_path: Path) -> None:
    """A file that cannot be parsed or read is the user's to mend, and named."""
    path = tmp_path / "settings.toml"
    path.write_text("min_sessions: 3")
    with pytest.raises(UsageError, match="not TOML"):
        load_settings(path)
    with pytest.raises(UsageError, match="cannot read the settings"):
        load_settings(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("bounds", "text"),
    [(Range(1), "at least 1"), (Range(most=2), "at most 2"), (Range(0, 1), "between 0 and 1")],
)
def test_bounds_in_words(bounds: Range, text: str) -> None:
    """A bound reads as the end of a sentence."""
    assert str(bounds) == text
