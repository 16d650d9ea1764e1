"""Files that an ignore file leaves out of a run, and scripts that miss them."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.running import Mlrun

_FILES = ("data/x.csv", "data/deep/y.csv", "helpers.py", "package/__init__.py", "here.csv")
_RULES = "/data/\nhelpers.py\npackage\n*.tmp\n"


@pytest.fixture
def folder(mlrun: Mlrun) -> Path:
    for name in _FILES:
        mlrun.script("", name)
    (mlrun.folder / ".amlignore").write_text(_RULES, encoding="utf-8")
    return mlrun.folder


def submit(mlrun: Mlrun) -> subprocess.CompletedProcess[str]:
    return mlrun.run(*mlrun.command, "run", "submit-script", "train.py")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("open('data/x.csv')", "'data/x.csv' is in"),
        ("open('./data/deep/y.csv')", "'data/deep/y.csv' is in"),
        ("import os; open(os.path.abspath('data/x.csv'))", "'data/x.csv' is in"),
        ("import os; os.listdir('data')", "'data' is in"),
        ("import helpers", "'helpers.py' is in"),
        ("import package.module", "'package' is in"),
        ("raise ValueError(\"file 'data/x.csv' does not exist\")", "'data/x.csv' is in"),
        ("raise ValueError(\"'data/x.csv' has no header\")", None),
        ("open('data/other.csv')", None),
        ("open('elsewhere.csv')", None),
        ("open('../data/x.csv')", None),
        ("raise ValueError('x' * 300_000 + ' was not found')", None),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_script_that_misses_an_ignored_file_is_told_which_file_names_it(
    mlrun: Mlrun, text: str, named: str | None
) -> None:
    mlrun.script(text)
    done = submit(mlrun)
    assert done.returncode == 1
    assert (".amlignore leaves it out" in done.stderr) == (named is not None)
    assert named is None or f"{named} the source folder, but" in done.stderr


def test_the_hint_about_an_ignored_file_is_right(mlrun: Mlrun, folder: Path) -> None:
    mlrun.script("open('data/x.csv')")
    done = submit(mlrun)
    assert "A line '!data/x.csv' at the end of .amlignore" in done.stderr
    (folder / ".amlignore").write_text(f"{_RULES}!data/x.csv\n", encoding="utf-8")
    assert submit(mlrun).returncode == 0
    mlrun.script("open('data/deep/y.csv')")
    assert "'data/deep/y.csv' is in" in submit(mlrun).stderr


def test_a_dry_run_lists_what_the_ignore_file_leaves_out(mlrun: Mlrun, folder: Path) -> None:
    mlrun.script("")
    (folder / "nothing").symlink_to("missing")
    snapshot = mlrun.json("run", "submit-script", "--dry-run", "train.py")["snapshot"]
    reasons = {one["path"]: one["reason"] for one in snapshot["left_out"]}
    ignored = {"data/", "helpers.py", "package/"}
    assert reasons == {"nothing": "a link to nothing", **dict.fromkeys(sorted(ignored), "named in .amlignore")}
    assert snapshot["left_out_count"] == 4
    (folder / ".amlignore").write_text(f"{_RULES}!data/x.csv\n", encoding="utf-8")
    snapshot = mlrun.json("run", "submit-script", "--dry-run", "train.py")["snapshot"]
    assert {one["path"] for one in snapshot["left_out"]} == {
        "nothing",
        "data/deep/",
        "helpers.py",
        "package/",
    }
    assert (
        "data/deep/ (named in .amlignore)"
        in mlrun("run", "submit-script", "--dry-run", "-o", "table", "train.py").stdout
    )


def test_a_script_of_the_attached_folder_above_is_named_with_the_option_that_finds_it(mlrun: Mlrun) -> None:
    mlrun.script("print('found')", "code/train.py")
    below = mlrun.folder / "notes"
    below.mkdir()
    failure = mlrun.fails("run", "submit-script", "--path", str(below), "code/train.py")
    assert failure.code == "ScriptNotFound" and f"--path {shlex.quote(str(mlrun.folder))}." in failure.text
    assert mlrun("run", "submit-script", "--path", str(mlrun.folder), "code/train.py").returncode == 0
    assert "--path" not in mlrun.fails("run", "submit-script", "--path", str(below), "nowhere.py").text
