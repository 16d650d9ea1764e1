"""How SQLite carries out what is asked of runs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import RunOrder
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.where.parser import parse_condition
from mlrun_cli.store.db.database import Row
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from mlrun_cli.store.db.sqlite.migrations import migrate
from mlrun_cli.store.experiments import ExperimentStore
from mlrun_cli.store.runs import conditions, page_store
from mlrun_cli.store.runs.page_store import RunPageStore
from mlrun_cli.store.runs.queue_store import QueueStore
from mlrun_cli.store.runs.run_store import RunStore


class ExplainedDatabase(SqliteDatabase):
    """Notes how each query that it answers is carried out."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.plan = ""

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        self.plan += "".join(f"{row['detail']}\n" for row in super().rows(f"EXPLAIN QUERY PLAN {sql}", **parameters))
        return [*super().rows(sql, **parameters)]


def plan_of(folder: Path, which: RunFilter, order: str) -> str:
    """How a page of a store with one run is read."""
    with closing(ExplainedDatabase(folder / "workspace.db")) as database:
        migrate(database, "it")
        runs = RunStore(database, Redactor())
        experiment, number = ExperimentStore(database, Redactor()).reserve_run_numbers("first")
        runs.insert(experiment, number, "a_1", status=RunStatus.RUNNING, run_type=SCRIPT_RUN, user_name="someone")
        database.plan = ""
        RunPageStore(database, runs).list_page(which, RunOrder.parse(order), limit=50)
        return database.plan


@pytest.mark.usefixtures("_size")
@pytest.mark.parametrize("experiment_name", [None, "first"])
@pytest.mark.parametrize(
    "order", ["-created", "started", "-duration", "run_id", "-target", "experiment", "tag:k", "-metric:loss:last"]
)
def test_a_page_reads_an_index_and_sorts_only_few_runs(
    tmp_path: Path, request: pytest.FixtureRequest, experiment_name: str | None, order: str
) -> None:
    plan = plan_of(tmp_path, RunFilter(experiment_name=experiment_name), order)

    scans = [line for line in plan.splitlines() if line.startswith("SCAN") and "INDEX" not in line]
    assert [line for line in scans if line != "SCAN few"] == [], plan
    if "many" in request.node.name or order == "-created":
        assert "TEMP B-TREE" not in plan, plan


@pytest.mark.parametrize("which", [RunFilter(created_from=1), RunFilter(text="first"), RunFilter(target="local")])
def test_a_page_that_is_filtered_walks_an_index_when_there_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: RunFilter
) -> None:
    monkeypatch.setattr(page_store, "_FEW", 0)
    monkeypatch.setattr(conditions, "RARE", 0)

    plan = plan_of(tmp_path, which, "-created")

    assert [line for line in plan.splitlines() if line.startswith("SCAN") and "INDEX" not in line] == [], plan
    assert "TEMP B-TREE" not in plan, plan


class ExplainedRows(ExplainedDatabase):
    """Notes it for queries of one row too."""

    def row(self, sql: str, **parameters: object) -> Row | None:
        return next(iter(self.rows(sql, **parameters)), None)


def test_live_runs_are_counted_without_those_that_have_ended(tmp_path: Path) -> None:
    with closing(ExplainedRows(tmp_path / "workspace.db")) as database:
        migrate(database, "it")
        pages = RunPageStore(database, RunStore(database, Redactor()))
        for experiment_name in (None, "first"):
            for include_children in (False, True):
                database.plan = ""
                pages.count_active_runs(RunFilter(experiment_name=experiment_name, include_children=include_children))
                assert "SCAN runs USING INDEX runs_alive\n" in database.plan


def test_whether_a_run_is_live_is_known_without_those_that_have_ended(tmp_path: Path) -> None:
    with closing(ExplainedRows(tmp_path / "workspace.db")) as database:
        migrate(database, "it")
        database.plan = ""
        assert not RunStore(database, Redactor()).has_live_runs()
        assert database.plan == "SCAN runs USING INDEX runs_alive\n"


@pytest.mark.parametrize("bound", [0, 100])
def test_conditions_on_parameters_read_the_index_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: int
) -> None:
    monkeypatch.setattr(page_store, "_FEW", 0)
    monkeypatch.setattr(page_store, "_FEW_TO_COUNT", bound)
    where = parse_condition("param.lr >= 0.01 and param.optimizer = adam", 0)
    with closing(ExplainedRows(tmp_path / "workspace.db")) as database:
        migrate(database, "it")
        runs = RunStore(database, Redactor())
        pages = RunPageStore(database, runs)
        experiment, number = ExperimentStore(database, Redactor()).reserve_run_numbers("first")
        columns = {"run_type": SCRIPT_RUN, "user_name": "someone", "status": RunStatus.COMPLETED}
        definition = {"arguments": ["--lr", "0.1", "--optimizer", "adam"]}
        runs.insert(experiment, number, "a_1", definition=definition, **columns)
        database.plan = ""

        pages.list_page(RunFilter(where=where), RunOrder.parse("parameter:lr"), limit=50)
        listed, database.plan = database.plan, ""
        pages.count(RunFilter(where=where))

    by_value = "USING COVERING INDEX run_parameters_in_order (name=? AND sort_value"
    assert f"run_parameters {by_value}>" in listed and f"run_parameters {by_value}=" in listed, listed
    if bound:
        # The keys of few runs are looked up in the index of the runs to list, not in their rows.
        assert "INDEX runs_at_top_of_all (run_key=?" in database.plan, database.plan
    else:
        assert f"SEARCH ordered {by_value}>" in listed, listed
    read = [line for line in (listed + database.plan).splitlines() if " run_parameters " in line or " ordered " in line]
    assert [line for line in read if "COVERING INDEX" not in line and "PRIMARY KEY" not in line] == []


def test_what_a_queue_asks_reads_no_run_that_has_ended(tmp_path: Path) -> None:
    with closing(ExplainedRows(tmp_path / "workspace.db")) as database:
        migrate(database, "it")
        queues = QueueStore(database)
        database.plan = ""
        queues.list_runs("cpu", 50)
        queues.list_keys("cpu")
        queues.list_ids_exceeding_node_limit("cpu", 1)
        queues.count_busy_nodes("cpu")
        queues.get_targets_in_use()

        assert "runs_by_target" not in database.plan, database.plan


@pytest.mark.parametrize("which", ["last", "min", "max"])
def test_an_order_by_a_metric_reads_no_rows_of_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setattr(page_store, "_FEW", 0)
    monkeypatch.setattr(conditions, "RARE", 0)
    plan = plan_of(tmp_path, RunFilter(), f"-metric:loss:{which}")
    assert f"SEARCH ordered USING COVERING INDEX metrics_by_{which} (name=?" in plan, plan
