from __future__ import annotations

import errno
import os
import resource
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.actions.models import (
    ModelChanges,
    delete_model,
    download_model,
    get_model,
    get_model_path,
    list_models,
    register_model,
    register_run_files,
    update_model,
)
from mlrun_cli.actions.run_deletion import remove_runs
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import (
    FileAlreadyExists,
    FileNotWritable,
    InvalidName,
    InvalidPath,
    MissingFile,
    ModelFileNotFound,
    ModelNotFound,
    PropertyImmutable,
    StoredFilesLost,
    StoreError,
    UsageError,
)
from mlrun_cli.models.model import Model, ModelDetails, ModelFilter, NewModel, check_model_name, split_model_id
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

IDENTITY = WorkspaceIdentity("s", "g", "w")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(locate_workspace(tmp_path / "home", IDENTITY), create=True, redactor=Redactor()) as opened:
        yield opened


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with files, an executable one and a link to one among them."""
    folder = tmp_path / "source" / "net"
    (folder / "deep").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(bytes(range(256)))
    (folder / "deep" / "a ü.txt").write_text("a", encoding="utf-8")
    (folder / "serve").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "serve").chmod(0o755)
    (folder / "linked").symlink_to("weights.bin")
    return folder


@pytest.fixture
def run(workspace: Workspace) -> Run:
    """One that has ended and wrote nothing but its log."""
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        key = workspace.runs.insert(
            experiment, number, "exp_1", status=RunStatus.COMPLETED, run_type=SCRIPT_RUN, user_name="me", target="local"
        )
    folder = workspace.get_run_folder("exp_1")
    folder.create()
    folder.stdout.write_text("printed", encoding="utf-8")
    return workspace.runs.get_by_key(key)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def leftovers(workspace: Workspace) -> list[Path]:
    """What lies in the folder of models besides those that are registered."""
    models = {(model.name, str(model.version)) for model in workspace.models.list(ModelFilter())}
    top = workspace.folder / "models"
    return [path for path in top.glob("*/*") if (path.parent.name, path.name) not in models]


def test_a_folder_is_copied_with_all_that_is_in_it_and_comes_back(
    workspace: Workspace, source: Path, tmp_path: Path
) -> None:
    model = register_model(workspace, NewModel("net"), source)
    wanted = files(source)
    kept = get_model_path(workspace, model)
    assert (model.model_id, kept.name, files(kept)) == ("net:1", "net", wanted)

    (source / "weights.bin").write_bytes(b"the script goes on")
    assert files(kept) == wanted
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in (kept, *kept.rglob("*"))}
    assert modes == {
        "net": 0o700, "deep": 0o700, "a ü.txt": 0o400, "linked": 0o400, "serve": 0o500, "weights.bin": 0o400,
    }  # fmt: skip

    there = download_model(workspace, model, tmp_path / "out" / "deeper", overwrite=False)
    assert there == tmp_path / "out" / "deeper" / "net"
    assert files(there) == wanted
    assert os.access(there / "serve", os.X_OK)
    assert stat.S_IMODE((there / "weights.bin").stat().st_mode) & 0o600 == 0o600
    assert leftovers(workspace) == []


def test_a_file_is_registered_alone_and_child_paths_choose(workspace: Workspace, source: Path) -> None:
    alone = register_model(workspace, NewModel("net"), source / "weights.bin")
    assert get_model_path(workspace, alone).name == "weights.bin"
    some = register_model(workspace, NewModel("net"), source, ["deep", "serve"])
    assert (some.version, sorted(files(get_model_path(workspace, some)))) == (2, ["deep/a ü.txt", "serve"])
    for children in (["nope"], ["../../secret"], []):
        with pytest.raises(UsageError):
            register_model(workspace, NewModel("net"), source, children)
    assert leftovers(workspace) == []


def test_what_cannot_be_copied_is_refused_by_name(workspace: Workspace, source: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (source / "folder").symlink_to(tmp_path)
    for path, error in ((tmp_path / "empty", MissingFile), (tmp_path / "nope", MissingFile), (source, InvalidPath)):
        with pytest.raises(error):
            register_model(workspace, NewModel("net"), path)
    (source / "folder").unlink()
    os.mkfifo(source / "fifo")
    with pytest.raises(InvalidPath, match="fifo"):
        register_model(workspace, NewModel("net"), source)
    assert leftovers(workspace) == []


@pytest.mark.parametrize("name", ["a", "1a", "A.b-_", "a..b", "x" * 255])
def test_a_name_that_azure_allows_is_allowed(name: str) -> None:
    assert check_model_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a b", "a/b", "ä", "a:b", "-a", "_a", ".a", "..", "x" * 256, "a\n", "a,b", "a@b", "a+b", "a\0"]
)
def test_a_name_that_azure_refuses_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        check_model_name(name)


def test_an_id_is_a_name_and_a_version() -> None:
    assert split_model_id("iris") == ("iris", None)
    assert split_model_id("iris:12") == ("iris", 12)
    for wrong in ("iris:", "iris:x", "iris:1:2", "iris:-1", "iris:²"):
        with pytest.raises(InvalidName):
            split_model_id(wrong)


def test_two_at_once_get_different_versions(tmp_path: Path, workspace: Workspace, source: Path) -> None:
    versions: list[int] = []

    def register() -> None:
        with Workspace.open(locate_workspace(tmp_path / "home", IDENTITY), create=False, redactor=Redactor()) as opened:
            versions.extend(register_model(opened, NewModel("net"), source).version for _ in range(5))

    threads = [threading.Thread(target=register) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(versions) == list(range(1, 11))
    assert all(
        files(get_model_path(workspace, model)) == files(source) for model in list_models(workspace, ModelFilter())
    )


def test_a_disk_that_takes_no_more_is_said_and_nothing_is_left(workspace: Workspace, source: Path) -> None:
    (source / "z").write_bytes(bytes(2 << 20))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(StoreError, match=f": {os.strerror(errno.EFBIG)}") as caught:
            register_model(workspace, NewModel("net"), source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "Make room" in (caught.value.hint or "")
    assert list_models(workspace, ModelFilter()) == []
    assert leftovers(workspace) == []


def test_files_without_a_row_are_replaced_by_the_next_that_gets_the_version(workspace: Workspace, source: Path) -> None:
    place = workspace.folder / "models" / "net" / "1"
    place.mkdir(parents=True)
    (place / "half").write_bytes(b"a registration that was killed before its row")
    model = register_model(workspace, NewModel("net"), source)
    assert (model.version, files(get_model_path(workspace, model))) == (1, files(source))


def test_a_row_that_cannot_be_written_leaves_no_files(workspace: Workspace, source: Path) -> None:
    workspace.models.insert(NewModel("net"), 1, "somebody who is in the way")
    with pytest.raises(StoreError):
        register_model(workspace, NewModel("net"), source)
    assert list((workspace.folder / "models").rglob("*")) == [workspace.folder / "models" / ".incoming"]


def test_what_a_killed_registration_left_is_removed_a_day_later(workspace: Workspace, source: Path) -> None:
    register_model(workspace, NewModel("net"), source)
    incoming = workspace.folder / "models" / ".incoming"
    for name, age_seconds in (("old", 25 * 3600), ("new", 3600)):
        (incoming / name / "files").mkdir(parents=True)
        os.utime(incoming / name, (time.time() - age_seconds,) * 2)
    register_model(workspace, NewModel("net"), source)
    assert [path.name for path in incoming.iterdir()] == ["new"]


def test_a_download_takes_no_place_that_is_taken_unless_told_to(
    workspace: Workspace, source: Path, tmp_path: Path
) -> None:
    model = register_model(workspace, NewModel("net"), source)
    there = download_model(workspace, model, tmp_path / "out", overwrite=False)
    (there / "weights.bin").write_bytes(b"mine")
    (there / "mine").write_bytes(b"mine")
    with pytest.raises(FileAlreadyExists):
        download_model(workspace, model, tmp_path / "out", overwrite=False)
    assert (there / "weights.bin").read_bytes() == b"mine"
    download_model(workspace, model, tmp_path / "out", overwrite=True)
    assert files(there) == {**files(source), "mine": b"mine"}


def test_a_download_writes_through_no_link(workspace: Workspace, source: Path, tmp_path: Path) -> None:
    model = register_model(workspace, NewModel("net"), source)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "out" / "net").mkdir(parents=True)
    (tmp_path / "out" / "net" / "deep").symlink_to(elsewhere)
    with pytest.raises(FileNotWritable):
        download_model(workspace, model, tmp_path / "out", overwrite=True)
    assert list(elsewhere.iterdir()) == []


def test_a_runs_files_become_a_model_that_outlives_the_run(workspace: Workspace, run: Run, tmp_path: Path) -> None:
    with pytest.raises(ModelFileNotFound, match=r"'outputs/model'.*user_logs/std_log.txt"):
        register_run_files(workspace, NewModel("log"), run, "./outputs/model/")
    for wrong in ("user_log", "../../workspace.db", "/user_logs", "."):
        with pytest.raises(ModelFileNotFound):
            register_run_files(workspace, NewModel("log"), run, wrong)
    folder = register_run_files(workspace, NewModel("user_logs"), run, None)
    file = register_run_files(workspace, NewModel("log"), run, "user_logs/std_log.txt")
    assert (file.run_id, file.experiment_name) == ("exp_1", "exp")
    assert files(get_model_path(workspace, folder).parent) == {"user_logs/std_log.txt": b"printed"}
    assert get_model_path(workspace, file).name == "std_log.txt"
    assert leftovers(workspace) == []

    remove_runs(workspace, [run])
    (found,) = list_models(workspace, ModelFilter(run_id="exp_1", latest=True, name="log"))
    there = download_model(workspace, found, tmp_path, overwrite=False)
    assert there.read_text(encoding="utf-8") == "printed"


def test_an_update_is_all_or_nothing(workspace: Workspace, source: Path) -> None:
    model = register_model(workspace, NewModel("net", tags={"a": "1", "b": "2"}, properties={"p": "q"}), source)
    with pytest.raises(PropertyImmutable, match=r"'p'.*'net:1'.*'q'"):
        update_model(workspace, model, ModelChanges(tags={"c": "3"}, properties={"p": "z"}))
    with pytest.raises(UsageError):
        update_model(workspace, model, ModelChanges(tags={"": "3"}))
    assert get_model(workspace, ModelFilter("net")) == model
    changes = ModelChanges(tags={"c": "3"}, removed_tags=["a", "nope"], properties={"p": "q", "r": "s"})
    changed = update_model(workspace, model, changes)
    assert (changed.tags, changed.properties) == ({"b": "2", "c": "3"}, {"p": "q", "r": "s"})
    details = {"datasets": (("training", "guid"),)}
    changed = update_model(
        workspace, model, ModelChanges(tags={"d": "4"}, replaces_tags=True, description="x", details=details)
    )
    assert (changed.tags, changed.description, changed.details.datasets) == ({"d": "4"}, "x", [("training", "guid")])
    assert isinstance(changed.details, ModelDetails)


def test_a_deleted_model_is_gone_with_its_files(workspace: Workspace, source: Path) -> None:
    first, second = (register_model(workspace, NewModel("net"), source) for _ in range(2))
    delete_model(workspace, second)
    for gone in (lambda: get_model(workspace, ModelFilter("net", 2)), lambda: delete_model(workspace, second)):
        with pytest.raises(ModelNotFound, match="1"):
            gone()
    assert leftovers(workspace) == []
    assert files(get_model_path(workspace, first)) == files(source)
    delete_model(workspace, first)
    assert not (workspace.folder / "models" / "net").exists()


def test_a_model_whose_files_are_gone_says_so(workspace: Workspace, source: Path) -> None:
    model: Model = register_model(workspace, NewModel("net"), source)
    get_model_path(workspace, model).rename(source.parent / "taken away")
    with pytest.raises(StoredFilesLost, match="'net:1'"):
        get_model_path(workspace, model)
