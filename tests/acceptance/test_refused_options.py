"""Options whose values cannot be right, or contradict each other: told before anything is done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.installed import installed, run_count
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
    ("words", "code", "target"),
    [
        (UPDATE, "NothingToChange", None),
        (MODEL, "NothingToChange", None),
        ((*UPDATE, "--add-tag", "a=1", "--remove-tag", "a"), "ConflictingOptions", "--add-tag"),
        ((*MODEL, "--add-tag", "a=1", "--remove-tag", "a"), "ConflictingOptions", "--add-tag"),
        ((*UPDATE, "--add-tag", "a=1", "--add-tag", "a=2"), "ConflictingOptions", "--add-tag"),
        ((*UPDATE, "--add-properties", "a=1", "--add-properties", "a=2"), "ConflictingOptions", "--add-properties"),
        (("run", "download", "-r", "@latest", "-d", ""), "InvalidValue", "--output-dir"),
        (("run", "download-logs", "-r", "@latest", "-d", ""), "InvalidValue", "--output-dir"),
        (("datastore", "download", "-n", "workspaceblobstore", "-d", ""), "InvalidValue", "--target-path"),
        (("datastore", "attach-local", "here", ""), "InvalidValue", "PATH"),
        (("run", "list", "--path", ""), "InvalidValue", "--path"),
        (("run", "list", "-t", ""), "InvalidValue", "--output-metadata-file"),
        (("run", "list", "-w", "default", "-w", "other"), "ConflictingOptions", "--workspace-name"),
        (("run", "submit-script", "-t", "--async", "train.py"), "MissingOption", "--output-metadata-file"),
        (("run", "update", "-r", "@latest", "--add-tag", "-o", "none"), "MissingOption", "--add-tag"),
        (("run", "list", "-e", "--last=3"), "MissingOption", "--experiment-name"),
        (("run", "list", "-o", "json", "--output", "tsv"), "ConflictingOptions", "--output"),
        (("run", "list", "--path", "train.py"), "InvalidPath", "train.py"),
        (("run", "submit-script", "--path", "train.py", "-c", "local"), "InvalidPath", "train.py"),
        (
            ("runconfig", "validate", "--all", "--path", ".azureml/local.runconfig"),
            "InvalidPath",
            ".azureml/local.runconfig",
        ),
        ((*TARGET, "--vm-priority", "cheap"), "InvalidValue", "--vm-priority"),
        ((*REGISTER, "--cc", "-1"), "InvalidValue", "--cc"),
        ((*REGISTER, "--gb", "-0.5"), "InvalidValue", "--gb"),
        ((*REGISTER, "--gc", "-1"), "InvalidValue", "--gc"),
        ((*REGISTER, "--cc", "nan"), "InvalidValue", "--cc"),
        ((*REGISTER, "--gb", "inf"), "InvalidValue", "--gb"),
        ((*STUDIO, "--base-path", "..//"), "InvalidValue", "--base-path"),
        ((*STUDIO, "--base-path", "/a/./b"), "InvalidValue", "--base-path"),
        ((*STUDIO, "--keyfile", "train.py"), "ConflictingOptions", "--certfile"),
        (("run", "submit-script", "loop.py"), "ScriptNotFound", "loop.py"),
        (("run", "submit-script", "--dry-run", "loop.py"), "ScriptNotFound", "loop.py"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused(
    ready: Mlrun, words: tuple[str, ...], code: str, target: str | None
) -> None:
    failure = ready.fails(*words)
    assert failure.code == code
    assert failure.target == target or str(failure.target).endswith(f"/{target}")
    assert len(failure.text.splitlines()) == 2
    assert run_count(ready) == 1
    assert [model["id"] for model in ready.json("model", "list")] == ["model:1"]
    assert ready.json("computetarget", "list") == []


def test_the_same_value_twice_and_flags_are_taken(ready: Mlrun) -> None:
    ready("run", "list", "-w", "default", "--workspace-name", "default", "--verbose", "--verbose")
