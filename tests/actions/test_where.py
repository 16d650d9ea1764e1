"""Conditions against a naive evaluation in Python, on runs of all kinds."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.actions.run_columns import read_metric_columns, read_parameter_columns
from mlrun_cli.actions.run_pages import get_run_page, list_sorted_runs
from mlrun_cli.actions.run_values import parse_run_order, resolve_where
from mlrun_cli.actions.runs import list_runs
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import now
from mlrun_cli.errors import InvalidFilter
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import METRIC, PARAMETER, PROPERTY, TAG, RunOrder
from mlrun_cli.runs.parameters import parse_number
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.where.column_choice import parse_metric_choice, parse_parameter_choice
from mlrun_cli.runs.where.condition import AllOf, AnyOf, Condition, Negation, Predicate
from mlrun_cli.runs.where.parser import parse_condition
from mlrun_cli.runs.where.value_name import PLAIN, parse_value_names
from mlrun_cli.store.db.sqlite import text_endings, trigrams
from mlrun_cli.store.runs import conditions, key_plans, key_sets, page_store, text_conditions
from mlrun_cli.store.runs.key_plans import AnyKeySet, CombinedSet, KeyPlan, KeySet
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

DAY = 86_400_000_000
NOW = 1_800_000_000_000_000
RUNS = 40
_COMPLETED = {"status": RunStatus.COMPLETED, "run_type": SCRIPT_RUN, "user_name": "me"}

_LONG = "as many letters as the index of descriptions has and then, beyond: the"
_DESCRIPTIONS = (None, "short", "Short, too", _LONG, f"{_LONG} end", f"{_LONG} End.", "Grüße, ÜB zq")

PREDICATES = (
    "loss < 0.5",
    "loss != 0.25",
    "metric.lr > 0.1",
    "max(loss) >= 0.5",
    "min(loss) in (0, 0.25)",
    "metric.loss",
    "lr >= 0.01",
    "param.lr >= 0.1",
    "param.lr in (0.1, 1)",
    "param.lr != 0.1",
    "lr = auto",
    "param.lr < b",
    "param.lr ~ 0.",
    "opt != adam",
    "opt !~ AD",
    "param.opt",
    "param.seed > 2",
    "tag.team = a",
    "tag.team != a",
    "tag.team",
    "tag.level > 1",
    "tag.level ~ 1",
    "tag.team in (a, c)",
    "property.size <= 10",
    "property.size = 10",
    "status = failed",
    "status != failed",
    "status in (completed, canceled)",
    "name = first",
    "name ~ IR",
    "name !~ ir",
    "experiment = one",
    "experiment ~ t",
    "target != local",
    "target in (local, gpu)",
    "user = me",
    "run_number <= 5",
    "exit_code = 1",
    "exit_code != 0",
    "exit_code >= 1 and exit_code < 2",
    "exit_code in (1, 2)",
    "description = short",
    "description != short",
    "description ~ SHO",
    "description !~ end",
    f"description = '{_LONG} end'",
    f"description != '{_LONG} end'",
    f"description in (short, '{_LONG} end')",
    "description ~ ' end'",
    *(f"created {operator} 2027-01-10" for operator in ("=", "!=", ">")),
    "started <= 2027-01-10",
    "ended > 3d",
    "ended > 8d and ended <= 2d",
    "ended != 2027-01-10",
    "duration > 30m",
    "duration <= 1h",
    "nothing > 0",
)


COLUMNS = (
    *("loss", "max(loss)", "param.lr", "created", "started", "duration", "tag.level", "tag.team", "name", "target"),
    *("experiment", "description"),
)
TEXTS = (
    *("first", "adam", "other sgd", "two ad", "zq", "ZQ first", "=3", "ir sh", "e", "1", "a 2"),
    *("üß", "Grüße zq", "grüße", "ÜB", "no such", "qz", "x ad", "%", "_2", "te", "Q", "ü q", "x", ":"),
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with _open_workspace(tmp_path_factory.mktemp("home")) as opened:
        chance = random.Random(1)
        for _ in range(RUNS):
            _add_run(opened, chance)
        yield opened


def _open_workspace(home: Path) -> Workspace:
    place = locate_workspace(home, WorkspaceIdentity("s", "g", "w"))
    return Workspace.open(place, create=True, redactor=Redactor())


def _add_run(workspace: Workspace, chance: random.Random) -> None:
    started = NOW - chance.randrange(10) * DAY - chance.randrange(DAY)
    arguments = [
        *_maybe(chance, "--lr", "0.01", "0.1", "1.0", "auto", "best"),
        *_maybe(chance, "--opt", "adam", "sgd", "Adamax"),
        f"--seed={chance.randrange(6)}",
    ]
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers(chance.choice(["one", "two"]))
        key = workspace.runs.insert(
            experiment,
            number,
            f"{experiment.name}_{number}",
            status=chance.choice([RunStatus.FAILED, RunStatus.COMPLETED, RunStatus.CANCELED]),
            run_type=SCRIPT_RUN,
            user_name=chance.choice(["me", "you"]),
            target=chance.choice([None, "local", "gpu"]),
            display_name=chance.choice([None, "first", "third", "other"]),
            exit_code=chance.choice([None, 0, 1]),
            description=chance.choice(_DESCRIPTIONS),
            started_at=started,
            ended_at=started + chance.choice([60, 1800, 3600, 7200]) * 1_000_000,
            definition={"arguments": arguments},
        )
        workspace.runs.update(key, created_at=started - 1)
        workspace.runs.set_tags(key, {"team": chance.choice(["a", "b", None]), "level": chance.choice(["1", "2", "x"])})
        if chance.random() < 0.5:
            workspace.runs.remove_tags(key, ["team"])
            workspace.runs.add_properties(key, {"size": chance.choice(["5", "10", "20", "big"])})
        for name in ("loss", "lr"):
            values = [chance.choice([0, 0.25, 0.5, 1, math.nan]) for _ in range(chance.randrange(3))]
            workspace.metrics.add(key, [LoggedValue(VALUE, name, 1, None, value, None) for value in values])


def _maybe(chance: random.Random, option: str, *values: str) -> Sequence[str]:
    return [option, chance.choice(values)] if chance.random() < 0.7 else []


@pytest.fixture(params=["few", "many", "sets of few", "sets", "first runs"])
def _size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each query be answered as among few runs, or as among very many, with or without sets of keys."""
    if request.param != "few":
        _seem_many(monkeypatch)
    if request.param.startswith("sets"):
        _use_sets(monkeypatch, few_keys=0 if request.param == "sets" else RUNS)
    if request.param == "first runs":
        _use_sets(monkeypatch, few_keys=0)
        monkeypatch.setattr(page_store, "_FIRST_RUNS", 3)
        monkeypatch.setattr(page_store, "_MAX_FIRST_RUNS", RUNS)


