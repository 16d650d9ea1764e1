from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.actions.run_comparison import CODE, METRICS, PARAMETERS, PROPERTIES, compare_runs
from mlrun_cli.actions.run_difference import PARTS, read_difference
from mlrun_cli.actions.snapshots import create_snapshot
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import SnapshotNotFound, StoredFilesLost
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        yield opened


def add_run(workspace: Workspace, run_id: str, arguments: str, losses: list[float], **columns: Any) -> Run:
    definition = {"script": "train.py", "arguments": arguments.split()}
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        key = workspace.runs.insert(
            experiment,
            number,
            run_id,
            status=RunStatus.COMPLETED,
            run_type=SCRIPT_RUN,
            user_name="me",
            target="local",
            definition=definition,
            **columns,
        )
        workspace.metrics.add(key, [LoggedValue(VALUE, "loss", 0, None, loss, None) for loss in losses])
        workspace.metrics.add(key, [LoggedValue(VALUE, "nan", 0, None, math.nan, None)])
    return workspace.runs.get_by_key(key)


def test_rows_that_differ_come_first_in_their_section(workspace: Workspace) -> None:
    runs = [add_run(workspace, f"exp_{number}", f"--seed 7 --lr {number}", [2.0, number]) for number in (1, 2)]
    runs.append(add_run(workspace, "exp_3", "--seed 7", []))
    rows = compare_runs(workspace, runs, {PARAMETERS, METRICS})
    assert [(row.name, list(row.values), row.differs) for row in rows if row.section == PARAMETERS] == [
        ("lr", [1, 2, None], True),
        ("seed", [7, 7, 7], False),
    ]
    metrics = {row.name: row for row in rows if row.section == METRICS}
    assert list(metrics) == ["loss (last)", "loss (min)", "loss (max)", "nan"]
    assert metrics["loss (last)"].values == [1, 2, None]
    assert not metrics["nan"].differs


def test_a_difference_has_the_code_of_runs_with_a_snapshot(workspace: Workspace, tmp_path: Path) -> None:
    runs = []
    for number in (1, 2):
        source = tmp_path / str(number)
        source.mkdir()
        (source / "train.py").write_text(f"print({number})\n")
        properties = {"ContentSnapshotId": create_snapshot(workspace, source)}
        runs.append(add_run(workspace, f"exp_{number}", f"--lr {number}", [1.0]))
        with workspace.transaction():
            workspace.runs.add_properties(runs[-1].key, properties)
    first, second = (workspace.runs.get_by_key(run.key) for run in runs)
    difference = read_difference(workspace, first, second, PARTS, needs_code=True)
    record = difference.build_record()
    assert record["parameters"] == [{"name": "lr", "before": 1, "after": 2}]
    assert (record["metrics"], record["environment"]) == ([], [])
    (change,) = record["code"]
    assert (change["path"], change["change"], change["added_lines"], change["removed_lines"]) == (
        "train.py",
        "modified",
        1,
        1,
    )
    rows = compare_runs(workspace, [first, second], {CODE, PROPERTIES})
    assert [row.name for row in rows] == ["ContentSnapshotId", "train.py"]

    bare = add_run(workspace, "exp_3", "--lr 1", [1.0])
    assert read_difference(workspace, first, bare, PARTS, needs_code=False).code is None
    assert read_difference(workspace, first, bare, PARTS, needs_code=False).notes
    with pytest.raises(SnapshotNotFound):
        read_difference(workspace, first, bare, [CODE], needs_code=True)

    shutil.rmtree(workspace.snapshots_folder / "objects")
    lost = read_difference(workspace, first, second, PARTS, needs_code=False)
    assert (lost.code, lost.build_record()["parameters"]) == (None, record["parameters"])
    assert any("train.py" in note for note in lost.notes)
    with pytest.raises(StoredFilesLost):
        read_difference(workspace, first, second, [CODE], needs_code=True)

    shutil.rmtree(workspace.snapshots_folder / "manifests")
    with pytest.raises(SnapshotNotFound) as gone:
        read_difference(workspace, first, second, [CODE], needs_code=True)
    assert f"{first.run_id} --current-code" in str(gone.value.hint)


def test_a_difference_says_that_patch_does_not_take_names_with_line_feeds(workspace: Workspace, tmp_path: Path) -> None:
    runs = []
    for number in (1, 2):
        source = tmp_path / str(number)
        source.mkdir()
        (source / "a\nb.py").write_text(str(number))
        (source / "plain.py").write_text(str(number))
        run = add_run(workspace, f"exp_{number}", "", [])
        with workspace.transaction():
            workspace.runs.add_properties(run.key, {"ContentSnapshotId": create_snapshot(workspace, source)})
        runs.append(workspace.runs.get_by_key(run.key))
    (note,) = read_difference(workspace, runs[0], runs[1], [CODE], needs_code=True).notes
    assert "a\\nb.py" in note and "git apply" in note and "plain" not in note
    assert read_difference(workspace, runs[0], runs[0], [CODE], needs_code=True).notes == []
