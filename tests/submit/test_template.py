"""Templates: runs are started from them once each, whatever dies in between."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.actions.shared_folder_prune import list_referenced_snapshot_ids
from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import ScriptNotFound, StoredFilesLost
from mlrun_cli.processes.process import list_run_processes
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runs.retry_policy import RetryPolicy
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.template import RunTemplate, create_template, get_secrets_file, get_submission_file, read_template
from mlrun_cli.submit.template_runs import TemplateRun, start_from_template
from mlrun_cli.targets.programs import wait_for_exit
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, WorkspaceLocator, locate_workspace
from tests.running import kill, processes, until

SECRET = "mo6Naiph2eij"
WRITES = ("open", "os.", "shutil.", "sqlite3.", "socket.")


@pytest.fixture
def locator(tmp_path: Path) -> Iterator[WorkspaceLocator]:
    found = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
    yield found
    kill(*(pid for pid, words in processes() if words.get("MLRUN_HOME") == str(tmp_path / "home")))
    kill(*(pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _names(pid, str(found.folder))))


def _names(pid: int, text: str) -> bool:
    try:
        return text.encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and pid != os.getpid()
    except OSError:
        return False


@pytest.fixture
def workspace(locator: WorkspaceLocator) -> Iterator[Workspace]:
    with Workspace.open(locator, create=True, redactor=Redactor()) as opened:
        yield opened


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "my folder"
    folder.mkdir()
    (folder / "train.py").write_text(
        "import os, sys\nfrom azureml.core import Run\n"
        "Run.get_context().tag('seen', ' '.join(sys.argv[1:]) + ' ' + os.environ.get('COLOUR', ''))\n",
        encoding="utf-8",
    )
    return folder


def build_request(source: Path, **fields: Any) -> SubmitRequest:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    plain: dict[str, Any] = {"path": source, "experiment_name": "exp", "environment": environment}
    return SubmitRequest(**{**plain, "script": "train.py", "arguments": ("--fixed", "1"), **fields})


def write(workspace: Workspace, template: RunTemplate) -> Path:
    folder = workspace.folder / "template"
    folder.mkdir()
    template.write(folder)
    return folder


def ended(workspace: Workspace, run_id: str) -> Run:
    def look() -> Run | None:
        reconcile(workspace)
        run = workspace.runs.get(run_id)
        return run if run.status.is_terminal else None

    return until(look)


def test_runs_of_a_template_differ_only_in_what_was_asked_for(workspace: Workspace, source: Path) -> None:
    request = build_request(source, tags={"a": "1"}, variables={"COLOUR": "red"}, display_name="named")
    folder = write(workspace, create_template(workspace, request))
    (source / "train.py").unlink()
    template = read_template(workspace, folder)
    start_from_template(workspace, template, TemplateRun("plain"))
    changed = TemplateRun(
        "changed",
        parent_run_id="plain",
        run_type="of.another.type",
        arguments=["--fixed", "1", "--lr", "0.5"],
        variables={"COLOUR": "blue"},
        tags={"b": "2"},
        properties={"azureml.runsource": "hyperdrive"},
        display_name="other",
    )
    start_from_template(workspace, template, changed)
    plain, other = ended(workspace, "plain"), ended(workspace, "changed")
    assert plain.status is other.status is RunStatus.COMPLETED, (plain.error, other.error)
    assert (plain.tags, plain.display_name) == ({"a": "1", "seen": "--fixed 1 red"}, "named")
    assert other.tags == {"a": "1", "b": "2", "seen": "--fixed 1 --lr 0.5 blue"}
    assert (other.parent_run_id, other.root_run_id, other.run_type) == ("plain", "plain", "of.another.type")
    assert other.properties["azureml.runsource"] == "hyperdrive"
    assert other.properties["ContentSnapshotId"] == plain.properties["ContentSnapshotId"]
    assert other.display_name == "other"
    assert other.definition is not None
    assert other.definition["arguments"] == ["--fixed", "1", "--lr", "0.5"]


def test_a_template_that_is_read_again_is_the_one_that_was_written(workspace: Workspace, source: Path) -> None:
    configuration = RunConfiguration(
        script="train.py",
        max_run_duration_seconds=600,
        environment_variables={"A": "1"},
        rest={"environment.docker.arguments": ["-v", "/tmp:/data"]},
    )
    request = build_request(
        source, configuration=configuration, retry=RetryPolicy(2), priority=1, notify=("cmd:true",), tags={"t": None}
    )
    template = create_template(workspace, request)
    again = read_template(workspace, write(workspace, template))
    assert again.request == request._replace(source_directory=None)
    plain = Redactor()
    assert again.resolution._replace(redactor=plain) == template.resolution._replace(redactor=plain)
    assert again[2:6] == template[2:6]


def test_secrets_of_a_template_are_only_in_the_file_for_them(workspace: Workspace, source: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "MY_PASSWORD": SECRET}
    request = build_request(
        source, environment=environment, arguments=("--password", SECRET), variables={"API_TOKEN": SECRET}
    )
    folder = write(workspace, create_template(workspace, request))
    assert SECRET not in get_submission_file(folder).read_text(encoding="utf-8")
    assert get_secrets_file(folder).stat().st_mode & 0o777 == 0o600
    template = read_template(workspace, folder)
    run = start_from_template(workspace, template, TemplateRun("r", arguments=["--password", SECRET, "--lr", "1"]))
    assert ended(workspace, run.run_id).tags["seen"] == "--password *** --lr 1 "
    assert SECRET not in str(ended(workspace, run.run_id))
    get_secrets_file(folder).unlink()
    with pytest.raises(StoredFilesLost):
        read_template(workspace, folder)


def test_a_request_that_is_not_valid_makes_no_template(workspace: Workspace, source: Path) -> None:
    with pytest.raises(ScriptNotFound):
        create_template(workspace, build_request(source, script="missing.py"))
    assert not workspace.runs.has_live_runs()


def test_data_of_a_template_are_bound_for_each_run(workspace: Workspace, source: Path) -> None:
    reference = {"dataStoreName": "workspaceblobstore", "pathOnDataStore": "x", "mode": "mount"}
    template = create_template(workspace, build_request(source, configuration=RunConfiguration(script="train.py")))
    for name in ("first", "second"):
        arguments = [f"$AZUREML_DATAREFERENCE_{name}"]
        sections = {"dataReferences": {name: reference}}
        start_from_template(workspace, template, TemplateRun(name, arguments=arguments, sections=sections))
        run = ended(workspace, name)
        assert run.status is RunStatus.COMPLETED, run.error
        assert str(run.tags["seen"]).strip().endswith("/x")
        assert run.definition is not None
        assert list(run.definition["dataReferences"]) == [name]


def start_and_die(locator: WorkspaceLocator, folder: Path, run_id: str, at: int) -> int:
    """Start a run in a forked process, which kills itself at the given step; return the number of its steps."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        steps = 0
        is_counting = False

        def count(event: str, _arguments: object) -> None:
            nonlocal steps
            if is_counting and event.startswith(WRITES):
                steps += 1
                if steps == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            with Workspace.connect(locator, redactor=Redactor()) as workspace:
                template = read_template(workspace, folder)
                is_counting = True
                start_from_template(workspace, template, TemplateRun(run_id, arguments=[run_id]))
                is_counting = False
            os.write(writing, str(steps).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    wait_for_exit(pid)
    return int(text or 0)


def test_a_start_that_is_killed_at_any_step_goes_on_at_the_next_call(
    locator: WorkspaceLocator, workspace: Workspace, source: Path
) -> None:
    folder = write(workspace, create_template(workspace, build_request(source)))
    template = read_template(workspace, folder)
    total = start_and_die(locator, folder, "whole", 0)
    assert total > 20
    names = [f"killed_{at}" for at in range(1, total, max(1, total // 25))]
    for name in names:
        start_and_die(locator, folder, name, int(name.rpartition("_")[2]))
        reconciles_first = len(name) % 2 == 0
        if reconciles_first:
            reconcile(workspace)
        for _ in range(2):
            start_from_template(workspace, template, TemplateRun(name, arguments=[name]))
    found: Mapping[str, Run] = {name: ended(workspace, name) for name in names}
    wrong = {name: run.error for name, run in found.items() if run.status is not RunStatus.COMPLETED}
    assert not wrong
    assert all(str(run.tags["seen"]).strip() == name for name, run in found.items())
    assert all(len(workspace.runs.list_status_changes(run.key)) < 9 for run in found.values())
    assert not any(list_run_processes(name) for name in names)
    assert not list((workspace.folder / "submits").iterdir())
    assert not [name for name in names if read_json(workspace.get_run_folder(name).secrets)]


def test_the_snapshot_of_a_template_is_kept_as_long_as_its_run_has_a_folder(workspace: Workspace, source: Path) -> None:
    template = create_template(workspace, build_request(source))
    runs = workspace.folder / "runs"
    for folder in ("template", "steps/0a1b2c3d"):
        place = runs / f"HD_{len(folder)}" / folder
        place.mkdir(parents=True)
        template.write(place)
        other = runs / f"HD_{len(folder)}"
        assert list_referenced_snapshot_ids(runs, []) == {template.snapshot.snapshot_id}
        assert list_referenced_snapshot_ids(runs, [other]) == set()
        shutil.rmtree(other)
