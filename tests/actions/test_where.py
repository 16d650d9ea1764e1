"""Conditions against a naive evaluation in Python, on runs of all kinds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from mlrun_cli.actions.run_columns import read_metric_columns, read_parameter_columns
from mlrun_cli.actions.run_pages import get_run_page, list_sorted_runs
from mlrun_cli.actions.run_values import parse_run_order, resolve_where
from mlrun_cli.actions.runs import list_runs
from mlrun_cli.errors import InvalidFilter
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.where.column_choice import parse_metric_choice, parse_parameter_choice
from mlrun_cli.runs.where.condition import AnyOf
from mlrun_cli.runs.where.parser import parse_condition
from mlrun_cli.store.runs import page_store
from mlrun_cli.workspace import Workspace
from tests.actions.naive_query import Facts, holds
from tests.actions.query_plans import seem_many, use_sets
from tests.actions.run_samples import COLUMNS, NOW, PREDICATES, RUNS, TEXTS, draw_condition, list_keys


@pytest.fixture(params=["few", "many", "sets of few", "sets", "first runs"])
def _size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each query be answered as among few runs, or as among very many, with or without sets of keys."""
    if request.param != "few":
        seem_many(monkeypatch)
    if request.param.startswith("sets"):
        use_sets(monkeypatch, few_keys=0 if request.param == "sets" else RUNS)
    if request.param == "first runs":
        use_sets(monkeypatch, few_keys=0)
        monkeypatch.setattr(page_store, "_FIRST_RUNS", 3)
        monkeypatch.setattr(page_store, "_MAX_FIRST_RUNS", RUNS)


@pytest.mark.usefixtures("_size")
def test_conditions_find_the_runs_for_which_they_hold(workspace: Workspace) -> None:
    every = [Facts(workspace, run) for run in list_runs(workspace, RunFilter())]
    assert len(every) == RUNS
    chance = random.Random(2)
    found_any = found_all = 0
    for text in [*PREDICATES, *(draw_condition(chance) for _ in range(80))]:
        which = RunFilter(where=parse_condition(text, NOW))
        # Only the names are resolved for the naive evaluation, so that what is narrowed is tested, too.
        where = resolve_where(workspace, RunFilter(where=AnyOf((which.where, which.where)))).where  # type: ignore[arg-type]
        assert where is not None

        expected = [facts.run.run_id for facts in every if holds(where, facts)]

        assert [run.run_id for run in list_runs(workspace, which)] == expected, text
        order = parse_run_order(
            workspace, chance.choice(["loss", "param.lr", "duration", "created", "tag.level"]), descending=True
        )
        page = get_run_page(workspace, which, order, size=100)
        assert sorted(run.run_id for run in page.runs) == sorted(expected), (text, order)
        assert page.total.number == len(expected), text
        found_any += bool(expected)
        found_all += len(expected) == RUNS
    assert found_any > 60
    assert found_all < 40


@pytest.mark.usefixtures("_size")
def test_pages_hold_what_a_naive_search_and_sort_gives(workspace: Workspace) -> None:
    every = [Facts(workspace, run) for run in list_runs(workspace, RunFilter())]
    chance = random.Random(4)
    found = 0
    for number in range(150):
        where = parse_condition(draw_condition(chance), NOW) if chance.random() < 0.7 else None
        text = chance.choice(TEXTS) if where is None or chance.random() < 0.5 else None
        which = RunFilter(where=where, text=text)
        # These runs were not created in the order of their keys, which stands for `created`.
        column, descending = chance.choice([each for each in COLUMNS if each != "created"]), chance.random() < 0.5
        limit, offset = chance.randrange(1, 12), chance.choice([0, 0, 0, 3, 10])
        resolved = None if where is None else resolve_where(workspace, RunFilter(where=AnyOf((where, where)))).where
        matching = [
            facts
            for facts in every
            if (resolved is None or holds(resolved, facts)) and (text is None or facts.contains(text))
        ]

        expected = _sort_naively(matching, column, descending=descending)
        order = parse_run_order(workspace, column, descending=descending)
        assert list_keys(workspace, which, order, limit, offset) == expected[offset : offset + limit], (number, which)
        newest = sorted((facts.run.key for facts in matching), reverse=True)
        assert [run.key for run in list_runs(workspace, which._replace(last=limit))] == newest[:limit], (number, which)
        assert workspace.run_pages.count(resolve_where(workspace, which)) == len(matching), (number, which)
        found += len(expected) > offset
    assert 50 < found < 150


