from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress

import pytest

from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import RunOrder
from mlrun_cli.runs.parameter_filter import ParameterFilter
from mlrun_cli.runs.parameters import Parameter, get_parameter_values
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.db.locator import DatabaseLocator
from mlrun_cli.store.rebuild_documents import RebuildDocumentStore
from mlrun_cli.store.runs.page_store import RunPageStore
from mlrun_cli.store.runs.parameter_store import ParameterStore
from mlrun_cli.store.runs.run_store import RunStore
from tests.store.conftest import AddRun

VALUES: Mapping[str, str] = {"low": "0.01", "high": "10", "mid": "1e-1", "auto": "auto", "best": "best"}


@pytest.fixture
def parameters(database: Database) -> ParameterStore:
    return ParameterStore(database)


@pytest.fixture
def pages(database: Database, runs: RunStore) -> RunPageStore:
    return RunPageStore(database, runs)


def add_all(add_run: AddRun) -> None:
    for run_id, lr in VALUES.items():
        add_run(run_id, definition={"arguments": ["--lr", lr, "--epochs", "3"]})
    add_run("none")


@pytest.mark.usefixtures("_size")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("lr >= 0.1", ["high", "mid"]),
        ("lr > 0.1", ["high"]),
        ("lr < 0.1", ["low"]),
        ("lr = 0.10", ["mid"]),
        ("lr != 0.1", ["auto", "best", "high", "low"]),
        ("lr = auto", ["auto"]),
        ("lr != auto", ["best", "high", "low", "mid"]),
        ("lr <= auto", ["auto"]),
        ("lr > auto", ["best"]),
        ('lr = "10"', []),
        ("nothing > 0", []),
    ],
)
def test_a_parameter_compares_with_a_number_or_a_text(
    pages: RunPageStore, add_run: AddRun, typed: str, expected: Sequence[str]
) -> None:
    add_all(add_run)

    which = RunFilter(parameters=(ParameterFilter.parse(typed), ParameterFilter.parse("epochs = 3")))

    for order in ("-created", "-parameter:lr", "parameter:epochs"):
        found = pages.list_page(which, RunOrder.parse(order), limit=10)
        assert sorted(run.run_id for run in found) == expected, order
    assert pages.count(which) == len(expected)


@pytest.mark.usefixtures("_size")
@pytest.mark.parametrize("limit", [2, 10])
def test_runs_are_sorted_by_a_parameter_as_numbers_then_as_texts(
    pages: RunPageStore, add_run: AddRun, limit: int
) -> None:
    add_all(add_run)
    for text, expected in (
        ("parameter:lr", ["low", "mid", "high", "auto", "best", "none"]),
        ("-parameter:lr", ["best", "auto", "high", "mid", "low", "none"]),
    ):
        order = RunOrder.parse(text)
        found = [pages.list_page(RunFilter(), order, limit=limit, offset=start) for start in range(0, 6, limit)]
        assert [run.run_id for page in found for run in page] == expected


def test_parameters_are_found_by_words_and_go_with_their_run(
    database: Database, pages: RunPageStore, parameters: ParameterStore, runs: RunStore, add_run: AddRun
) -> None:
    key = add_run("a_1", definition={"arguments": ["--optimizer", "adamw"]})
    with database.transaction():
        runs.update(key, display_name="named")

    for text in ("adamw", "optimizer=adamw", "named OPTIM"):
        assert pages.count(RunFilter(text=text)) == 1, text
    with database.transaction():
        RebuildDocumentStore(database).delete_run(key)
    assert parameters.list_all_names() == []


def forget(database: Database, *, newest: int = 0) -> None:
    """Make all runs be as an older program left them: as before the migration, but for the newest ones."""
    database.execute("DELETE FROM run_parameters")
    database.execute(
        "INSERT INTO unread_runs SELECT run_key FROM runs ORDER BY run_key DESC LIMIT :newest", newest=newest
    )
    database.execute("INSERT INTO parameter_backfill SELECT max(run_key) + 1 - :newest FROM runs", newest=newest)


@pytest.mark.parametrize("newest", [0, 3])
def test_runs_of_an_older_program_are_read_in_steps(
    database: Database, pages: RunPageStore, parameters: ParameterStore, add_run: AddRun, newest: int
) -> None:
    for number in range(10):
        add_run(f"a_{number}", definition={"arguments": ["--n", str(number)]} if number % 4 else None)
    forget(database, newest=newest)

    key = add_run("new", definition={"arguments": ["--n", "99"]})
    assert get_parameter_values(parameters.get(key - 1)) == {"n": 9}
    assert len(parameters.get_for_runs(range(1, key + 1))) == 8
    assert parameters.has_unread_runs()
    steps = 1
    while parameters.store_unread_parameters(random.randint(1, 4)):
        steps += 1

    assert steps > 2
    assert not parameters.has_unread_runs()
    assert pages.count(RunFilter(parameters=(ParameterFilter("n", ">=", 0.0),))) == 8
    assert pages.count(RunFilter(text="n=9")) == 2


