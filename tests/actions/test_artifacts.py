from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.actions.artifacts import download_files, download_logs
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import FileNotWritable
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

LOG = "user_logs/std_log.txt"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        yield opened


@pytest.fixture
def run(workspace: Workspace) -> Run:
    """One with a log."""
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        key = workspace.runs.insert(
            experiment, number, "exp_1", status=RunStatus.COMPLETED, run_type=SCRIPT_RUN, user_name="me", target="local"
        )
    folder = workspace.get_run_folder("exp_1")
    folder.create()
    folder.stdout.write_text("new", encoding="utf-8")
    return workspace.runs.get_by_key(key)


def test_no_file_is_written_through_a_link_below_the_folder(workspace: Workspace, run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "out").mkdir()
    link = tmp_path / "out" / "user_logs"
    link.symlink_to(elsewhere)
    for _ in range(2):
        with pytest.raises(FileNotWritable) as caught:
            download_files(workspace, run, ["user_logs"], tmp_path / "out")
        assert str(link) in caught.value.message
        with pytest.raises(FileNotWritable):
            download_logs(workspace, run, tmp_path / "out")
        assert list(elsewhere.iterdir()) == []
        elsewhere.rmdir()  # nor is it made where a link leads nowhere
        elsewhere.mkdir()


def test_a_link_in_a_files_place_is_replaced_and_what_it_leads_to_is_not(
    workspace: Workspace, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text("old", encoding="utf-8")
    path = tmp_path / "out" / LOG
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "kept")
    assert download_files(workspace, run, [], tmp_path / "out") == [path]
    assert (path.is_symlink(), path.read_text(encoding="utf-8")) == (False, "new")
    assert (tmp_path / "kept").read_text(encoding="utf-8") == "old"


def test_the_folder_itself_may_be_a_link(workspace: Workspace, run: Run, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    download_files(workspace, run, [], tmp_path / "link")
    assert (tmp_path / "real" / LOG).read_text(encoding="utf-8") == "new"


def test_a_link_with_the_name_of_a_temporary_file_is_not_written_through(
    workspace: Workspace, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text("old", encoding="utf-8")
    folder = (tmp_path / "out" / LOG).parent
    folder.mkdir(parents=True)
    (folder / f".std_log.txt.{os.getpid()}").symlink_to(tmp_path / "kept")
    download_files(workspace, run, [], tmp_path / "out")
    assert (tmp_path / "kept").read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127])
def test_a_file_with_the_longest_name_is_downloaded_and_nothing_else_is_left(
    workspace: Workspace, run: Run, tmp_path: Path, name: str
) -> None:
    folder = workspace.get_run_folder(run.run_id).stdout.parent
    (folder / name).write_text("long", encoding="utf-8")
    (path,) = download_files(workspace, run, [f"user_logs/{name}"], tmp_path / "out")
    assert path.read_text(encoding="utf-8") == "long"
    assert [found.name for found in path.parent.iterdir()] == [name]


def test_what_cannot_be_put_in_its_place_leaves_nothing_behind(workspace: Workspace, run: Run, tmp_path: Path) -> None:
    (tmp_path / "out" / LOG).mkdir(parents=True)
    with pytest.raises(FileNotWritable):
        download_files(workspace, run, [], tmp_path / "out")
    assert [found.name for found in (tmp_path / "out" / "user_logs").iterdir()] == ["std_log.txt"]
