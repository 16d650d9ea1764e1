"""Pages by sets of keys against those without, whatever plan is chosen."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from mlrun_cli.actions.run_values import parse_run_order
from mlrun_cli.core.time import now
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import RunOrder
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.where.parser import parse_condition
from mlrun_cli.store.runs import key_plans, page_store
from mlrun_cli.store.runs.key_plans import AnyKeySet, CombinedSet, KeyPlan, KeySet
from mlrun_cli.workspace import Workspace
from tests.actions.query_plans import record_plans, seem_many, set_costs, use_sets
from tests.actions.run_samples import (
    COLUMNS,
    COMPLETED,
    DAY,
    LONG_TEXT,
    NOW,
    PREDICATES,
    RUNS,
    TEXTS,
    draw_condition,
    insert_with_loss,
    list_keys,
    open_workspace,
)


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
        f"description != '{LONG_TEXT} end'",
        "loss != 0.5",
    ]
    for text in [*PREDICATES, *several * 30, *(draw_condition(chance, chance.choice([1, 2, 3])) for _ in range(150))]:
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
    seem_many(monkeypatch)
    use_sets(monkeypatch, few_keys)
    record_plans(monkeypatch, plans)

    for text, which, order, window, expected in cases:
        # Any plan gives the same runs, be it fast or not.
        monkeypatch.setattr(key_plans, "_SAMPLE", chance.choice([1, 5, RUNS, RUNS]))
        monkeypatch.setattr(key_plans, "_SURPLUS", chance.choice([1, 3, 8]))
        monkeypatch.setattr(key_plans, "_MARGIN", chance.choice([0, 2]))
        costs = chance.choice([(0.01, 0.01, 100, 100), (1, 0.01, 100, 1), (1, 1, 1, 1), (1, 0.1, 1, 100)])
        set_costs(monkeypatch, *costs)
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
    with open_workspace(tmp_path) as workspace:
        for place in range(24):
            with workspace.transaction():
                experiment, number = workspace.experiments.reserve_run_numbers("one")
                status = (RunStatus.COMPLETED, RunStatus.RUNNING, RunStatus.QUEUED)[place % 3]
                started = None if status == RunStatus.QUEUED else moment - (place + 1) * DAY
                ended = moment - DAY // 2 if status == RunStatus.COMPLETED else None
                values = {**COMPLETED, "status": status, "started_at": started, "ended_at": ended}
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
        seem_many(monkeypatch)
        use_sets(monkeypatch, RUNS)
        record_plans(monkeypatch, plans)

        assert [list_keys(workspace, which, order[down], *window) for which, down, *window in cases] == expected
    assert len(expected[3]) > 10
    assert plans


def test_what_every_run_has_is_read_by_its_complement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[KeyPlan] = []
    is_complete = key_plans._is_complete
    with open_workspace(tmp_path) as workspace:
        keys = [insert_with_loss(workspace, loss) for loss in (0, 1, 2, 3, 4)]
        seem_many(monkeypatch)
        use_sets(monkeypatch, RUNS)
        record_plans(monkeypatch, plans)
        which = RunFilter(where=parse_condition("not loss > 0", NOW))
        order = parse_run_order(workspace, "loss", descending=True)

        assert list_keys(workspace, which, order, 2, 0) == [keys[0]]
        assert _count_complements(plans) == 1

        # The sample does not see that a run has no value, nor that it has been deleted.
        monkeypatch.setattr(key_plans, "_SAMPLE", 3)
        last = insert_with_loss(workspace, None)
        monkeypatch.setattr(key_plans, "_is_complete", lambda *_: pytest.fail("The newest run has no value."))
        assert list_keys(workspace, which, order, 2, 0) == [keys[0], last]
        monkeypatch.setattr(key_plans, "_is_complete", is_complete)
        insert_with_loss(workspace, 5)
        assert list_keys(workspace, which, order, 2, 0) == [keys[0], last]
        with workspace.transaction():
            workspace.runs.delete(last)
        assert list_keys(workspace, which, order, 2, 0) == [keys[0]]
    assert _count_complements(plans) == 1


def test_values_that_a_deleted_run_has_left_are_no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[KeyPlan] = []
    with open_workspace(tmp_path) as workspace:
        keys = [insert_with_loss(workspace, loss) for loss in (0, 1, 2, 3, 4)]
        workspace._database.execute("DELETE FROM runs WHERE run_key = :key", key=keys[1])
        seem_many(monkeypatch)
        use_sets(monkeypatch, RUNS)
        record_plans(monkeypatch, plans)
        which = RunFilter(where=parse_condition("not loss > 1", NOW))

        assert list_keys(workspace, which, parse_run_order(workspace, "loss", descending=True), 2, 0) == [keys[0]]
    assert _count_complements(plans) == 1


def test_values_that_the_newest_run_has_left_are_no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[KeyPlan] = []
    with open_workspace(tmp_path) as workspace:
        keys = [insert_with_loss(workspace, loss) for loss in (0, 1, 1, 0, 0, 1, 1, 2)]
        for key, team in zip(keys, "aabbbbba", strict=True):
            workspace.runs.set_tags(key, {"team": team})
        workspace._database.execute("DELETE FROM runs WHERE run_key = :key", key=keys[-1])
        seem_many(monkeypatch)
        use_sets(monkeypatch, RUNS)
        record_plans(monkeypatch, plans)
        set_costs(monkeypatch, 0.01, 0.01, 100, 100)
        which = RunFilter(where=parse_condition("tag.team = a and loss > 0", NOW))

        assert list_keys(workspace, which, parse_run_order(workspace, "name", descending=True), 2, 0) == [keys[1]]
    assert len(plans[-1].sets) == 2


def _count_complements(plans: Sequence[KeyPlan]) -> int:
    return sum(isinstance(each, KeySet) and bool(each.counterpart) for plan in plans for each in plan.sets)


@pytest.mark.parametrize("few_keys", [0, RUNS])
def test_runs_without_a_value_stay_behind_those_beyond_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few_keys: int
) -> None:
    plans: list[KeyPlan] = []
    with open_workspace(tmp_path) as workspace:
        for loss in (*range(8), 10, 11, 12, None, None):
            with workspace.transaction():
                experiment, number = workspace.experiments.reserve_run_numbers("one")
                key = workspace.runs.insert(experiment, number, f"one_{number}", **COMPLETED)
                workspace.runs.set_tags(key, {"team": "b" if loss in range(8) else "a"})
                if loss is not None:
                    workspace.metrics.add(key, [LoggedValue(VALUE, "loss", 1, None, loss, None)])
        which = RunFilter(where=parse_condition("tag.team = a", NOW))
        order = parse_run_order(workspace, "loss", descending=False)
        seem_many(monkeypatch)
        use_sets(monkeypatch, few_keys)
        record_plans(monkeypatch, plans)
        # The bound is the first run that matches, so that the plan finds a single one with a value.
        monkeypatch.setattr(key_plans, "_SURPLUS", 1)
        monkeypatch.setattr(key_plans, "_MARGIN", 0)
        set_costs(monkeypatch, 4, 0.01, 100, 1)

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
    with open_workspace(tmp_path) as workspace:
        keys = [insert_with_loss(workspace, loss if loss in (3, 8, 9, 20) else None) for loss in range(40)]
        for key in keys[::2]:
            workspace.runs.set_tags(key, {"team": "a"})
        which = RunFilter(where=parse_condition("tag.team = a", NOW))
        order = parse_run_order(workspace, "loss", descending=True)
        seem_many(monkeypatch)
        use_sets(monkeypatch, few_keys=0)
        record_plans(monkeypatch, plans)
        # So few runs have a value that none is chosen as a bound.
        monkeypatch.setattr(key_plans, "_SURPLUS", 5)
        set_costs(monkeypatch, 1, 1, 0.01, 1)
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
    with open_workspace(tmp_path) as workspace:
        keys = [insert_with_loss(workspace, loss) for loss in range(40)]
        for key in keys[::2]:
            workspace.runs.set_tags(key, {"team": "a"})
        which = RunFilter(where=parse_condition("tag.team = a and loss >= 20", NOW))
        seem_many(monkeypatch)
        use_sets(monkeypatch, few_keys=0)
        record_plans(monkeypatch, plans)
        monkeypatch.setattr(key_plans, "_SURPLUS", 1)
        # A check costs as much as a set of ten runs.
        set_costs(monkeypatch, 0.1, 0.1, 1, 1)
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
    with open_workspace(tmp_path) as workspace:
        keys = [insert_with_loss(workspace, loss) for loss in (3, 1, None, 2)]
        for key in keys:
            workspace.runs.set_tags(key, {"team": "a"})
        seem_many(monkeypatch)
        use_sets(monkeypatch, few_keys=RUNS)
        set_costs(monkeypatch, 1, 1, 1, 0)
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
    with open_workspace(tmp_path) as workspace:
        keys = [insert_with_loss(workspace, number % 2) for number in range(60)]
        seem_many(monkeypatch)
        use_sets(monkeypatch, few_keys=0)
        record_plans(monkeypatch, plans)
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