def _seem_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_store, "_FEW", 0)
    monkeypatch.setattr(page_store, "_FEW_TO_COUNT", 0)
    monkeypatch.setattr(conditions, "RARE", 0)
    monkeypatch.setattr(text_conditions, "_FEW_TEXTS", 0)
    # Terms of the index are used for each word that the sample does not contain everywhere.
    monkeypatch.setattr(text_conditions, "_RARE", 1.1)
    monkeypatch.setattr(text_conditions, "_CERTAIN", 5)
    monkeypatch.setattr(text_conditions, "_COMMON", 0)
    monkeypatch.setattr(key_plans, "_MANY_TEXTS", 0)
    monkeypatch.setattr(trigrams, "_TEXTS_PER_LOOK", 0.001)
    monkeypatch.setattr(text_endings, "_TEXTS_PER_VALUE", 0.001)


def _use_sets(monkeypatch: pytest.MonkeyPatch, few_keys: int) -> None:
    monkeypatch.setattr(page_store, "_FEW_TO_CHECK", 0)
    for name in ("_FIRST_RUNS", "_FIRST_SEARCHED", "_FIRST_FOUND", "_FIRST_FOUND_TO_CHECK"):
        monkeypatch.setattr(page_store, name, 1)
    monkeypatch.setattr(page_store, "_MAX_FIRST_RUNS", 0)
    monkeypatch.setattr(key_sets, "_FEW_KEYS", few_keys)


