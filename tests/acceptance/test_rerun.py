"""Runs that are submitted again, from their snapshot or their folder, and with what they had written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.installed import installed
from tests.running import Mlrun

_SCRIPT = """
import os, pathlib, sys

print(sys.argv[1:], os.environ.get("SIZE"), os.environ.get("API_KEY"), sorted(os.listdir("outputs")))
pathlib.Path("outputs", "deep").mkdir(exist_ok=True)
pathlib.Path("outputs", "deep", f"{len(os.listdir('outputs/deep'))}.bin").write_bytes(b"state")
sys.exit(int(os.environ.get("EXIT", 0)))
"""


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    with installed(tmp_path_factory.mktemp("rerun")) as command:
        command.script(_SCRIPT)
        yield command


@pytest.fixture(scope="module")
def first(mlrun: Mlrun) -> str:
    """A run that has ended, whose folder has changed since."""
    words = ["--display-name", "base", "--tag", "team=a", "--env", "SIZE=7", "--env", "API_KEY=sesame-1"]
    run = mlrun.ended(*words, "train.py", "--lr", "0.1", "-b32")
    mlrun.script(_SCRIPT + "# changed")
    mlrun.script("", "new.py")
    return str(run["run_id"])


def _again(mlrun: Mlrun, verb: str, run_id: str, *words: str) -> dict[str, Any]:
    """Submit a run again with another key, stream it, and return its record."""
    done = mlrun("run", verb, "-r", run_id, "--env", "API_KEY=sesame-2", *words)
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def _said(mlrun: Mlrun, run: dict[str, Any]) -> str:
    return mlrun.log(run["run_id"]).strip()


@pytest.mark.parametrize(("words", "is_warned"), [(("train.py", "--lr", "1"), True), (("--lr", "train.py"), False)])
def test_a_script_that_gets_its_own_name_as_an_argument_is_warned_of(
    mlrun: Mlrun, first: str, words: tuple[str, ...], is_warned: bool
) -> None:
    done = mlrun("run", "rerun", "-r", first, "--env", "API_KEY=sesame-2", "--dry-run", "--", *words)
    assert ("WARNING: The script gets its own name, train.py," in done.stderr) == is_warned
    assert json.loads(done.stdout)["command_line"][-len(words) :] == list(words)


def test_a_run_is_repeated_with_another_parameter(mlrun: Mlrun, first: str) -> None:
    run = _again(mlrun, "rerun", first, "--set", "lr=0.2", "--set", "b=64", "--tag", "more")

    assert _said(mlrun, run) == "['--lr', '0.2', '-b64'] 7 sesame-2 []"
    assert run["tags"] == {"team": "a", "more": None, "rerun_of": first}
    assert mlrun.show("base")["run_id"] == first, "the name is still that of one run"
    snapshots = {mlrun.show(run_id)["properties"]["ContentSnapshotId"] for run_id in (first, run["run_id"])}
    assert len(snapshots) == 1


def test_a_run_is_repeated_with_other_arguments(mlrun: Mlrun, first: str) -> None:
    run = _again(mlrun, "rerun", first, "--", "--only", "3")

    assert _said(mlrun, run) == "['--only', '3'] 7 sesame-2 []"


def test_a_run_is_repeated_with_the_folder_as_it_is_now(mlrun: Mlrun, first: str) -> None:
    done = mlrun("run", "rerun", "-r", first, "--current-code", "--env", "API_KEY=x", "--set", "lr=0.3")

    run = json.loads(done.stdout)
    assert "changed train.py; added new.py" in done.stderr
    assert _said(mlrun, run) == "['--lr', '0.3', '-b32'] 7 x []"
    assert run["tags"]["rerun_of"] == first
    assert run["properties"]["ContentSnapshotId"] != mlrun.show(first)["properties"]["ContentSnapshotId"]


def test_the_folder_is_used_though_the_snapshot_is_gone(tmp_path: Path) -> None:
    with installed(tmp_path) as mlrun:
        mlrun.script("print('here')")
        first = mlrun.ended()["run_id"]
        shutil.rmtree(mlrun.database.parent / "snapshots")
        assert mlrun.fails("run", "rerun", "-r", first, exit_code=3).code == "SnapshotNotFound"
        done = mlrun("run", "rerun", "-r", first, "--current-code")
        assert _said(mlrun, json.loads(done.stdout)) == "here"
        assert f"What differs from '{first}' is not known" in done.stderr


def test_a_run_goes_on_with_its_outputs(mlrun: Mlrun, first: str) -> None:
    run = _again(mlrun, "resume", first)
    again = _again(mlrun, "resume", run["run_id"])

    assert _said(mlrun, run) == "['--lr', '0.1', '-b32'] 7 sesame-2 ['deep']"
    names = mlrun.json("run", "files", "-r", again["run_id"])
    assert [name for name in names if name.startswith("outputs/")] == [f"outputs/deep/{n}.bin" for n in range(3)]
    assert not (mlrun.run_folder(run["run_id"]) / "resumed").exists()


def test_all_failed_runs_are_repeated_once(mlrun: Mlrun) -> None:
    mlrun.environment["EXIT"] = "3"
    failed = [mlrun.ended("-e", "failing", "train.py")["run_id"] for _ in range(2)]
    mlrun.environment["EXIT"] = "0"

    runs = mlrun.json("run", "rerun", "--failed", "-e", "failing")

    assert [run["tags"]["rerun_of"] for run in runs] == failed
    assert {run["status"] for run in runs} == {"Completed"}
    again = mlrun("run", "rerun", "--failed", "-e", "failing", "--async")
    assert json.loads(again.stdout) == []
    assert "repeated" in again.stderr


def test_commands_that_find_no_run_name_an_experiment_that_does_not_exist(mlrun: Mlrun) -> None:
    for words in (("rerun", "--failed"), ("cancel", "--all"), ("delete", "--all", "--yes"), ("list",)):
        found = mlrun("run", *words, "-e", "misspelled")
        assert "'misspelled'" in found.stderr
        assert json.loads(found.stdout) == []


def test_nothing_is_repeated_if_the_changes_do_not_fit_all_runs(mlrun: Mlrun) -> None:
    commands = (["train.py", "--lr", "1"], ["--command", "exit $((1 + 1))"])
    script, text = (mlrun.ended("-e", "mixed", *words)["run_id"] for words in commands)

    refusal = mlrun.fails("run", "rerun", "-r", script, "-r", text, "--set", "lr=2")

    assert (refusal.code, text in refusal.text) == ("ConflictingOptions", True)
    assert len(mlrun.json("run", "list", "-e", "mixed")) == 2


def test_runs_that_cannot_be_repeated_keep_no_other_from_it(mlrun: Mlrun) -> None:
    mlrun.script("raise SystemExit('failed on purpose')", "lost/train.py")
    lost = mlrun.ended("-e", "lost", "--source-directory", "lost", "train.py")
    redacted = mlrun.ended("-e", "lost", "--command", "false", "--password", "sesame-1")
    other = mlrun.ended("-e", "lost", "--command", "false")
    snapshot = lost["properties"]["ContentSnapshotId"]
    mlrun.database.with_name("snapshots").joinpath("manifests", f"{snapshot}.json").unlink()

    done = mlrun("run", "rerun", "--failed", "-e", "lost", check=False)

    assert [run["tags"]["rerun_of"] for run in json.loads(done.stdout)] == [other["run_id"]]
    assert f"'{snapshot}'" in done.stderr
    assert f"which '{redacted['run_id']}' was given" in done.stderr


def test_what_no_record_holds_has_to_be_given(mlrun: Mlrun, first: str) -> None:
    assert mlrun.fails("run", "rerun", "-r", first).code == "RunNotRepeatable"
    assert mlrun.fails("run", "rerun", "-r", first, "--current-code").code == "RunNotRepeatable"
    assert mlrun.fails("run", "rerun", "-r", first, "--set", "lr=1", "--", "x").code == "ConflictingOptions"
    assert mlrun.fails("run", "rerun").code == "OneOptionRequired"
    mlrun.script("import time; time.sleep(600)", "sleep.py")
    live = mlrun.submit("-e", "live", "sleep.py")
    assert mlrun.fails("run", "resume", "-r", live).code == "RunNotEnded"
    mlrun("run", "cancel", "-r", live, "--grace", "0")


def test_a_run_whose_folder_is_gone_is_repeated_from_its_snapshot_and_its_record(tmp_path: Path) -> None:
    with installed(tmp_path) as mlrun:
        mlrun.script("import os, sys; print(sys.argv[1:], os.environ.get('SIZE'))")
        run_id = mlrun.ended("--tag", "team=a", "--env", "SIZE=7", "train.py", "--lr", "0.1")["run_id"]
        assert f"run rerun -r {run_id}" in mlrun("run", "view", "-r", run_id).stdout
        shutil.rmtree(mlrun.run_folder(run_id))
        mlrun.script("raise SystemExit('another script')")

        done = mlrun("run", "rerun", "-r", run_id, "--set", "lr=0.2")

        again = json.loads(done.stdout)
        assert f"The folder of '{run_id}' is gone" in done.stderr
        assert (again["status"], again["tags"]) == ("Completed", {"team": "a", "rerun_of": run_id})
        assert mlrun.log(again["run_id"]).strip() == "['--lr', '0.2'] 7"
        for words in (("resume", "-r", run_id), ("rerun", "-r", run_id, "--current-code")):
            assert mlrun.fails("run", *words).code == "RunNotRepeatable"

        text = mlrun.ended("--command", "echo $((40 + 2))")["run_id"]
        shutil.rmtree(mlrun.run_folder(text))
        assert mlrun.log(mlrun.json("run", "rerun", "-r", text)["run_id"]).strip() == "42"


def test_a_run_whose_folder_is_gone_says_what_to_do_if_its_record_is_not_enough(tmp_path: Path) -> None:
    with installed(tmp_path) as mlrun:
        mlrun.script("print('here')")
        mlrun.script("{communicator: Mpi, mpi: {processCountPerNode: 2}, script: train.py}", "mpi.runconfig")
        run_id = mlrun.ended("-c", "mpi.runconfig")["run_id"]
        shutil.rmtree(mlrun.run_folder(run_id))
        assert "run rerun" not in mlrun("run", "view", "-r", run_id).stdout
        refusal = mlrun.fails("run", "rerun", "-r", run_id)
        assert refusal.code == "RunNotRepeatable" and "is gone" in refusal.text
        assert "mlrun run snapshot" in refusal.text
        mlrun("run", "snapshot", "-r", run_id, "-d", str(tmp_path / "source"))
        assert (tmp_path / "source" / "train.py").is_file()


def test_a_run_in_a_copied_home_is_repeated_with_the_data_of_that_home(tmp_path: Path) -> None:
    with installed(tmp_path) as mlrun:
        mlrun.script("import os, sys; print(sys.argv[1:], os.environ['AZUREML_DATAREFERENCE_raw'], os.environ['IN'])")
        (mlrun.folder / "raw.csv").write_text("1", encoding="utf-8")
        mlrun("datastore", "upload", "-n", "workspaceblobstore", "-p", "raw.csv", "-u", "in")
        runconfig = {
            "script": "train.py",
            "arguments": ["--data", "$AZUREML_DATAREFERENCE_raw", "--sub=${AZUREML_DATAREFERENCE_raw}/x"],
            "environmentVariables": {"IN": "no path"},
            "dataReferences": {"raw": {"dataStoreName": "workspaceblobstore", "pathOnDataStore": "in"}},
            "environment": {"python": {"userManagedDependencies": True}},
        }
        mlrun.script(json.dumps(runconfig), "data.runconfig")
        first = mlrun.ended("-c", "data")["run_id"]
        home = Path(mlrun.environment["MLRUN_HOME"])
        copy = tmp_path / "copied"
        shutil.copytree(home, copy, symlinks=True)
        mlrun.environment["MLRUN_HOME"] = str(copy)
        run = json.loads(mlrun("run", "rerun", "-r", first).stdout)
        place = copy / mlrun.database.parent.relative_to(home) / "datastores" / "workspaceblobstore" / "in"
        arguments = run["run_definition"]["arguments"]
        assert arguments == ["--data", str(place), f"--sub={place}/x"]
        assert run["run_definition"]["environmentVariables"]["AZUREML_DATAREFERENCE_raw"] == str(place)
        dry = mlrun.json("run", "rerun", "-r", first, "--dry-run")
        assert dry["arguments"] == arguments
