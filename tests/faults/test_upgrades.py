from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import pytest

from mlrun_cli import __version__
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runtime.queue import QueueFolder, QueueReport
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.faults.gates import locked
from tests.faults.wheels import install, make_environment, uninstall
from tests.running import COMMAND, LIVE, Mlrun, service_error, until, words_of

NEWER = "999.0"
SUPERVISOR_LOG = "artifacts/system_logs/supervisor.log"
LOG_BEFORE_AND_AFTER = """
    import os, time
    from azureml.core import Run

    run = Run.get_context()
    run.log("x", 1)
    print("here", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    run.log("x", 2)
    run.tag("seen", str(run.get_metrics()["x"]))
    run.add_properties({"written": "late"})
    run.flush()
"""


@pytest.fixture(scope="module")
def newer_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with another version, in which nothing works that a supervisor could import by now."""
    newer = tmp_path_factory.mktemp("newer") / wheel.name.replace(__version__, NEWER)
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(newer, "w") as new:
        for name in old.namelist():
            if name.endswith(".pyc"):
                continue
            content = old.read(name)
            if name.endswith("METADATA"):
                content = re.sub(rb"(?m)^Version: .*$", f"Version: {NEWER}".encode(), content)
            elif name.endswith(".py"):
                content = b"raise SystemError('of a newer version')\n"
            new.writestr(name.replace(f"mlrun_cli-{__version__}", f"mlrun_cli-{NEWER}"), content)
    return newer


@pytest.fixture
def installed(mlrun: Mlrun, wheel: Path, tmp_path: Path) -> Path:
    """An environment of its own with the wheel in it, which the command comes from; its interpreter."""
    python = make_environment(tmp_path / "venv")
    install(python, wheel)
    mlrun.command = [str(python.with_name("mlrun"))]
    return python


@pytest.mark.parametrize("gone", ["package", "interpreter"])
def test_a_dispatcher_whose_program_is_gone_leaves_its_queue_to_another_and_says_so(
    mlrun: Mlrun, installed: Path, gone: str
) -> None:
    mlrun("computetarget", "create", "amlcompute", "-n", "single", "--max-nodes", "1")
    mlrun.script("import os, time\nprint('here', flush=True)\nwhile not os.path.exists('go'):\n    time.sleep(0.01)\n")
    first, second = (mlrun.submit("--ct", "single", "train.py") for _ in range(2))
    until(lambda: mlrun.log(first))
    if gone == "package":
        uninstall(installed)
    else:
        shutil.rmtree(installed.parent)
    mlrun.command = [str(COMMAND)]

    (mlrun.run_folder(first) / "work" / "go").touch()

    mlrun.wait_for_status(first, "Completed")
    with Workspace.connect(parse_locator(mlrun.database.parent), redactor=Redactor()) as workspace:
        folder = QueueFolder(workspace, "single")
        until(folder.read_problem)
        told = QueueReport(workspace).describe_wait(workspace.runs.get(second))
    assert f" {installed.parent.parent}" in told
    assert mlrun.stored_status(second) == "Queued"
    assert mlrun.show(second)["status"] in LIVE  # this look starts another
    mlrun.wait_for_status(second, "Running")
    assert "waiting_for" not in mlrun.show(second)
    until(lambda: mlrun.log(second))
    (mlrun.run_folder(second) / "work" / "go").touch()
    assert mlrun.wait(second)["status"] == "Completed"


@pytest.mark.parametrize("change", ["removed", "upgraded"])
def test_a_run_goes_on_to_its_end_while_the_package_is_changed_under_it(
    mlrun: Mlrun, installed: Path, newer_wheel: Path, change: str
) -> None:
    mlrun.script(LOG_BEFORE_AND_AFTER)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    until(lambda: mlrun.log(run_id))
    assert words_of(mlrun.supervisor(run_id))[0] == str(installed)

    if change == "removed":
        uninstall(installed)
        assert not Path(mlrun.command[0]).exists()
    else:
        install(installed, newer_wheel)
    with locked(mlrun.database):  # for longer than the supervisor waits at a time
        (mlrun.run_folder(run_id) / "work" / "go").touch()
        until(lambda: "wait" in (mlrun.run_folder(run_id) / SUPERVISOR_LOG).read_text(encoding="utf-8"))

    assert mlrun.wait_for_status(run_id, "Completed", "Failed", "Canceled") == "Completed", mlrun.log(run_id)
    mlrun.command = [str(COMMAND)]
    record = mlrun.show(run_id)
    assert record["tags"] == {"seen": "[1, 2]"}
    assert record["properties"]["written"] == "late"
    assert mlrun.metrics(run_id) == {"x": [1, 2]}


def test_a_run_that_waits_while_the_package_is_changed_gets_the_new_one(
    mlrun: Mlrun, installed: Path, wheel: Path
) -> None:
    mlrun.script(LOG_BEFORE_AND_AFTER)
    mlrun("computetarget", "create", "amlcompute", "-n", "single", "--max-nodes", "1")
    run_ids = [mlrun.submit("--ct", "single", "train.py") for _ in range(3)]
    is_forked = []
    for run_id in run_ids:
        mlrun.wait_for_status(run_id, "Running")
        is_forked.append("--workspace" not in words_of(mlrun.supervisor(run_id)))
        if run_id == run_ids[1]:
            install(installed, wheel)
        (mlrun.run_folder(run_id) / "work" / "go").touch()
    assert [mlrun.wait(run_id)["status"] for run_id in run_ids] == ["Completed"] * 3
    assert is_forked == [True, True, False]


def test_a_run_whose_store_was_made_newer_while_it_waited_fails_and_says_why(mlrun: Mlrun) -> None:
    mlrun.script(LOG_BEFORE_AND_AFTER)
    mlrun("computetarget", "create", "amlcompute", "-n", "single", "--max-nodes", "1")
    first, second = (mlrun.submit("--ct", "single", "train.py") for _ in range(2))
    mlrun.wait_for_status(first, "Running")
    ((version,),) = mlrun.stored("SELECT version FROM schema_version")
    mlrun.execute("UPDATE schema_version SET version = 99")
    (mlrun.run_folder(first) / "work" / "go").touch()

    assert mlrun.wait_for_status(second, "Failed", "Completed") == "Failed"
    assert not (mlrun.run_folder(second) / "secrets.json").exists()
    mlrun.execute("UPDATE schema_version SET version = ?", version)
    assert mlrun.show(first)["status"] == "Completed"
    assert re.search(r"\bschema 99\b", service_error(mlrun.show(second), "StoreTooNew"))