class _Facts:
    """The values of a run, as the naive evaluation sees them."""

    def __init__(self, workspace: Workspace, run: Run) -> None:
        self.run = run
        self.parameters = workspace.parameters.get(run.key)
        self.metrics = workspace.metric_summaries.get_for_runs([run.key], ["loss", "lr"])

    def get(self, predicate: Predicate) -> Any:
        kind, name, which = predicate.name
        if kind == METRIC:
            summary = self.metrics.get((self.run.key, name))
            return None if summary is None else summary.get_statistic(which)
        is_text = predicate.operator in {"~", "!~"}
        if kind == PARAMETER:
            parameter = self.parameters.get(name)
            return None if parameter is None else parameter.text if is_text else parameter.sort_value
        if kind in {TAG, PROPERTY}:
            text = (self.run.tags if kind == TAG else self.run.properties).get(name)
            number = parse_number(text or "")
            return text if is_text or number is None or predicate.operator in {"=", "!=", "in"} else number
        return {
            "status": self.run.status.value,
            "experiment": self.run.experiment_name,
            "submitter": self.run.user_name,
            "created": self.run.created_at,
            "started": self.run.started_at,
            "ended": self.run.ended_at,
            "duration": self.run.compute_elapsed_seconds(0),
        }.get(name, getattr(self.run, name, None))

    def get_sort_value(self, column: str) -> Any:
        (name,) = parse_value_names(column)
        if name.kind == PLAIN:
            name = name._replace(kind=METRIC)
        value = self.get(Predicate(name, "<"))
        return value[:64] if column == "description" and value is not None else value

    def contains(self, text: str) -> bool:
        run = self.run
        names = [run.run_id, run.user_name, run.display_name or "", run.description or "", run.experiment_name]
        own = "\n".join([*names, *(f"{name}={each.text}" for name, each in self.parameters.items())])
        tags = "\n".join(f"{key} {value or ''}" for key, value in run.tags.items())
        return all(word.lower() in own.lower() or word.lower() in tags.lower() for word in text.split())

    def exists(self, predicate: Predicate) -> bool:
        kind, name, _ = predicate.name
        places: Mapping[str, Any] = {
            METRIC: {name for _, name in self.metrics},
            PARAMETER: self.parameters,
            TAG: self.run.tags,
            PROPERTY: self.run.properties,
        }
        return name in places[kind]


def holds(condition: Condition, facts: _Facts) -> bool:
    if isinstance(condition, Negation):
        return not holds(condition.condition, facts)
    if isinstance(condition, AllOf):
        return all(holds(each, facts) for each in condition.conditions)
    if isinstance(condition, AnyOf):
        return any(holds(each, facts) for each in condition.conditions)
    if condition.operator == "exists":
        return facts.exists(condition)
    value = facts.get(condition)
    return value is not None and _compare(value, condition)


def _compare(value: Any, predicate: Predicate) -> bool:
    operator, values = predicate.operator, predicate.values
    if predicate.name.name in {"created", "started", "ended"}:
        start, end = (int(each) for each in values)
        end = max(end, start + 1)
        inside = start <= value < end
        by_operator = {
            "=": inside,
            "!=": not inside,
            "<": value < start,
            "<=": value < end,
            ">": value >= end,
            ">=": value >= start,
        }
        return bool(by_operator[operator])
    if operator in {"~", "!~"}:
        return (str(values[0]).lower() in str(value).lower()) == (operator == "~")
    if predicate.name.name == "status":
        return (value in values) == (operator != "!=")
    if operator in {"=", "!=", "in"}:
        return (value in values) == (operator != "!=")
    if isinstance(value, str) != isinstance(values[0], str):
        return False
    return bool(
        {"<": value < values[0], "<=": value <= values[0], ">": value > values[0], ">=": value >= values[0]}[operator]
    )


