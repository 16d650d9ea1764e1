"""`workspace repair`, `backup` and `restore`: what the folders of runs tell comes back, and nothing is doubled."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.actions.experiments import set_experiment_archived
from mlrun_cli.actions.views import delete_view, rename_view, save_view
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.running import Mlrun, service_error, until

_SCRIPT = """
    from azureml._wire.journal_lines import encode_parameters
    from azureml.core import Run
    run = Run.get_context()
    run._append(encode_parameters({"lr": "0.25", "logged": "only", "api_key": "s3cr3t-w0rd"}))
    for number in range(300):
        run.log("loss", 1 / (number + 1))
    run.log_list("some", [1, "a", None, True])
    run.log_row("row", x=1, y="two")
    run.tag("from", "script")
    run.tag("changed", "by script")
    run.add_properties({"p": "1"})
    with run.child_run(name="child") as child:
        child.log("inner", 7)
        child._append(encode_parameters({"of": "child"}))
        child.tag("c", "d")
    for number, each in enumerate(run.create_children(3, "n", ["x", "y", "z"])):
        each.log("outer", number)
        each.complete() if number else each.fail(error_details="on purpose")
    open("outputs.txt", "w").write("kept")
"""
_DRIVER = """
    import sys
    from azureml.core import Experiment, Run, Workspace
    workspace = Workspace.from_config()
    run = Experiment(workspace, "driven").start_logging(outputs=None, snapshot_directory=None)
    for number in range(200):
        run.log("outside", number)
    run.tag("by", "driver")
    with run.child_run("below") as child:
        child.log("deep", 1.5)
    for other in Experiment(workspace, "exp").get_runs():
        other.log("looked at", 1)
        other.tag("seen")
    Experiment(workspace, "driven").set_tags({"of": "experiment"})
    run.complete()
"""


_STATE = {
    "runs": "SELECT * FROM runs ORDER BY run_key",
    "tags": "SELECT run_key, key, value, sort_value FROM run_tags ORDER BY run_key, key",
    "properties": "SELECT run_key, key, value FROM run_properties ORDER BY run_key, key",
    "parameters": "SELECT run_key, name, sort_value, text, is_logged FROM run_parameters ORDER BY run_key, name",
    "unread": "SELECT * FROM unread_runs UNION ALL SELECT * FROM parameter_backfill",
    "history": "SELECT run_key, status, changed_at FROM status_changes ORDER BY run_key, changed_at",
    "texts": "SELECT rowid, own, tags FROM run_texts ORDER BY rowid",
    "counts": "SELECT * FROM experiment_outcomes WHERE run_count > 0 ORDER BY experiment_key, status",
    "experiments": "SELECT * FROM experiments ORDER BY experiment_key",
    "metrics": "SELECT run_key, name, shape, description, value_count, last_value, min_value, max_value FROM metrics"
    " ORDER BY run_key, name",
    "values": "SELECT run_key, name, position, logged_at, step, kind, number, text FROM metric_values"
    " JOIN metrics USING (metric_key) ORDER BY run_key, name, position",
    "offsets": "SELECT * FROM journals ORDER BY run_key, name",
    "settings": "SELECT * FROM settings ORDER BY key",
    **{
        table: f"SELECT * FROM {table} ORDER BY 1, 2"
        for table in (
            "saved_views",
            "experiment_tags",
            "models",
            "model_names",
            "datastores",
            "compute_targets",
            "settings",
        )
    },
}


def state_of(mlrun: Mlrun) -> dict[str, list[Any]]:
    """All that a store knows of runs that have ended, and of what has a name."""
    return {name: mlrun.stored(sql) for name, sql in _STATE.items()}


def remove_store(mlrun: Mlrun) -> Path:
    """As a user may do by mistake; the workspace's folder."""
    folder = mlrun.database.parent
    for path in folder.glob("workspace.db*"):
        path.unlink()
    return folder


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    """A workspace in which all kinds of things are."""
    mlrun = Mlrun(tmp_path_factory.mktemp("filled"))
    try:
        mlrun.script(_SCRIPT)
        run_id = mlrun.ended("train.py", "--lr", "0.1", "--password", "hunter2", "b=word", "file")["run_id"]
        mlrun("run", "update", "-r", run_id, "--add-tag", "changed=later", "--display-name", "shown", "--keep")
        mlrun("run", "update", "-r", run_id, "--remove-tag", "from", "--description", "described")
        mlrun.script("import sys; sys.exit(3)")
        mlrun.ended()
        mlrun.script(_DRIVER, "driver.py")
        mlrun.python("driver.py")
        mlrun.script("m", "model.pkl")
        mlrun("model", "register", "--name", "m", "--model-path", "model.pkl")
        mlrun("datastore", "attach-local", "images", ".")
        mlrun("datastore", "set-default", "-n", "images")
        with Workspace.connect(parse_locator(mlrun.database.parent), redactor=Redactor()) as workspace:
            for name in ("renamed", "deleted"):
                save_view(workspace, name, "runs", "", "me")
            rename_view(workspace, "renamed", "new name", "me", expected_version=1)
            delete_view(workspace, "deleted", expected_version=1)
            set_experiment_archived(workspace, "driven", is_archived=True, new_name="put away")
        mlrun("computetarget", "create", "amlcompute", "-n", "cpu", "--max-nodes", "2", "-s", "any")
        yield mlrun
    finally:
        mlrun.close()


