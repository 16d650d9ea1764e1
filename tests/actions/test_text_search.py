"""Searches for words and single letters against a naive evaluation in Python."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from mlrun_cli.actions.runs import list_runs
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.store.db.sqlite import text_endings, trigrams
from mlrun_cli.store.runs import text_conditions
from mlrun_cli.workspace import Workspace
from tests.actions.naive_query import Facts
from tests.actions.query_plans import seem_many
from tests.actions.run_samples import COMPLETED, add_run, insert_with_loss, open_workspace


def test_single_letters_are_found_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seem_many(monkeypatch)
    letters = "!q7ü漢😀"
    with open_workspace(tmp_path) as workspace:
        chance = random.Random(6)
        for key in range(1, 4 * len(letters) + 1):
            add_run(workspace, chance)
            workspace.runs.remove_tags(key, list(workspace.runs.get_tags(key)))
            workspace.runs.update(key, description=None, display_name=None)
        for first, letter in zip(range(1, 100, 4), letters, strict=False):
            workspace.runs.update(first, description=f"x{letter}")
            workspace.runs.update(first + 1, display_name=f"{letter}y")
            workspace.runs.set_tags(first + 2, {f"x{letter}": None})
            workspace.runs.set_tags(first + 3, {letter: "x"})
        _compare_searches(workspace, letters)
        for first, letter in zip(range(1, 100, 4), letters, strict=False):
            workspace.runs.remove_tags(first + 3, [letter])
            workspace.runs.set_tags(first + 3, {letter.upper() if letter.isascii() else letter: None})
        _compare_searches(workspace, letters)


def test_single_letters_are_found_at_the_end_of_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seem_many(monkeypatch)
    letters = "!qü漢"
    with open_workspace(tmp_path) as workspace:
        for letter in letters:
            capital = letter.upper() if letter.isascii() else letter
            _insert_with_texts(workspace, f"one{letter}", [], {})
            _insert_with_texts(workspace, "one", [f"--data=/x{letter}"], {})
            _insert_with_texts(workspace, "one", [f"--data={capital}"], {})
            _insert_with_texts(workspace, "one", [f"--data={letter * 2000}"], {})
            _insert_with_texts(workspace, "one", ["--data=x"], {"team": f"x{letter}"})
            _insert_with_texts(workspace, "one", ["--data=x"], {"team": capital, "week": None})
            _insert_with_texts(workspace, "one", ["--data=x"], {"note": f"{'x' * 2000}y{letter}"})
        _compare_searches(workspace, letters, at_least=5)
        found = trigrams.list_trigrams(workspace._database, "ü", 1000)
        expected = {"neü", "/xü", "a=ü", "=üü", "üüü", " xü", "m ü", "xyü"}
        assert found is not None
        assert {each for each in found if each.endswith("ü")} == expected

        for texts_per_value in (1, 5, 100):
            monkeypatch.setattr(text_endings, "_TEXTS_PER_VALUE", texts_per_value)
            _compare_searches(workspace, letters, at_least=5)
        monkeypatch.setattr(text_endings, "_TEXTS_PER_VALUE", 0.001)
        for letter in letters:
            _insert_with_texts(workspace, letter, [], {})
        _compare_searches(workspace, letters, at_least=6)


def _insert_with_texts(
    workspace: Workspace, experiment_name: str, arguments: Sequence[str], tags: Mapping[str, str | None]
) -> None:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers(experiment_name)
        values = {**COMPLETED, "definition": {"arguments": arguments}}
        key = workspace.runs.insert(experiment, number, f"run_{experiment.key}_{number}", **values)
        workspace.runs.set_tags(key, tags)


def test_short_words_are_searched_by_the_trigrams_of_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seem_many(monkeypatch)
    with open_workspace(tmp_path) as workspace:
        for loss in range(3):
            insert_with_loss(workspace, loss)
        workspace.runs.update(2, description="Zqx")
        workspace.runs.update(3, display_name="a zq, b üZQ")
        _compare_searches(workspace, ["zq"], at_least=2)
        _compare_searches(workspace, ["qz"], at_least=0)

        condition = text_conditions.determine_text_condition(workspace._database, "zq qz")
        condition = text_conditions.leave_out_missing_terms(workspace._database, "zq qz", condition)
    found, none = str(condition.parameters["words"]).split(" AND ")
    assert set(found.strip("()").split(" OR ")) == {'" zq"', '"üzq"', '"zqx"', '"zq,"', '"\nzq"', '"zq\n"'}
    assert "OR" not in none


def _compare_searches(workspace: Workspace, words: Sequence[str], at_least: int = 4) -> None:
    """Search for each word, and compare the runs with those whose texts contain it."""
    every = [Facts(workspace, run) for run in list_runs(workspace, RunFilter())]
    for word in words:
        expected = [facts.run.run_id for facts in every if facts.contains(word)]
        assert len(expected) >= at_least
        assert [run.run_id for run in list_runs(workspace, RunFilter(text=word))] == expected, word
