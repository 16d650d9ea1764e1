"""Options whose values cannot be right, or contradict each other: told before anything is done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.installed import installed, refused, run_count
from tests.running import Mlrun


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    """In an attached folder with a run, a model, a file, and a link that leads to itself."""
    with installed(tmp_path_factory.mktemp("refused")) as mlrun:
        mlrun.script("")
        mlrun.ended()
        mlrun("model", "register", "-n", "model", "-p", "train.py")
        (mlrun.folder / "loop.py").symlink_to("loop.py")
        yield mlrun


UPDATE = ("run", "update", "-r", "@latest")
MODEL = ("model", "update", "-i", "model:1")
REGISTER = ("model", "register", "-n", "new", "-p", "train.py")
TARGET = ("computetarget", "create", "amlcompute", "-n", "cpu", "--max-nodes", "2")
STUDIO = ("studio", "--no-browser", "--port", "0")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (UPDATE, "nothing to change"),
        (MODEL, "nothing to change"),
        ((*UPDATE, "--add-tag", "a=1", "--remove-tag", "a"), "'a' is in --add-tag and in --remove-tag"),
        ((*MODEL, "--add-tag", "a=1", "--remove-tag", "a"), "'a' is in --add-tag and in --remove-tag"),
        ((*UPDATE, "--add-tag", "a=1", "--add-tag", "a=2"), "--add-tag: 'a' is given two values"),
        ((*UPDATE, "--add-properties", "a=1", "--add-properties", "a=2"), "'a' is given two values"),
        (("run", "download", "-r", "@latest", "-d", ""), "--output-dir is empty"),
        (("run", "download-logs", "-r", "@latest", "-d", ""), "--output-dir is empty"),
        (("datastore", "download", "-n", "workspaceblobstore", "-d", ""), "--target-path is empty"),
        (("datastore", "attach-local", "here", ""), "PATH is empty"),
        (("run", "list", "--path", ""), "--path is empty"),
        (("run", "list", "-t", ""), "--output-metadata-file is empty"),
        (("run", "list", "-w", "default", "-w", "other"), "--workspace-name is given twice"),
        (("run", "submit-script", "-t", "--async", "train.py"), "--output-metadata-file has no value: '--async' is"),
        (("run", "update", "-r", "@latest", "--add-tag", "-o", "none"), "--add-tag has no value: '-o' is an option"),
        (("run", "list", "-e", "--last=3"), "--experiment-name has no value: '--last=3' is an option"),
        (("run", "list", "-o", "json", "--output", "tsv"), "--output is given twice: 'json' and 'tsv'"),
        (("run", "list", "--path", "train.py"), "is a file"),
        (("run", "submit-script", "--path", "train.py", "-c", "local"), "is a file"),
        (("runconfig", "validate", "--all", "--path", ".azureml/local.runconfig"), "is a file"),
        ((*TARGET, "--vm-priority", "cheap"), "no priority 'cheap'"),
        ((*REGISTER, "--cc", "-1"), "--cc"),
        ((*REGISTER, "--gb", "-0.5"), "--gb"),
        ((*REGISTER, "--gc", "-1"), "--gc"),
        ((*REGISTER, "--cc", "nan"), "--cc"),
        ((*REGISTER, "--gb", "inf"), "--gb"),
        ((*STUDIO, "--base-path", "..//"), "--base-path"),
        ((*STUDIO, "--base-path", "/a/./b"), "--base-path"),
        ((*STUDIO, "--keyfile", "train.py"), "--keyfile is given without --certfile"),
        (("run", "submit-script", "loop.py"), "a link that leads to no file"),
        (("run", "submit-script", "--dry-run", "loop.py"), "a link that leads to no file"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused(ready: Mlrun, words: tuple[str, ...], reason: str) -> None:
    told = refused(ready(*words, check=False), 2)
    assert reason in told
    assert len(told.splitlines()) == 2
    assert run_count(ready) == 1
    assert [model["id"] for model in ready.json("model", "list")] == ["model:1"]
    assert ready.json("computetarget", "list") == []


def test_the_same_value_twice_and_flags_are_taken(ready: Mlrun) -> None:
    ready("run", "list", "-w", "default", "--workspace-name", "default", "--verbose", "--verbose")