def _sort_naively(every: Sequence[Facts], column: str, *, descending: bool) -> Sequence[int]:
    """Return the keys of runs in an order, those without a value last, the newest of these first."""
    ranks: dict[int, Any] = {}
    for facts in every:
        value = facts.get_sort_value(column)
        if value is not None and value == value:  # noqa: PLR0124 - NaN differs from itself
            ranks[facts.run.key] = (isinstance(value, str), value, facts.run.key)
    valued = sorted(ranks, key=lambda key: ranks[key], reverse=descending)
    return [*valued, *sorted((facts.run.key for facts in every if facts.run.key not in ranks), reverse=True)]


def test_conditions_of_a_filter_and_its_fields_must_all_hold(workspace: Workspace) -> None:
    failed = frozenset({RunStatus.FAILED})
    which = RunFilter(experiment_name="one", statuses=failed, where=parse_condition("status = completed", NOW))
    assert list_runs(workspace, which) == []

    which = which._replace(where=parse_condition("status in (failed, completed) and experiment in (one, two)", NOW))
    expected = RunFilter(experiment_name="one", statuses=failed)
    assert list_runs(workspace, which) == list_runs(workspace, expected) != []


def test_runs_are_sorted_by_a_value_those_without_it_last(workspace: Workspace) -> None:
    # The metric wins over the parameter of this name.
    order = parse_run_order(workspace, "lr", descending=False)
    assert order.column == "metric:lr:last"

    for text, descending in (("param.lr", False), ("max(loss)", True), ("name", True)):
        order = parse_run_order(workspace, text, descending=descending)
        found = list_sorted_runs(workspace, RunFilter(last=RUNS), order)
        values = [_get_sort_value(workspace, run, text) for run in found]
        given = [value for value in values if value is not None]
        assert values[len(given) :] == [None] * (RUNS - len(given))
        assert given == sorted(given, reverse=descending)
    assert [run.key for run in list_sorted_runs(workspace, RunFilter(last=3), order)] == [run.key for run in found[:3]]

    for text in ("exit_code", "ended", "a,b", "avg(x)"):
        with pytest.raises(InvalidFilter):
            parse_run_order(workspace, text, descending=False)


def _get_sort_value(workspace: Workspace, run: Run, text: str) -> Any:
    if text == "name":
        return run.display_name
    if text == "param.lr":
        parameter = workspace.parameters.get(run.key).get("lr")
        # Numbers come before texts.
        return None if parameter is None else (parameter.number is None, parameter.sort_value)
    summary = workspace.metric_summaries.get_for_runs([run.key], ["loss"]).get((run.key, "loss"))
    return None if summary is None else summary.maximum


def test_columns_hold_the_chosen_values_of_runs(workspace: Workspace) -> None:
    runs = list_runs(workspace, RunFilter())

    metrics = read_metric_columns(workspace, runs, parse_metric_choice("max(loss),never,lr"))
    assert metrics.names == ["max(loss)", "never", "lr"]
    for run in runs:
        found = workspace.metric_summaries.get_for_runs([run.key], ["loss", "lr"])
        loss, lr = found.get((run.key, "loss")), found.get((run.key, "lr"))
        expected = {"max(loss)": loss and loss.maximum, "lr": lr and lr.last}
        assert metrics.get_record(run) == {name: value for name, value in expected.items() if value is not None}
    assert set(read_metric_columns(workspace, runs, parse_metric_choice("best")).names) == {"loss", "lr"}
    assert read_metric_columns(workspace, runs, parse_metric_choice("all")).names == ["loss", "lr"]

    same = [run for run in runs if getattr(workspace.parameters.get(run.key).get("opt"), "text", "") == "adam"]
    assert len(same) > 1
    assert read_parameter_columns(workspace, same, parse_parameter_choice("differing")).names == ["seed", "lr"]
    every = read_parameter_columns(workspace, same, parse_parameter_choice("all"))
    assert set(every.names) == {"lr", "opt", "seed"}
    assert all(every.get_record(run)["opt"] == "adam" for run in same)
    assert read_parameter_columns(workspace, [], parse_parameter_choice("all")).names == []