@pytest.fixture
def mine(filled: Mlrun, tmp_path: Path) -> Iterator[Mlrun]:
    """The same, for a test alone."""
    mlrun = Mlrun(tmp_path, attach=False)
    mlrun.begin_as(filled)
    try:
        yield mlrun
    finally:
        mlrun.close()


def repair(mlrun: Mlrun) -> dict[str, Any]:
    done: dict[str, Any] = mlrun.json("workspace", "repair")
    return done


def test_all_that_folders_tell_is_back_when_the_store_was_removed(mine: Mlrun) -> None:
    before = state_of(mine)
    assert (len(before["runs"]), len(before["values"]) > 500) == (8, True)
    parameters = {"api_key": "***", "arg1": "file", "b": "word", "logged": "only", "lr": 0.25, "password": "***"}
    assert mine.show(before["runs"][0][1])["parameters"] == parameters
    shown = mine.json("run", "list", "--last", "100")
    folder = remove_store(mine)
    told = mine.fails("run", "list", "-w", "default", exit_code=1)
    assert told.code == "StoreLost"
    assert "mlrun workspace repair -w default" in told.text
    done = repair(mine)
    assert (done["store"], done["runs"], done["unreadable"], done["notRecoverable"]) == ("missing", 8, [], [])
    assert state_of(mine) == before
    assert mine.json("run", "list", "--last", "100") == shown
    assert repair(mine)["values"] == 0, "a second time finds nothing to do"
    assert state_of(mine) == before
    assert not list(folder.glob(".*"))
    assert mine.json("run", "submit-script", "--async", "train.py")["run_number"] == 7


_PIPELINE = """
pipeline:
  name: twice
  default_compute: local
  steps:
    Train: {type: PythonScriptStep, script_name: train.py, source_directory: src}
"""


def test_a_step_with_the_results_of_an_earlier_run_has_its_metrics_again(tmp_path: Path) -> None:
    mlrun = Mlrun(tmp_path)
    try:
        mlrun.script(
            "from azureml.core import Run\nfor number in range(3):\n    Run.get_context().log('x', number)",
            "src/train.py",
        )
        mlrun.script(_PIPELINE, "p.yml")
        for _ in range(3):
            pipeline = mlrun.json("run", "submit-pipeline", "-y", "p.yml", "--stream")["run_id"]
        (step,) = mlrun.json("run", "list", "--parent-run-id", pipeline)
        assert step["properties"]["azureml.isreused"] == "true"
        before = state_of(mlrun)
        remove_store(mlrun)
        assert repair(mlrun)["values"] == 9
        assert state_of(mlrun) == before
        assert mlrun.metrics(step["run_id"]) == {"x": [0, 1, 2]}
        assert repair(mlrun)["values"] == 0
    finally:
        mlrun.close()


