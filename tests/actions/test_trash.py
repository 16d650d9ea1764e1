from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.actions.experiments import list_experiments, move_experiment_to_trash, restore_experiment
from mlrun_cli.actions.interactive_runs import create_interactive_run
from mlrun_cli.actions.prune import prune_workspace
from mlrun_cli.actions.repair import repair_workspace
from mlrun_cli.actions.run_deletion import list_runs_with_descendants, remove_runs
from mlrun_cli.actions.runs import get_runs
from mlrun_cli.actions.trash import get_deleted_runs, list_trash, move_to_trash, restore_runs
from mlrun_cli.core.json_files import write_json
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import AlreadyExists, InUse, RunNotFound
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.parameters import get_parameter_values
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.runtime.run_transaction import get_journal_offsets, get_run_or_trashed, open_run_transaction
from mlrun_cli.store.trash import _TABLES
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

MONTH = 30 * 86_400.0


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        yield opened


def add_run(workspace: Workspace, run_id: str, parent: Run | None = None) -> Run:
    """Add an ended run with something in each table, and a folder with a file."""
    folder = RunFolder(workspace.folder / "runs" / run_id)
    folder.path.mkdir(exist_ok=True)
    folder.lock.touch()
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        key = workspace.runs.insert(
            experiment,
            number,
            run_id,
            status=RunStatus.COMPLETED,
            run_type=SCRIPT_RUN,
            user_name="someone",
            target="local",
            display_name=f"shown {run_id}",
            parent_key=None if parent is None else parent.key,
            root_key=None if parent is None else parent.root_key or parent.key,
            definition={"script": "train.py", "arguments": ["--lr", "0.1", "--name", "frog"]},
        )
        workspace.runs.set_tags(key, {"team": "zebra", "none": None})
        workspace.runs.add_properties(key, {"ContentSnapshotId": f"snapshot-{run_id}"})
        workspace.metrics.add(key, [LoggedValue(VALUE, "loss", 1, None, value, None) for value in (0.5, 0.25)])
        workspace.journals.advance(key, "j", 0, 10)
    (folder.path / "file").write_text(run_id, encoding="utf-8")
    write_json(folder.submission, {"snapshot_id": f"snapshot-{run_id}"})
    return workspace.runs.get_by_key(key)


