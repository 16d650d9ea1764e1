"""What `.amlignore` and `.gitignore` leave out; git itself says what its patterns mean."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlrun_cli.errors import InvalidFile
from mlrun_cli.snapshots.ignore import IgnoreRules

_FILES = [
    "train.py",
    "build",
    "data/raw/a.csv",
    "data/raw/b.csv",
    "data/small.csv",
    "docs/index.md",
    "outputs/model.pkl",
    "src/build/x.o",
    "src/data/a.csv",
    "src/outputs",
    "src/model.py",
    "src/__pycache__/model.pyc",
    "src/#notes",
    "src/!keep",
    "src/two words.txt",
    "src/trailing ",
    "src/[x].txt",
    "naïve/ü.txt",
]

_IDIOMS = {
    "what folder attach writes": ".ipynb_checkpoints\nazureml-logs\n.azureml\n.git\n/outputs/\n/logs/\nazureml-setup\n",
    "comments and empty lines": "# build\n\n   \nbuild\n",
    "carriage returns": "build\r\n*.csv\r\n",
    "a folder only": "build/\noutputs/\n",
    "at the top only": "/build\n/data/\n",
    "in the middle": "data/raw\n",
    "a folder in the middle": "src/outputs/\n/src/build/\n",
    "a file from the top": "/data/small.csv\nsrc/model.py\n/src/two words.txt\n",
    "slashes that name nothing": "/\n//build\ndata//raw\n./src\nsrc/../docs\nbuild//\n",
    "wildcards": "*.py[co]\n*.cs?\n",
    "any depth": "**/data/**\ndocs/**\n",
    "all but": "data/*\n!data/small.csv\n",
    "only these": "*\n!*/\n!*.py\n",
    "all below but": "data/**\n!data/small.csv\n",
    "the last one holds": "*.csv\n!a.csv\n/src/data/*\n",
    "a folder given back, not its files": "*.csv\n!data/\n",
    "escapes": "\\#notes\n\\!keep\ntrailing\\ \n\\[x\\].txt\n",
    "blanks at the end": "build   \ntwo words.txt  \n",
    "not ascii": "naïve\n",
    "byte order mark": "\ufeffbuild\n",
}


def _kept(folder: Path) -> set[str]:
    """The files that the rules of `folder` leave in, found as a snapshot finds them."""
    rules = IgnoreRules.read(folder)
    kept = set()
    for top, folders, files in os.walk(folder):
        below = Path(top).relative_to(folder)
        folders[:] = [
            name
            for name in folders
            if name != ".git" and (rules.has_negation or not rules.ignores(str(below / name), is_folder=True))
        ]
        kept |= {str(below / name) for name in files if not rules.ignores((below / name).as_posix(), is_folder=False)}
    return kept


def _kept_by_git(folder: Path) -> set[str]:
    # A test may run inside a git hook, whose variables name another repository.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q"], cwd=folder, env=environ, check=True)
    words = ["git", "ls-files", "-z", "--others", "--exclude-per-directory=.gitignore"]
    listed = subprocess.run(words, cwd=folder, env=environ, check=True, capture_output=True).stdout
    return {os.fsdecode(name) for name in listed.split(b"\0") if name}


@pytest.mark.skipif(shutil.which("git") is None, reason="git says what a pattern means")
@pytest.mark.parametrize("patterns", _IDIOMS.values(), ids=_IDIOMS.keys())
def test_patterns_mean_what_they_mean_to_git(tmp_path: Path, patterns: str) -> None:
    for name in _FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / ".gitignore").write_bytes(patterns.encode())

    assert _kept(tmp_path) == _kept_by_git(tmp_path)


def test_a_file_is_given_back_out_of_a_folder_as_in_azure(tmp_path: Path) -> None:
    for name in ("data/raw/a.csv", "data/small.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".amlignore").write_text("data/\n!data/small.csv\n", encoding="utf-8")

    assert _kept(tmp_path) == {".amlignore", "data/small.csv"}


def test_amlignore_rules_alone_where_there_are_both(tmp_path: Path) -> None:
    (tmp_path / ".amlignore").write_text("data\n", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("docs\n", encoding="utf-8")

    rules = IgnoreRules.read(tmp_path)

    assert rules.file_name == ".amlignore"
    assert rules.ignores("data", is_folder=True)
    assert not rules.ignores("docs", is_folder=True)


def test_an_empty_amlignore_ignores_nothing(tmp_path: Path) -> None:
    (tmp_path / ".amlignore").touch()
    (tmp_path / ".gitignore").write_text("docs\n", encoding="utf-8")

    assert not IgnoreRules.read(tmp_path).ignores("docs", is_folder=True)


def test_a_folder_without_ignore_file_ignores_nothing(tmp_path: Path) -> None:
    rules = IgnoreRules.read(tmp_path)

    assert rules.file_name is None
    assert not rules.ignores("anything", is_folder=False)


@pytest.mark.parametrize("pattern", ["build/", "b*d/"])
def test_a_slash_at_the_end_means_folders(tmp_path: Path, pattern: str) -> None:
    (tmp_path / ".amlignore").write_text(pattern, encoding="utf-8")
    rules = IgnoreRules.read(tmp_path)

    assert rules.ignores("src/build", is_folder=True)
    assert not rules.ignores("src/build", is_folder=False)


def test_a_name_that_is_no_utf8_can_be_ignored(tmp_path: Path) -> None:
    (tmp_path / ".amlignore").write_bytes(b"caf\xe9.*\ncaf\xe9\n")
    rules = IgnoreRules.read(tmp_path)

    assert rules.ignores(os.fsdecode(b"caf\xe9.txt"), is_folder=False)
    assert rules.ignores(os.fsdecode(b"caf\xe9"), is_folder=False)
    assert not rules.ignores("café.txt", is_folder=False)


@pytest.mark.parametrize("other", ["folder", "fifo"])
def test_something_else_in_the_place_of_the_file_is_passed_over(tmp_path: Path, other: str) -> None:
    if other == "folder":
        (tmp_path / ".amlignore").mkdir()
    else:
        os.mkfifo(tmp_path / ".amlignore")
    (tmp_path / ".gitignore").write_text("docs\n", encoding="utf-8")

    assert IgnoreRules.read(tmp_path).file_name == ".gitignore"


def test_a_line_that_is_no_pattern_is_skipped_and_named(tmp_path: Path) -> None:
    (tmp_path / ".amlignore").write_text("!\n*.csv\n", encoding="utf-8")
    rules = IgnoreRules.read(tmp_path)

    assert rules.ignores("a.csv", is_folder=False)
    (note,) = rules.notes
    assert re.fullmatch(r"\.amlignore: '!' .* skipped\.", note)


def test_a_huge_ignore_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".amlignore").write_bytes(b"x\n" * 600_000)

    with pytest.raises(InvalidFile, match="over 1 MiB"):
        IgnoreRules.read(tmp_path)


def test_an_ignore_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".amlignore").symlink_to(".amlignore")

    with pytest.raises(InvalidFile) as caught:
        IgnoreRules.read(tmp_path)
    assert caught.value.file == str(tmp_path / ".amlignore")
    assert os.strerror(errno.ELOOP) in caught.value.message


def test_plain_names_do_without_pathspec(tmp_path: Path) -> None:
    text = _IDIOMS["what folder attach writes"] + "windows\r\n# comment\n"
    (tmp_path / ".amlignore").write_text(text, encoding="utf-8", newline="")
    program = (
        "import sys; from pathlib import Path; from mlrun_cli.snapshots.ignore import IgnoreRules\n"
        f"rules = IgnoreRules.read(Path({str(tmp_path)!r}))\n"
        "assert rules.ignores('outputs', is_folder=True) and rules.ignores('a/windows', is_folder=False)\n"
        "assert not rules.ignores('a/outputs', is_folder=True) and not rules.ignores('logs', is_folder=False)\n"
        "assert 'pathspec' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True)