def test_a_new_store_beside_old_runs_says_so_and_is_filled_without_doubling(mine: Mlrun) -> None:
    before = state_of(mine)
    remove_store(mine)
    assert "mlrun workspace repair" in mine.fails("run", "list", exit_code=1).text
    told = mine("folder", "attach")
    assert mine.json("run", "list") == []
    assert "mlrun workspace repair" in told.stderr
    assert mine.json("workspace", "prune", "--older-than", "3650d", "--yes")["folders"] == 0
    done = repair(mine)
    assert (done["store"], done["runs"]) == ("sound", 8)
    assert state_of(mine) == before
    # Some rows of several are lost.
    with closing(sqlite3.connect(mine.database, timeout=30.0)) as connection:
        lost = [key for (key,) in connection.execute("SELECT run_key FROM runs WHERE run_key % 2 = 0")]
        for key in lost:
            values = "DELETE FROM metric_values WHERE metric_key IN (SELECT metric_key FROM metrics WHERE run_key = ?)"
            connection.execute(values, (key,))
            for table in ("metrics", "run_tags", "run_properties", "status_changes", "journals", "runs"):
                connection.execute(f"DELETE FROM {table} WHERE run_key = ?", (key,))
        connection.commit()
    assert repair(mine)["runs"] == len(lost) > 0
    assert state_of(mine) == before
    again = repair(mine)
    assert (again["store"], again["runs"], again["values"], again["salvagedRuns"]) == ("sound", 0, 0, 0)