def test_reading_goes_on_after_it_was_broken_off(
    database: Database, parameters: ParameterStore, add_run: AddRun
) -> None:
    for number in range(6):
        add_run(f"a_{number}", definition={"arguments": ["--n", str(number)]})
    forget(database)
    with database.transaction():
        parameters.set(5, {"n": Parameter.from_text("logged")})
    parameters.store_unread_parameters(3)

    with pytest.raises(KeyboardInterrupt), database.transaction():
        database.execute("UPDATE parameter_backfill SET below_key = 0")
        raise KeyboardInterrupt
    while parameters.store_unread_parameters(2):
        pass

    found = {key: get_parameter_values(each)["n"] for key, each in parameters.get_for_runs(range(1, 7)).items()}
    assert found == {1: 0, 2: 1, 3: 2, 4: 3, 5: "logged", 6: 5}


def test_a_kill_while_they_are_read_loses_and_doubles_none(
    locator: DatabaseLocator, database: Database, parameters: ParameterStore, add_run: AddRun
) -> None:
    for number in range(60):
        add_run(f"a_{number}", definition={"arguments": ["--n", str(number)]})
    forget(database)

    while parameters.has_unread_runs():
        child = os.fork()
        if child == 0:
            _read_until_killed(locator)
        with suppress(ProcessLookupError):
            time.sleep(random.uniform(0.002, 0.02))
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        parameters.store_unread_parameters(1)

    found = parameters.get_for_runs(range(1, 61))
    assert [get_parameter_values(found[key])["n"] for key in range(1, 61)] == list(range(60))
    assert database.rows("SELECT 1 FROM unread_runs UNION ALL SELECT 1 FROM parameter_backfill") == []


def _read_until_killed(locator: DatabaseLocator) -> None:
    try:
        with closing(locator.open()) as database:
            while ParameterStore(database).store_unread_parameters(3):
                pass
    finally:
        os._exit(0)


def test_what_older_programs_insert_is_to_be_read(database: Database, parameters: ParameterStore) -> None:
    database.execute(
        "INSERT INTO runs (run_id, run_uuid, experiment_key, run_number, created_at, run_type, status, user_name,"
        " definition) VALUES ('a', 'u', 1, 1, 1, 'azureml.scriptrun', 'Completed', 'me', :definition)",
        definition='{"arguments": ["--n", "1"]}',
    )

    assert parameters.has_unread_runs()
    assert get_parameter_values(parameters.get(1)) == {"n": 1}
    assert not parameters.store_unread_parameters(10)
    assert parameters.list_all_names() == ["n"]


def test_a_logged_parameter_replaces_one_of_the_arguments_and_is_found(
    database: Database, pages: RunPageStore, parameters: ParameterStore, add_run: AddRun
) -> None:
    key = add_run("a", definition={"arguments": ["--lr", "0.1", "--n", "1"]})
    assert parameters.get_logged_parameters([key]) == {}
    with database.transaction():
        parameters.set_logged_parameters(
            key, {"lr": Parameter.from_text("0.25"), "optimizer": Parameter.from_text("adam")}
        )
    assert get_parameter_values(parameters.get(key)) == {"lr": 0.25, "n": 1, "optimizer": "adam"}
    assert parameters.get_logged_parameters([key]) == {key: {"lr": "0.25", "optimizer": "adam"}}
    assert pages.count(RunFilter(parameters=(ParameterFilter("lr", "=", 0.25),))) == 1
    assert pages.count(RunFilter(text="optimizer=adam")) == 1


def test_a_parameter_that_is_logged_to_an_unread_run_leaves_the_others(
    database: Database, parameters: ParameterStore, add_run: AddRun
) -> None:
    key = add_run("a", definition={"arguments": ["--lr", "0.1", "--n", "1"]})
    forget(database)
    with database.transaction():
        parameters.set_logged_parameters(key, {"lr": Parameter.from_text("0.25")})
    assert get_parameter_values(parameters.get(key)) == {"lr": 0.25, "n": 1}
    while parameters.store_unread_parameters(1):
        pass
    assert get_parameter_values(parameters.get(key)) == {"lr": 0.25, "n": 1}
