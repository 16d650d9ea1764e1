from __future__ import annotations

import math
from typing import Any

import pytest

from mlrun_cli.errors import InvalidValue
from mlrun_cli.runs.grouping import AGGREGATES, Value, group_runs, parse_aggregates
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus

pandas = pytest.importorskip("pandas")

VALUES: list[dict[str, Value]] = [
    {"lr": 0.1, "team": "a"},
    {"lr": 10, "team": None},
    {"lr": 0.1, "team": "a"},
    {"lr": "auto", "team": "a"},
]
METRICS: list[dict[str, Any]] = [
    {"rmse": 0.5, "note": "x"},
    {"rmse": 0.25, "epoch": 3},
    {"rmse": 0.7},
    {"rmse": math.nan},
]


def run(key: int, status: RunStatus = RunStatus.COMPLETED) -> Run:
    return Run(key, f"run_{key}", "", key, "", "exp", "", status, 0, "", "", "")


def test_groups_aggregate_as_pandas_does() -> None:
    runs = [run(0), run(1), run(2, RunStatus.FAILED), run(3)]
    groups = [group.build_record() for group in group_runs(runs, VALUES, METRICS, list(AGGREGATES))]
    assert [group["group"] for group in groups] == [VALUES[0], VALUES[1], VALUES[3]]
    assert groups[0]["run_ids"] == ["run_0", "run_2"]
    assert groups[0]["statuses"] == {"Completed": 1, "Failed": 1}
    assert [group["run_count"] for group in groups] == [2, 1, 1]
    frame = pandas.DataFrame([{**value, **metrics} for value, metrics in zip(VALUES, METRICS, strict=True)])
    expected = frame[frame.lr == 0.1].rmse.agg(list(AGGREGATES))
    assert groups[0]["metrics"]["rmse"] == pytest.approx(expected.to_dict())
    assert groups[1]["metrics"]["rmse"]["std"] is None
    assert (groups[1]["metrics"]["epoch"]["max"], groups[2]["metrics"]) == (3, {})


@pytest.mark.parametrize("numbers", [[math.inf, 1], [math.inf, -math.inf], [1e300, -1e300], [10**400, 1]])
@pytest.mark.parametrize("name", AGGREGATES)
def test_any_numbers_have_aggregates(numbers: list[float], name: str) -> None:
    AGGREGATES[name](numbers)


def test_equal_numbers_do_not_deviate() -> None:
    assert AGGREGATES["std"]([0.45000000000000007] * 3) == 0
    assert math.isnan(AGGREGATES["std"]([math.inf, math.inf]) or 0)


def test_an_unknown_aggregate_is_refused() -> None:
    assert parse_aggregates(" Mean,std,mean") == ["mean", "std"]
    with pytest.raises(InvalidValue, match="'median'"):
        parse_aggregates("mean,median")