@pytest.mark.parametrize("damage", ["garbage", "truncated", "pages"])
def test_a_damaged_store_is_made_again_and_kept_under_another_name(mine: Mlrun, damage: str) -> None:
    before = state_of(mine)
    database = mine.database
    with closing(sqlite3.connect(database, timeout=30.0)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for besides in ("-wal", "-shm"):
        Path(f"{database}{besides}").unlink(missing_ok=True)
    content = bytearray(database.read_bytes())
    if damage == "garbage":
        content[:] = os.urandom(len(content))
    elif damage == "truncated":
        del content[len(content) // 2 :]
    else:
        for page in range(2, len(content) // 4096, 3):
            content[page * 4096 : (page + 1) * 4096] = os.urandom(4096)
    database.write_bytes(content)
    told = mine.fails("run", "list", exit_code=1)
    assert told.code == "StoreError"
    assert "mlrun workspace repair" in told.text
    done = repair(mine)
    assert (done["store"], done["runs"], done["unreadable"]) == ("damaged", 8, [])
    assert done["problems"]
    assert Path(done["damagedStore"]).read_bytes() == content
    assert state_of(mine) == before


def test_what_no_folder_tells_is_read_from_the_damaged_store(mine: Mlrun) -> None:
    """As in a workspace of an older version: its interactive runs have left nothing but rows."""
    before = state_of(mine)
    folder = mine.database.parent
    for pattern in ("names.jsonl", "runs/*/record.jsonl", "runs/*/children.jsonl", "runs/*/logged"):
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with closing(sqlite3.connect(mine.database, timeout=30.0, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs_by_status'").fetchone()
    with mine.database.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(os.urandom(4096))
    done = repair(mine)
    assert (done["store"], done["salvagedRuns"] > 0, done["notRecoverable"]) == ("damaged", True, [])
    after = state_of(mine)
    assert after == {**before}


def test_runs_of_an_older_version_come_back_from_what_it_left(mine: Mlrun) -> None:
    scripts = [run["run_id"] for run in mine.json("run", "list") if run["run_type"] == "azureml.scriptrun"]
    before = {run_id: (mine.show(run_id), mine.metrics(run_id)) for run_id in scripts}
    folder = remove_store(mine)
    for pattern in ("names.jsonl", "runs/*/record.jsonl", "runs/*/children.jsonl", "runs/*/logged/*"):
        for path in folder.glob(pattern):
            path.unlink()
    done = repair(mine)
    assert (done["runs"], len(done["notRecoverable"]) > 1) == (len(scripts), True)
    assert "the model of the files in models/m/1" in done["notRecoverable"]
    assert [run["run_id"] for run in mine.json("run", "list")] == scripts
    for run_id, (record, metrics) in before.items():
        after = mine.show(run_id)
        for name in ("status", "exit_code", "end_time_utc", "start_time_utc", "script_name", "_experiment_name"):
            assert after.get(name) == record.get(name)
        told = {name: value for name, value in metrics.items() if name != "looked at"}
        assert mine.metrics(run_id) == told


def test_what_an_older_version_left_is_recorded_with_the_first_change_beside_it(mine: Mlrun) -> None:
    root, child = _begin_as_older_version(mine)
    mine("run", "update", "-r", child, "--add-tag", "by=newer version")
    mine("model", "register", "--name", "another", "--model-path", "model.pkl")
    children = "SELECT run_key, run_id, status FROM runs WHERE root_key IS NOT NULL AND owner_lock = 'runs/{}'"
    before = {name: mine.stored(_STATE[name]) for name in ("models", "model_names", "datastores", "saved_views")}
    below = mine.stored(children.format(root))
    remove_store(mine)
    assert repair(mine)["notRecoverable"] == []
    assert {name: mine.stored(_STATE[name]) for name in before} == before
    assert (mine.stored(children.format(root)), len(below)) == (below, 4)


def test_a_repair_of_a_sound_store_records_what_the_files_lack_or_tell_otherwise(mine: Mlrun) -> None:
    root, child = _begin_as_older_version(mine)
    for run_id in (root, child):
        mine("run", "update", "-r", run_id, "--add-tag", "by=newer version")
    mine("computetarget", "create", "amlcompute", "-n", "another", "--max-nodes", "2", "-s", "any")
    mine("run", "update", "-r", root, "--add-tag", "last=lost")
    names = mine.database.with_name("names.jsonl")
    for file in (names, mine.run_folder(root) / "record.jsonl"):  # as on a full disk
        *lines, _ = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join(lines), encoding="utf-8")
    before = state_of(mine)
    done = repair(mine)
    assert (done["store"], done["recorded"] > 0) == ("sound", True)
    assert repair(mine)["recorded"] == 0
    remove_store(mine)
    assert repair(mine)["notRecoverable"] == []
    assert state_of(mine) == before


def _begin_as_older_version(mine: Mlrun) -> tuple[str, str]:
    """Have nothing recorded; the ids of a run with children, and of one of these."""
    for pattern in ("names.jsonl", "runs/*/record.jsonl", "runs/*/children.jsonl"):
        for path in mine.database.parent.glob(pattern):
            path.unlink()
    ((root, child),) = mine.stored(
        "SELECT roots.run_id, runs.run_id FROM runs JOIN runs AS roots ON roots.run_key = runs.root_key"
        " WHERE runs.owner_lock LIKE 'runs/%' LIMIT 1"
    )
    return root, child


def test_runs_go_on_while_the_store_is_made_again(mlrun: Mlrun) -> None:
    gate = mlrun.folder.parent / "gate"
    os.mkfifo(gate)
    mlrun.script(
        f"""
        from azureml.core import Run
        run = Run.get_context()
        for number in range(100):
            run.log("before", number)
        run.tag("one", "1")
        child = run.child_run("child")
        child.log("c", 1)
        open({os.fspath(gate)!r}).read()
        for number in range(100):
            run.log("after", number)
        run.tag("two", "2")
        child.log("c", 2)
        child.complete()
        print(run.get_metrics("after")["after"][-1], run.get_tags())
        """
    )
    run_id = mlrun.submit()
    until(lambda: mlrun.json("run", "list", "--parent-run-id", run_id))
    until(lambda: len(mlrun.metrics(run_id).get("before", ())) == 100)
    driver = mlrun.script(
        "from azureml.core import Experiment, Workspace\n"
        "run = Experiment(Workspace.from_config(), 'driven').start_logging(outputs=None, snapshot_directory=None)\n"
        "run.log('x', 1)\nrun.tag('t', 'u')\nrun.flush()\nprint(run.id, flush=True)\ninput()\nrun.log('x', 2)\n",
        "driver.py",
    )
    with subprocess.Popen(
        [os.fspath(Path(mlrun.command[0]).with_name("python")), os.fspath(driver)],
        cwd=mlrun.folder,
        env=mlrun.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        driven = process.stdout.readline().strip()
        remove_store(mlrun)
        done = repair(mlrun)
        assert (done["store"], done["runs"]) == ("missing", 3)
        assert mlrun.show(run_id)["status"] == "Running"
        assert mlrun.metrics(driven) == {"x": 1}
        gate.open("w").close()
        process.communicate("\n", timeout=180)
    mlrun.wait(run_id)
    ended = mlrun.show(run_id)
    assert (ended["status"], ended["tags"]) == ("Completed", {"one": "1", "two": "2"})
    assert mlrun.metrics(run_id) == {"before": list(range(100)), "after": list(range(100))}
    assert mlrun.log(run_id) == "99 {'one': '1', 'two': '2'}\n"
    (child,) = mlrun.json("run", "list", "--parent-run-id", run_id)
    assert (child["status"], mlrun.metrics(child["run_id"])) == ("Completed", {"c": [1, 2]})
    assert (mlrun.show(driven)["status"], mlrun.metrics(driven)) == ("Completed", {"x": [1, 2]})
    assert repair(mlrun)["values"] == 0


def test_a_run_that_lost_its_supervisor_and_its_store_is_told_of_as_it_ended(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run\nRun.get_context().log('a', 1)\nimport time\ntime.sleep(600)")
    run_id = mlrun.submit()
    until(lambda: mlrun.metrics(run_id))
    os.kill(mlrun.supervisor(run_id), signal.SIGKILL)
    remove_store(mlrun)
    assert repair(mlrun)["runs"] == 1
    record = mlrun.show(run_id)
    assert mlrun.metrics(run_id) == {"a": 1}
    service_error(record, "SupervisorDied")


def test_a_backup_is_made_while_runs_go_on_and_restored_with_what_came_since(mine: Mlrun, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    log = "from azureml.core import Run\nrun = Run.get_context()\nrun.log"
    mine.script(f"{log}('a', 1)\nopen({os.fspath(gate)!r}).read()")
    live = mine.submit()
    until(lambda: mine.metrics(live))
    backup = tmp_path / "backup.db"
    assert mine.json("workspace", "backup", str(backup))["bytes"] == backup.stat().st_size > 0
    assert (backup.stat().st_mode & 0o777, list(tmp_path.glob("backup.db?*"))) == (0o600, [])
    mine.fails("workspace", "backup", str(backup))
    gate.open("w").close()
    assert mine.wait(live)["status"] == "Completed"
    mine.script(f"{log}('b', 2)")
    later = mine.ended()["run_id"]
    ((first, name),) = mine.stored("SELECT run_id, display_name FROM runs ORDER BY run_key LIMIT 1")
    mine("run", "delete", "-r", first, "--force", "--yes")
    failure = mine.fails("workspace", "restore", str(backup))
    assert failure.code == "ConfirmationRequired"
    assert "--yes" in failure.text
    done = mine.json("workspace", "restore", str(backup), "--yes")
    assert done["runs"] == 2
    assert Path(done["replacedStore"]).exists()
    assert mine.show(first)["display_name"] == name == "shown"
    assert (mine.show(live)["status"], mine.metrics(live)) == ("Completed", {"a": 1})
    assert (mine.show(later)["status"], mine.metrics(later)) == ("Completed", {"b": 2})
    backup.write_bytes(b"no store")
    mine.fails("workspace", "restore", str(backup), "--yes")
