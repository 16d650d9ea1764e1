"""What stands where a command is to write stays, unless it is the same or may be replaced."""

from __future__ import annotations

import json
from pathlib import Path

from tests.running import Mlrun


def test_downloads_replace_no_other_content_unless_told_to(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script("import os\nos.makedirs('outputs', exist_ok=True)\nopen('outputs/model', 'w').write('new')\nprint(1)")
    run_id = mlrun.ended()["run_id"]
    there = tmp_path / "there"
    model, log = there / "outputs" / "model", there / "user_logs" / "std_log.txt"
    for verb, file in (("download", model), ("download", log), ("download-logs", log)):
        words = ("run", verb, "-r", run_id, "-d", str(there))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
        others = {path for path in there.rglob("*") if path.is_file()}
        told = mlrun.fails(*words)
        assert told.code == "FileAlreadyExists"
        assert f"{file.relative_to(there)}" in told.text
        assert "--overwrite" in told.text
        assert {path for path in there.rglob("*") if path.is_file()} == others, "nothing is written by half"
        assert file.read_text() == "mine"
        assert str(file) in mlrun.json(*words, "--overwrite")
        assert file.read_text() != "mine"
        assert str(file) in mlrun.json(*words)  # the same content is no obstacle
    model.unlink()
    model.symlink_to(tmp_path / "elsewhere")
    mlrun.fails("run", "download", "-r", run_id, "outputs", "-d", str(there))


def test_a_datastore_is_downloaded_over_no_other_content_unless_told_to(mlrun: Mlrun, tmp_path: Path) -> None:
    for name in ("a", "b"):
        mlrun.script(name, f"data/{name}")
    mlrun("datastore", "upload", "-n", "workspaceblobstore", "-p", "data")
    there = tmp_path / "there"
    words = ("datastore", "download", "-n", "workspaceblobstore", "-d", str(there))
    there.mkdir()
    (there / "b").write_text("mine")
    failure = mlrun.fails(*words)
    assert failure.code == "FileAlreadyExists"
    assert "--overwrite" in failure.text
    assert [path.name for path in there.iterdir()] == ["b"]
    (there / "b").write_text("b")
    assert {name: mlrun.json(*words)[name] for name in ("downloaded",)} == {"downloaded": 1}
    (there / "b").write_text("mine")
    assert mlrun.json(*words, "--overwrite", "true")["downloaded"] == 2
    assert (there / "b").read_text() == "b"


def test_the_file_of_an_earlier_try_of_the_same_command_is_replaced(mlrun: Mlrun) -> None:
    mlrun.script("")
    words = ("run", "submit-script", "-t", "run.json", "train.py")
    file = mlrun.folder / "run.json"
    first, second = (json.loads(mlrun(*words).stdout)["run_id"] for _ in range(2))
    assert first != second
    assert json.loads(file.read_text())["run_id"] == second
    assert mlrun.fails("run", "submit-script", "-t", "run.json", "train.py", "x").code == "FileAlreadyExists"
    file.write_text(file.read_text() + " ")
    assert mlrun.fails(*words).code == "FileAlreadyExists"
    assert len(mlrun.json("run", "list")) == 2
