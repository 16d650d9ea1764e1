"""SIGTERM, SIGHUP and SIGKILL in the middle of a copy: nothing half done stays, and nothing is found meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun, find_paths

_SCRIPT = "import os\nos.makedirs('outputs', exist_ok=True)\nopen('outputs/model', 'w').write('m' * 5000)\nprint('out')"


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    """A workspace with a run, a model and a file in a datastore."""
    mlrun = Mlrun(tmp_path_factory.mktemp("ready"))
    try:
        mlrun.script(_SCRIPT)
        mlrun.ended()
        mlrun("model", "register", "--name", "m", "--asset-path", "outputs/model", "--run-id", "@latest")
        mlrun("datastore", "upload", "-n", "workspaceblobstore", "-p", "train.py", "-u", "there")
        yield mlrun
    finally:
        mlrun.close()


def everything(mlrun: Mlrun) -> set[str]:
    """The files and folders of the user's and of the workspace, but for those that live with the store."""
    roots = (mlrun.folder, mlrun.home / "workspaces")
    return {os.fspath(path) for root in roots for path in find_paths(root) if not path.name.startswith("workspace.db")}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("copy_file_range", ("run", "download", "-r", "@latest", "outputs", "-d", "copy")),
        ("copy_file_range", ("run", "download-logs", "-r", "@latest", "-d", "copy")),
        ("copy_file_range", ("datastore", "upload", "-n", "workspaceblobstore", "-p", "train.py", "-u", "new")),
        ("copy_file_range", ("datastore", "download", "-n", "workspaceblobstore", "-d", "copy")),
        ("copy_file_range", ("model", "register", "--name", "n", "--model-path", "train.py")),
        ("copy_file_range", ("model", "download", "--model-id", "m:1", "-t", "copy")),
        ("link,linkat,rename,renameat", ("run", "submit-script", "--async", "new.py")),
    ],
)
def test_a_copy_that_is_told_to_end_leaves_nothing(
    ready: Mlrun, call: str, words: tuple[str, ...], number: signal.Signals
) -> None:
    ready.script(f"print({number.value})", "new.py")
    before = everything(ready)
    traced = ["strace", "-qq", "--output=/dev/null", f"--trace={call}", f"--inject={call}:signal={number.name}:when=1"]
    done = ready.run(*traced, *ready.command, *words)
    assert done.returncode in {-number.value, 128 + number.value}, done.stderr
    assert "Traceback" not in done.stderr
    made = [path for path in everything(ready) - before if os.path.isfile(path) and os.path.getsize(path)]
    assert [path for path in made if "/snapshots/" not in path] == []  # its contents belong to nobody, and are whole
    assert not [path for path in everything(ready) if "temporary" in path]


def test_a_file_that_is_being_written_has_no_name_or_one_that_no_listing_shows(tmp_path: Path, mlrun: Mlrun) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "file").write_text("x")
    mlrun("datastore", "attach-local", "images", str(data))
    maker = (
        "import sys\nfrom pathlib import Path\n"
        "from mlrun_cli.core.temporary import make_temporary_path, open_fd_atomically\n"
        f"folder = Path({os.fspath(data)!r})\n"
        "with open_fd_atomically(folder / 'whole') as unnamed, make_temporary_path(folder / 'other') as named:\n"
        "    named.write_text('half')\n"
        "    print(sorted(path.name for path in folder.iterdir()), flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", maker], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        there = process.stdout.readline()
        assert (there.count("'"), "'file'" in there, ".mlrun-temporary-" in there) == (4, True, True)
        assert mlrun.json("datastore", "download", "-n", "images", "-d", "copy")["downloaded"] == 1
        mlrun.script("")
        mlrun("datastore", "upload", "-n", "images", "-p", "train.py")
        assert len(list(data.glob(".mlrun-temporary-*"))) == 1, "its maker lives"
        process.kill()
    mlrun("datastore", "upload", "-n", "images", "-p", "train.py", "--overwrite", "true")
    assert {path.name for path in data.iterdir()} == {"file", "train.py"}
    assert json.dumps(sorted(path.name for path in (mlrun.folder / "copy").iterdir())) == '["file"]'
