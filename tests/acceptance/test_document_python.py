"""The Python of Azure's page on run history, with its scripts, as one driver beside them.

`tests/data/document/printed.txt` is what it prints. In it `<run 1>` is the id of the run that shows up first, and so
on; `<live>` is any status of a run that has not ended.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import LIVE, Mlrun

DOCUMENT = Path(__file__).parents[1] / "data" / "document"

_RUN_ID = re.compile(r"explore-runs_\d{10}_[0-9a-f]{8}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NORMAL = (
    (re.compile(r"^\d+\.\d+\.\d+$", re.MULTILINE), "<version>"),
    (re.compile(r"'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z'"), "<time>"),
    (re.compile(r"http://mlrun-\w+\.localhost:8642/\S+/runs/"), "http://…/runs/"),
    (re.compile(r"'ContentSnapshotId': '[0-9a-f-]{36}'"), "'ContentSnapshotId': <snapshot>"),
    (re.compile(r"'submittedBy': '[^']+'"), "'submittedBy': <user>"),
    (re.compile(rf"(?<=start\? )(?:{'|'.join(LIVE)})\b"), "<live>"),
    (re.compile(r"<generator object .*>"), "<generator>"),
)


def attach(mlrun: Mlrun) -> None:
    """Azure's command, which writes the one family of config.json."""
    mlrun("folder", "attach", "-w", "myworkspace", "-g", "myresourcegroup")


def write_config(mlrun: Mlrun) -> None:
    """Azure's method, which writes the other."""
    mlrun.python("-c", "from azureml.core import Workspace; Workspace.create('myworkspace').write_config()")
    assert '"workspace_name"' in (mlrun.folder / ".azureml" / "config.json").read_text(encoding="utf-8")


@pytest.fixture(params=[attach, write_config])
def mlrun(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path, attach=False)
    shutil.copytree(DOCUMENT, command.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.txt", "__pycache__"))
    request.param(command)
    yield command
    command.close()


def test_the_driver_prints_what_the_page_says_and_the_command_sees_the_same_runs(mlrun: Mlrun) -> None:
    printed = mlrun.python("driver.py")
    assert normal(printed).splitlines() == (DOCUMENT / "printed.txt").read_text(encoding="utf-8").splitlines()

    query = "[].[run_number, status, run_type, target]"
    script, interactive = "azureml.scriptrun", "azureml.interactiverun"
    assert mlrun.json("run", "list", "-e", "explore-runs", "--query", query) == [
        [18, "Completed", script, "local"],
        [12, "Completed", interactive, "local"],
        [6, "Completed", script, "local"],
        [5, "Failed", script, "local"],
        [4, "Canceled", script, "local"],
        [3, "Completed", script, "local"],
        [2, "Completed", interactive, "local"],
        [1, "Completed", interactive, "local"],
    ]
    (found,) = mlrun.json("run", "list", "-e", "explore-runs", "--tags", "quality=fantastic run")
    assert found["tags"] == {"quality": "fantastic run", "worth another look": None}
    assert (found["properties"]["author"], found["display_name"]) == ("azureml-user", "the first of many")
    assert mlrun.metrics(found["run_id"]) == {"message": "Hello from script!"}
    parent = mlrun.json("run", "list", "-e", "explore-runs", "--last", "1")[0]["run_id"]
    children = mlrun.json("run", "list", "-e", "explore-runs", "--parent-run-id", parent, "--query", query)
    assert children == [[number, "Completed", script, "gpu-cluster"] for number in (21, 20, 19)]


def normal(text: str) -> str:
    """What was printed, without what is another each time."""
    for pattern, replacement in _NORMAL:
        text = pattern.sub(replacement, text)
    numbers: dict[str, int] = {}
    return _RUN_ID.sub(lambda found: f"<run {numbers.setdefault(found[0], len(numbers) + 1)}>", text)
