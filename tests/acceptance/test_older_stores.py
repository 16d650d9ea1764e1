"""Stores whose runs are older than the table of parameters: an upgrade reads none, and every query finds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import installed
from tests.older_store import count_read_runs, replace_by_older_store
from tests.running import Mlrun, until


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    with installed(tmp_path) as command:
        replace_by_older_store(command.database)
        yield command


def test_an_upgrade_reads_no_parameters_and_a_run_has_them_at_once(mlrun: Mlrun) -> None:
    assert mlrun.show("a_7")["parameters"] == {"rate": 7}
    listed = mlrun.json("run", "list", "--last", "2", "--params", "differing")
    assert [record["parameters"] for record in listed] == [{"rate": 999}, {"rate": 998}]
    assert count_read_runs(mlrun) == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--where", "rate < 3"),
        ("--where", "not rate >= 3"),
        ("--where", "rate < 3", "--sort", "rate", "--descending"),
        ("--sort", "rate", "--last", "3"),
        ("--search", "rate=12 a_"),
    ],
)
def test_a_list_finds_runs_by_parameters_that_nothing_has_read(mlrun: Mlrun, words: tuple[str, ...]) -> None:
    def read() -> list[str]:
        done = mlrun("run", "list", "--query", "[].run_id", *words)
        # On a machine that is busy a list has not read all within the second that it takes for it, and says so.
        return [] if "have not been read" in done.stderr else [done.stderr, *json.loads(done.stdout)]

    warnings, *run_ids = until(read)
    assert warnings == ""
    expected = {"--last": ["a_0", "a_1", "a_2"], "--search": ["a_129", "a_128", "a_127"]}
    assert run_ids[:3] == expected.get(words[-2], ["a_2", "a_1", "a_0"])


def test_a_column_of_a_parameter_that_nothing_has_read_is_not_called_unknown(mlrun: Mlrun) -> None:
    done = mlrun("run", "list", "--last", "1", "--params", "rate")
    assert (json.loads(done.stdout)[0]["parameters"], done.stderr) == ({"rate": 999}, "")


def test_the_sdk_finds_runs_by_parameters_that_nothing_has_read(mlrun: Mlrun) -> None:
    code = """
        from azureml.core import Experiment, Workspace
        runs = Experiment(Workspace.from_config(), "exp").get_runs(where="rate < 3")
        print([(run.id, run.get_parameters()) for run in runs])
    """
    mlrun.script(code, "ask.py")
    assert mlrun.python("ask.py") == str([(f"a_{rate}", {"rate": rate}) for rate in (2, 1, 0)]) + "\n"