def _draw(chance: random.Random, depth: int = 2) -> str:
    """Return the text of a random condition."""
    if depth == 0 or chance.random() < 0.3:
        return chance.choice(PREDICATES)
    if chance.random() < 0.25:
        return f"not ({_draw(chance, depth - 1)})"
    word = chance.choice([" and ", " or "])
    return "(" + word.join(_draw(chance, depth - 1) for _ in range(chance.choice([2, 2, 3]))) + ")"


@pytest.mark.usefixtures("_size")
def test_conditions_find_the_runs_for_which_they_hold(workspace: Workspace) -> None:
    every = [_Facts(workspace, run) for run in list_runs(workspace, RunFilter())]
    assert len(every) == RUNS
    chance = random.Random(2)
    found_any = found_all = 0
    for text in [*PREDICATES, *(_draw(chance) for _ in range(80))]:
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
    every = [_Facts(workspace, run) for run in list_runs(workspace, RunFilter())]
    chance = random.Random(4)
    found = 0
    for number in range(150):
        where = parse_condition(_draw(chance), NOW) if chance.random() < 0.7 else None
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


def _sort_naively(every: Sequence[_Facts], column: str, *, descending: bool) -> Sequence[int]:
    """Return the keys of runs in an order, those without a value last, the newest of these first."""
    ranks: dict[int, Any] = {}
    for facts in every:
        value = facts.get_sort_value(column)
        if value is not None and value == value:  # noqa: PLR0124 - NaN differs from itself
            ranks[facts.run.key] = (isinstance(value, str), value, facts.run.key)
    valued = sorted(ranks, key=lambda key: ranks[key], reverse=descending)
    return [*valued, *sorted((facts.run.key for facts in every if facts.run.key not in ranks), reverse=True)]


def test_single_letters_are_found_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _seem_many(monkeypatch)
    letters = "!q7ü漢😀"
    with _open_workspace(tmp_path) as workspace:
        chance = random.Random(6)
        for key in range(1, 4 * len(letters) + 1):
            _add_run(workspace, chance)
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
    _seem_many(monkeypatch)
    letters = "!qü漢"
    with _open_workspace(tmp_path) as workspace:
        for letter in letters:
            capital = letter.upper() if letter.isascii() else letter
            _insert_with_texts(workspace, f"one{letter}", [], {})
            _insert_with_texts(workspace, "one", [f"--data=/x{letter}"], {})
            _insert_with_texts(workspace, "one", [f"--data={capital}"], {})
            _insert_with_texts(workspace, "one", [f"--data={letter * 2000}"], {})
            _insert_with_texts(workspace, "one", ["--data=x"], {"team": f"x{letter}"})
            _insert_with_texts(workspace, "one", ["--data=x"], {"team": capital, "week": None})
        _compare_searches(workspace, letters, at_least=5)
        found = trigrams.list_trigrams(workspace._database, "ü", 1000)
        expected = {"neü", "/xü", "a=ü", "=üü", "üüü", " xü", "m ü"}
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
        values = {**_COMPLETED, "definition": {"arguments": arguments}}
        key = workspace.runs.insert(experiment, number, f"run_{experiment.key}_{number}", **values)
        workspace.runs.set_tags(key, tags)


def test_short_words_are_searched_by_the_trigrams_of_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _seem_many(monkeypatch)
    with _open_workspace(tmp_path) as workspace:
        for loss in range(3):
            _insert_with_loss(workspace, loss)
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
    every = [_Facts(workspace, run) for run in list_runs(workspace, RunFilter())]
    for word in words:
        expected = [facts.run.run_id for facts in every if facts.contains(word)]
        assert len(expected) >= at_least
        assert [run.run_id for run in list_runs(workspace, RunFilter(text=word))] == expected, word