def dump(workspace: Workspace) -> dict[str, Any]:
    """Return all rows of all tables."""
    with closing(sqlite3.connect(workspace.folder / "workspace.db")) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'run_texts_%'")
        names = sorted(name for (name,) in tables if not name.startswith("sqlite_"))
        return {name: sorted(database.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def find(workspace: Workspace, text: str) -> list[str]:
    return [run.run_id for run in workspace.runs.list(RunFilter(text=text, include_children=True))]


def test_a_deleted_run_is_nowhere_and_a_restored_one_is_as_before(workspace: Workspace) -> None:
    run, other = add_run(workspace, "one"), add_run(workspace, "two")
    child = add_run(workspace, "below", run)
    before = dump(workspace)
    assert find(workspace, "zebra") == ["below", "two", "one"]
    move_to_trash(workspace, list_runs_with_descendants(workspace, [run]))

    assert find(workspace, "zebra") == find(workspace, "frog") == ["two"]
    with pytest.raises(RunNotFound) as missing:
        get_runs(workspace, ["one"])
    assert "run restore -r one" in (missing.value.hint or "")
    with pytest.raises(AlreadyExists):
        create_interactive_run(workspace, "exp", "sessions/x", run_id="one")
    assert workspace.metrics.get(run.key) == {}
    gone = dump(workspace)
    for table in ("runs", "metrics", "run_tags", "run_parameters", "run_texts"):
        assert len(gone[table]) * 3 == len(before[table]), table
    assert [(each["run_id"], each["display_name"]) for each in list_trash(workspace)] == [
        ("below", "shown below"),
        ("one", "shown one"),
    ]
    assert sorted(path.name for path in (workspace.folder / "runs").iterdir()) == ["two"]

    with pytest.raises(InUse, match="one"):
        restore_runs(workspace, get_deleted_runs(workspace, ["below"]))
    restored = restore_runs(workspace, get_deleted_runs(workspace, ["on"]))
    assert restored == [run, child]
    move_to_trash(workspace, [child])
    assert restore_runs(workspace, get_deleted_runs(workspace, ["shown below"])) == [child]
    with pytest.raises(RunNotFound):
        get_deleted_runs(workspace, ["shown"])
    assert dump(workspace) == before
    assert (workspace.folder / "runs" / "one" / "file").read_text(encoding="utf-8") == "one"
    assert list((workspace.folder / "trash").iterdir()) == []
    assert workspace.runs.get_by_key(other.key) == other


def test_what_is_logged_to_a_deleted_run_is_there_once_it_is_restored(workspace: Workspace, tmp_path: Path) -> None:
    run = add_run(workspace, "exp_1")
    journal = tmp_path / "j.jsonl"
    journal.write_text("")
    reader = JournalReader(workspace, tmp_path, None)

    def log(*lines: str) -> None:
        with journal.open("a") as file:
            file.writelines(f'[">","exp_1",{line}]\n' for line in lines)
        reader.ingest_all()

    log('["m","loss",1.0,null,0.125]')
    move_to_trash(workspace, [run])
    log('["m","loss",1.0,null,0.0625]', '["m","new",1.0,null,1.0]', '["g",1.0,{"team":"frog"}]', '["G",1.0,["none"]]')
    log('["P",1.0,{"lr":"0.1"}]')
    assert workspace.metrics.get(run.key) == {}
    # An earlier version inserts them under the key of the deleted run.
    with workspace.transaction():
        workspace.runs.set_tags(run.key, {"team": "late"})
        for name in ("loss", "old"):
            workspace.metrics.add(run.key, [LoggedValue(VALUE, name, 1, None, 0.03125, None)])

    restore_runs(workspace, get_deleted_runs(workspace, ["exp_1"]))
    assert workspace.metrics.get(run.key) == {"loss": [0.5, 0.25, 0.125, 0.0625, 0.03125], "new": 1.0, "old": 0.03125}
    assert workspace.metrics.get_last_values(run.key)["loss"] == 0.03125
    assert workspace.runs.get_tags(run.key) == {"team": "late"}
    assert get_parameter_values(workspace.parameters.get(run.key)) == {"lr": 0.1, "name": "frog"}
    assert find(workspace, "late") == ["exp_1"]
    assert reader.warnings == ()


@pytest.mark.parametrize("is_experiment_deleted", [False, True])
def test_a_deleted_run_that_is_changed_stays_deleted(workspace: Workspace, *, is_experiment_deleted: bool) -> None:
    run = add_run(workspace, "exp_1")
    before = dump(workspace)
    if is_experiment_deleted:
        move_experiment_to_trash(workspace, run.experiment_name)
    else:
        move_to_trash(workspace, [run])
    deleted = dump(workspace)
    with open_run_transaction(workspace, run.key):
        assert workspace.runs.get_by_key(run.key) == run
        workspace.runs.add_properties(run.key, {"late": "yes"})
        assert workspace.journals.advance(run.key, "j", 10, 15)
    changed = dump(workspace)
    assert get_journal_offsets(workspace, run.key) == {"j": 15}
    assert get_run_or_trashed(workspace, run.key).properties == {**run.properties, "late": "yes"}
    assert {name: rows for name, rows in changed.items() if name != "trashed_runs"} == {
        name: rows for name, rows in deleted.items() if name != "trashed_runs"
    }

    if is_experiment_deleted:
        restore_experiment(workspace, run.experiment_name)
    else:
        restore_runs(workspace, get_deleted_runs(workspace, ["exp_1"]))
    assert workspace.runs.get_by_key(run.key).properties == {**run.properties, "late": "yes"}
    after = dump(workspace)
    assert {name for name, rows in after.items() if rows != before[name]} == {"run_properties", "journals"}


def test_every_table_with_rows_of_runs_is_in_the_trash(workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.folder / "workspace.db")) as database:
        tables = {
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if any(column[1] == "run_key" for column in database.execute(f"PRAGMA table_info({name})"))
        }
    assert tables - {"runs", "trashed_runs"} == set(_TABLES)


def test_what_a_killed_process_left_halfway_is_in_the_trash(workspace: Workspace) -> None:
    run = add_run(workspace, "one")
    move_to_trash(workspace, [run])
    trash, place = workspace.folder / "trash" / "one", workspace.folder / "runs" / "one"
    trash.rename(place)  # killed after the rows were moved, or while the run was restored
    pruned = prune_workspace(workspace, 0.0, trash_seconds=MONTH, dry_run=False, report=print)
    assert (pruned["folders"], pruned["trash"], place.is_dir()) == (0, [], True)
    assert repair_workspace(workspace.identity, workspace.home, report=print)["runs"] == 0
    assert restore_runs(workspace, get_deleted_runs(workspace, ["one"])) == [run]
    assert place.is_dir()

    move_to_trash(workspace, [run])
    trash.rename(place)
    assert prune_workspace(workspace, 0.0, trash_seconds=0.0, dry_run=False, report=print)["trash"] == ["one"]
    assert not place.exists()


def test_a_repair_finds_the_trash_of_a_store_that_is_gone(workspace: Workspace) -> None:
    run, other = add_run(workspace, "one"), add_run(workspace, "two")
    move_to_trash(workspace, [run])
    for path in workspace.folder.glob("workspace.db*"):
        path.unlink()
    assert repair_workspace(workspace.identity, workspace.home, report=print)["runs"] == 1
    workspace.reopen_if_replaced()
    assert find(workspace, "zebra") == [other.run_id]
    (restored,) = restore_runs(workspace, get_deleted_runs(workspace, ["one"]))
    assert (restored.display_name, restored.tags) == (run.display_name, run.tags)


def test_a_prune_empties_the_trash_of_what_is_old(workspace: Workspace) -> None:
    run = add_run(workspace, "one")
    child = add_run(workspace, "below", run)
    move_to_trash(workspace, [child])
    would_be = prune_workspace(workspace, MONTH, trash_seconds=0.0, dry_run=True, report=print)
    assert (would_be["trash"], would_be["bytes"] > 0) == (["below"], True)
    assert prune_workspace(workspace, MONTH, dry_run=False, report=print)["trash"] == []
    remove_runs(workspace, [run])  # its child could not be restored any more
    assert list_trash(workspace) == []
    rows = dump(workspace)
    assert [name for name in ("runs", "trashed_runs", "metrics", "metric_values", "run_texts") if rows[name]] == []
    assert list((workspace.folder / "trash").iterdir()) == []


def test_an_experiment_comes_back_with_its_runs(workspace: Workspace) -> None:
    run = add_run(workspace, "one")
    add_run(workspace, "two")
    early = workspace.runs.get("two")
    move_to_trash(workspace, [early])
    experiment = workspace.experiments.get("exp")
    with workspace.transaction():
        workspace.experiments.set_tags(experiment.key, {"a": "b"})
    (record,) = list_experiments(workspace)
    assert move_experiment_to_trash(workspace, "exp") == 1
    assert list_experiments(workspace) == []
    assert restore_experiment(workspace, "exp") == record
    assert workspace.runs.list(RunFilter(experiment_name="exp")) == [run]
    assert restore_runs(workspace, get_deleted_runs(workspace, ["two"])) == [early]

    move_experiment_to_trash(workspace, "exp")
    assert restore_runs(workspace, get_deleted_runs(workspace, ["one"])) == [run]  # and its experiment
    assert list_experiments(workspace) == [record]