@pytest.mark.parametrize("few_keys", [0, RUNS])
def test_sets_of_keys_give_the_same_pages(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, few_keys: int) -> None:
    chance = random.Random(3)
    cases = []
    several = [
        "loss > 0.2 and loss < 0.6 and loss != 0.5",
        "loss > 0.2 and param.lr",
        "tag.team = a and loss < 0.5",
        "not param.seed > 1",
        "param.opt",
        f"description != '{_LONG} end'",
        "loss != 0.5",
    ]
    for text in [*PREDICATES, *several * 30, *(_draw(chance, chance.choice([1, 2, 3])) for _ in range(150))]:
        which = RunFilter(
            where=parse_condition(text, NOW),
            experiment_name=chance.choice([None, None, "one"]),
            text=chance.choice([None, *TEXTS]) if chance.random() < 0.5 else None,
        )
        column = chance.choice(COLUMNS)
        order = parse_run_order(workspace, column, descending=chance.random() < 0.5)
        window = (chance.randrange(1, 8), chance.choice([0, 0, *range(4), RUNS // 2]))
        cases.append((text, which, order, window, list_keys(workspace, which, order, *window)))
    plans: list[KeyPlan] = []
    _seem_many(monkeypatch)
    _use_sets(monkeypatch, few_keys)
    _record_plans(monkeypatch, plans)

    for text, which, order, window, expected in cases:
        # Any plan gives the same runs, be it fast or not.
        monkeypatch.setattr(key_plans, "_SAMPLE", chance.choice([1, 5, RUNS, RUNS]))
        monkeypatch.setattr(key_plans, "_SURPLUS", chance.choice([1, 3, 8]))
        monkeypatch.setattr(key_plans, "_MARGIN", chance.choice([0, 2]))
        costs = chance.choice([(0.01, 0.01, 100, 100), (1, 0.01, 100, 1), (1, 1, 1, 1), (1, 0.1, 1, 100)])
        _set_costs(monkeypatch, *costs)
        assert list_keys(workspace, which, order, *window) == expected, (text, order, window)
    sets = [each for plan in plans for part in plan.sets for each in _list_sets(part)]
    combined = [each for each in sets if isinstance(each, CombinedSet)]
    assert {plan.is_bounded for plan in plans} == {each.is_union for each in combined} == {True, False}
    assert {len(plan.sets) for plan in plans} >= {0, 1, 2, 3}
    assert any(plan.keys for plan in plans)
    single = [each for each in sets if isinstance(each, KeySet)]
    assert {each.is_rest for each in single} == {bool(each.ordered_by) for each in single} == {True, False}
    assert {bool(each.visiting) for each in single} == {bool(each.counterpart) for each in single} == {True, False}


def test_sets_of_keys_are_merged_with_runs_whose_duration_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = now()
    with _open_workspace(tmp_path) as workspace:
        for place in range(24):
            with workspace.transaction():
                experiment, number = workspace.experiments.reserve_run_numbers("one")
                status = (RunStatus.COMPLETED, RunStatus.RUNNING, RunStatus.QUEUED)[place % 3]
                started = None if status == RunStatus.QUEUED else moment - (place + 1) * DAY
                ended = moment - DAY // 2 if status == RunStatus.COMPLETED else None
                values = {**_COMPLETED, "status": status, "started_at": started, "ended_at": ended}
                key = workspace.runs.insert(experiment, number, f"one_{number}", **values)
                workspace.metrics.add(key, [LoggedValue(VALUE, "loss", 1, None, float(place % 5), None)])
        cases = [
            (RunFilter(where=parse_condition(text, moment)), descending, limit, offset)
            for text in ("loss < 3", "not loss < 3", "loss >= 0", "duration > 9d", "not duration > 9d and loss > 0")
            for descending in (False, True)
            for limit, offset in ((2, 0), (3, 2), (5, 4), (100, 0))
        ]
        order = [parse_run_order(workspace, "duration", descending=descending) for descending in (False, True)]
        expected = [list_keys(workspace, which, order[down], *window) for which, down, *window in cases]
        plans: list[KeyPlan] = []
        _seem_many(monkeypatch)
        _use_sets(monkeypatch, RUNS)
        _record_plans(monkeypatch, plans)

        assert [list_keys(workspace, which, order[down], *window) for which, down, *window in cases] == expected
    assert len(expected[3]) > 10
    assert plans


def test_what_every_run_has_is_read_by_its_complement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[KeyPlan] = []
    is_complete = key_plans._is_complete
    with _open_workspace(tmp_path) as workspace:
        keys = [_insert_with_loss(workspace, loss) for loss in (0, 1, 2, 3, 4)]
        _seem_many(monkeypatch)
        _use_sets(monkeypatch, RUNS)
        _record_plans(monkeypatch, plans)
        which = RunFilter(where=parse_condition("not loss > 0", NOW))
        order = parse_run_order(workspace, "loss", descending=True)

        assert list_keys(workspace, which, order, 2, 0) == [keys[0]]
        assert _count_complements(plans) == 1

        # The sample does not see that a run has no value, nor that it has been deleted.
        monkeypatch.setattr(key_plans, "_SAMPLE", 3)
        last = _insert_with_loss(workspace, None)
        monkeypatch.setattr(key_plans, "_is_complete", lambda *_: pytest.fail("The newest run has no value."))
        assert list_keys(workspace, which, order, 2, 0) == [keys[0], last]
        monkeypatch.setattr(key_plans, "_is_complete", is_complete)
        _insert_with_loss(workspace, 5)
        assert list_keys(workspace, which, order, 2, 0) == [keys[0], last]
        with workspace.transaction():
            workspace.runs.delete(last)
        assert list_keys(workspace, which, order, 2, 0) == [keys[0]]
    assert _count_complements(plans) == 1


def test_values_that_a_deleted_run_has_left_are_no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[KeyPlan] = []
    with _open_workspace(tmp_path) as workspace:
        keys = [_insert_with_loss(workspace, loss) for loss in (0, 1, 2, 3, 4)]
        workspace._database.execute("DELETE FROM runs WHERE run_key = :key", key=keys[1])
        _seem_many(monkeypatch)
        _use_sets(monkeypatch, RUNS)
        _record_plans(monkeypatch, plans)
        which = RunFilter(where=parse_condition("not loss > 1", NOW))

        assert list_keys(workspace, which, parse_run_order(workspace, "loss", descending=True), 2, 0) == [keys[0]]
    assert _count_complements(plans) == 1


def test_values_that_the_newest_run_has_left_are_no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[KeyPlan] = []
    with _open_workspace(tmp_path) as workspace:
        keys = [_insert_with_loss(workspace, loss) for loss in (0, 1, 1, 0, 0, 1, 1, 2)]
        for key, team in zip(keys, "aabbbbba", strict=True):
            workspace.runs.set_tags(key, {"team": team})
        workspace._database.execute("DELETE FROM runs WHERE run_key = :key", key=keys[-1])
        _seem_many(monkeypatch)
        _use_sets(monkeypatch, RUNS)
        _record_plans(monkeypatch, plans)
        _set_costs(monkeypatch, 0.01, 0.01, 100, 100)
        which = RunFilter(where=parse_condition("tag.team = a and loss > 0", NOW))

        assert list_keys(workspace, which, parse_run_order(workspace, "name", descending=True), 2, 0) == [keys[1]]
    assert len(plans[-1].sets) == 2


def _insert_with_loss(workspace: Workspace, loss: float | None) -> int:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("one")
        key = workspace.runs.insert(experiment, number, f"one_{number}", **_COMPLETED)
        if loss is not None:
            workspace.metrics.add(key, [LoggedValue(VALUE, "loss", 1, None, loss, None)])
    return key


def _count_complements(plans: Sequence[KeyPlan]) -> int:
    return sum(isinstance(each, KeySet) and bool(each.counterpart) for plan in plans for each in plan.sets)


@pytest.mark.parametrize("few_keys", [0, RUNS])
def test_runs_without_a_value_stay_behind_those_beyond_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few_keys: int
) -> None:
    plans: list[KeyPlan] = []
    with _open_workspace(tmp_path) as workspace:
        for loss in (*range(8), 10, 11, 12, None, None):
            with workspace.transaction():
                experiment, number = workspace.experiments.reserve_run_numbers("one")
                key = workspace.runs.insert(experiment, number, f"one_{number}", **_COMPLETED)
                workspace.runs.set_tags(key, {"team": "b" if loss in range(8) else "a"})
                if loss is not None:
                    workspace.metrics.add(key, [LoggedValue(VALUE, "loss", 1, None, loss, None)])
        which = RunFilter(where=parse_condition("tag.team = a", NOW))
        order = parse_run_order(workspace, "loss", descending=False)
        _seem_many(monkeypatch)
        _use_sets(monkeypatch, few_keys)
        _record_plans(monkeypatch, plans)
        # The bound is the first run that matches, so that the plan finds a single one with a value.
        monkeypatch.setattr(key_plans, "_SURPLUS", 1)
        monkeypatch.setattr(key_plans, "_MARGIN", 0)
        _set_costs(monkeypatch, 4, 0.01, 100, 1)

        assert list_keys(workspace, which, order, 3, 0) == [9, 10, 11]
        assert list_keys(workspace, which, order, 9, 0) == [9, 10, 11, 13, 12]
    assert plans[0].is_bounded
    first = plans[0].sets[0]
    assert isinstance(first, KeySet)
    assert first.is_rest


def test_runs_without_a_value_need_not_all_be_read_behind_the_few_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[KeyPlan] = []
    with _open_workspace(tmp_path) as workspace:
        keys = [_insert_with_loss(workspace, loss if loss in (3, 8, 9, 20) else None) for loss in range(40)]
        for key in keys[::2]:
            workspace.runs.set_tags(key, {"team": "a"})
        which = RunFilter(where=parse_condition("tag.team = a", NOW))
        order = parse_run_order(workspace, "loss", descending=True)
        _seem_many(monkeypatch)
        _use_sets(monkeypatch, few_keys=0)
        _record_plans(monkeypatch, plans)
        # So few runs have a value that none is chosen as a bound.
        monkeypatch.setattr(key_plans, "_SURPLUS", 5)
        _set_costs(monkeypatch, 1, 1, 0.01, 1)
        monkeypatch.setattr(key_plans, "_CHECK_VALUE", 0)
        expected = [keys[20], keys[8], keys[38], keys[36], keys[34]]

        assert list_keys(workspace, which, order, 4, 0) == expected[:4]
        assert list_keys(workspace, which, order, 2, 3) == expected[3:]
        assert all(plan.following for plan in plans)

        monkeypatch.setattr(key_plans, "_MAX_NEWEST", 0)
        assert list_keys(workspace, which, order, 4, 0) == expected[:4]
    assert len(plans) == 3
    assert not plans[-1].following


def test_conditions_are_read_if_the_order_has_other_runs_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[KeyPlan] = []
    with _open_workspace(tmp_path) as workspace:
        keys = [_insert_with_loss(workspace, loss) for loss in range(40)]
        for key in keys[::2]:
            workspace.runs.set_tags(key, {"team": "a"})
        which = RunFilter(where=parse_condition("tag.team = a and loss >= 20", NOW))
        _seem_many(monkeypatch)
        _use_sets(monkeypatch, few_keys=0)
        _record_plans(monkeypatch, plans)
        monkeypatch.setattr(key_plans, "_SURPLUS", 1)
        # A check costs as much as a set of ten runs.
        _set_costs(monkeypatch, 0.1, 0.1, 1, 1)
        monkeypatch.setattr(key_plans, "_CHECK_VALUE", 0)

        for descending, expected in ((False, keys[20:25:2]), (True, keys[38:33:-2])):
            order = parse_run_order(workspace, "run_number", descending=descending)
            assert list_keys(workspace, which, order, 3, 0) == expected
    are_read = [any("metrics" in each.queries[0] for each in plan.sets if isinstance(each, KeySet)) for plan in plans]
    assert are_read == [True, False]
    # No two runs are equal in this order, so the key need not be compared, too.
    queries = [each.queries[0] for plan in plans for each in plan.sets if isinstance(each, KeySet)]
    assert any(":bound_value" in each for each in queries)
    assert not any(":bound_key" in each for each in queries)


def test_metrics_of_found_runs_are_read_by_the_keys_of_these(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    with _open_workspace(tmp_path) as workspace:
        keys = [_insert_with_loss(workspace, loss) for loss in (3, 1, None, 2)]
        for key in keys:
            workspace.runs.set_tags(key, {"team": "a"})
        _seem_many(monkeypatch)
        _use_sets(monkeypatch, few_keys=RUNS)
        _set_costs(monkeypatch, 1, 1, 1, 0)
        which = RunFilter(where=parse_condition("tag.team = a", NOW))
        order = parse_run_order(workspace, "loss", descending=False)
        workspace._database._connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]

        assert list_keys(workspace, which, order, 9, 0) == [keys[1], keys[3], keys[0], keys[2]]
        workspace._database._connection.set_trace_callback(None)  # type: ignore[attr-defined]
        (read,) = [each for each in statements if "AS value FROM metrics" in each and "run_key IN (" in each]
        plan = workspace._database.rows(f"EXPLAIN QUERY PLAN {read}")
    assert "runs.run_key" not in read
    assert ["run_key=? AND name=?" in step["detail"] for step in plan] == [True]


def test_a_page_far_in_is_filled_by_checking_the_newest_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[KeyPlan] = []
    with _open_workspace(tmp_path) as workspace:
        keys = [_insert_with_loss(workspace, number % 2) for number in range(60)]
        _seem_many(monkeypatch)
        _use_sets(monkeypatch, few_keys=0)
        _record_plans(monkeypatch, plans)
        monkeypatch.setattr(page_store, "_FIRST_RUNS", 8)
        monkeypatch.setattr(page_store, "_FEW_MATCHES", 4)
        which = RunFilter(where=parse_condition("loss < 0.5", NOW))
        newest = RunOrder("created", descending=True)

        assert list_keys(workspace, which, newest, 4, 16) == keys[26:18:-2]
        assert not plans

        monkeypatch.setattr(page_store, "_FEW_MATCHES", 5)
        assert list_keys(workspace, which, newest, 4, 16) == keys[26:18:-2]
        assert plans


def _list_sets(part: AnyKeySet) -> Sequence[AnyKeySet]:
    if isinstance(part, KeySet):
        return [part]
    return [part, *(each for inner in part.parts for each in _list_sets(inner))]


def _record_plans(monkeypatch: pytest.MonkeyPatch, plans: list[KeyPlan]) -> None:
    def choose_plans(*arguments: Any, **named: Any) -> Iterator[KeyPlan]:
        for plan in key_plans.iterate_plans(*arguments, **named):
            plans.append(plan)
            yield plan

    monkeypatch.setattr(key_sets, "iterate_plans", choose_plans)


def _set_costs(monkeypatch: pytest.MonkeyPatch, *costs: float) -> None:
    for name, cost in zip(("_READ", "_SCAN", "_CHECK", "_LOOK_UP"), costs, strict=True):
        monkeypatch.setattr(key_plans, name, cost)


def list_keys(workspace: Workspace, which: RunFilter, order: RunOrder, limit: int, offset: int) -> Sequence[int]:
    resolved = resolve_where(workspace, which)
    return [run.key for run in workspace.run_pages.list_page(resolved, order, limit=limit, offset=offset)]


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
