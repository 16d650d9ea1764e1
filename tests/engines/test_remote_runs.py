"""Runs on another machine that is reached by ssh."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.targets.errors import EngineUnavailable
from mlrun_cli.targets.package_copies import ensure_program_copy
from mlrun_cli.targets.remote.mirror import Mirror
from mlrun_cli.targets.remote.target import RemoteTarget
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.endurance.engine_kills import list_collectors, stop_collectors
from tests.engines.sshd import HOST_ALIAS, PORT, RemoteMachine
from tests.running import LIVE, Mlrun, find_paths, kill, until, words_of

WAITING = """
    import os, sys, time
    from azureml.core import Run

    run = Run.get_context()
    number = 0
    while not os.path.exists(sys.argv[1]):
        run.log("x", number)
        print("line", number, flush=True)
        number += 1
        time.sleep(0.05)
    with open("outputs/number", "w") as file:
        file.write(str(number))
    run.log("x", number)
    print("end", flush=True)
"""

LOGGING_AT_ONCE = """
    import os, sys, time
    from azureml.core import Run

    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    for number in range(1000):
        Run.get_context().log("x", number)
    open(sys.argv[2], "w").close()
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def attached(shared_machine: RemoteMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    """Return a command whose workspace has a target `box` on the machine, with one node."""
    command = Mlrun(tmp_path_factory.mktemp("attached"))
    shared_machine.install_client(command)
    attach(command, shared_machine, "--max-nodes", "1")
    yield command
    command.close()
    shared_machine.reset()


@pytest.fixture
def box(attached: Mlrun, shared_machine: RemoteMachine) -> Iterator[Mlrun]:
    """Return the command of the module, whose target runs nothing afterwards."""
    yield attached
    shared_machine.ensure_sshd()
    # A test that has failed may leave live runs, for which those of the next tests would wait.
    for (run_id,) in attached.stored(f"SELECT run_id FROM runs WHERE status IN ({', '.join('?' * len(LIVE))})", *LIVE):
        attached("run", "cancel", "-r", run_id, "--force", check=False)
    for pid in shared_machine.list_pids():
        kill(pid)
    for path in shared_machine.marks.iterdir():
        path.unlink()


@pytest.fixture
def remote_machine(shared_machine: RemoteMachine) -> RemoteMachine:
    """Return the machine, which is left as it is for the other tests of the module."""
    return shared_machine


def attach(mlrun: Mlrun, machine: RemoteMachine, *options: str) -> None:
    words = ("computetarget", "attach", "remote", "-n", "box", "--address", HOST_ALIAS, "--python", machine.python)
    mlrun(*words, *options)


def start(box: Mlrun, machine: RemoteMachine, name: str = "go") -> tuple[str, Path]:
    """Submit a script that logs until a file exists; return the run's id and the path of the file."""
    box.script(WAITING)
    go = machine.marks / name
    return box.submit("--ct", "box", "train.py", str(go)), go


def start_and_see(box: Mlrun, machine: RemoteMachine) -> tuple[str, Path]:
    """Submit a script that logs until a file exists, and wait until its log is here."""
    run_id, go = start(box, machine)
    until(lambda: "line 1" in box.log(run_id))
    return run_id, go


def find_there(machine: RemoteMachine, *words: str) -> list[str]:
    """Return what `find` finds in the folders of targets on the machine; folders of ended runs may go meanwhile."""
    return machine.run("sh", "-c", 'find "$@" || true', "sh", *_list_folders(machine), *words).splitlines()


def _list_folders(machine: RemoteMachine) -> list[str]:
    return machine.run("sh", "-c", "echo ~/.mlrun/remotes/*/*").split()


def list_run_folders(machine: RemoteMachine) -> list[str]:
    return find_there(machine, "-path", "*/box/runs/*", "-prune")


def list_programs(machine: RemoteMachine, name: str) -> list[int]:
    """Return the pids of programs on the machine whose command line contains a text."""
    return [pid for pid in machine.list_pids() if name in shlex.join(words_of(pid))]


def check_values(box: Mlrun, run_id: str) -> None:
    """Check that the values of a run that has ended are those that its script has logged, each once."""
    number = int((box.run_folder(run_id) / "work" / "outputs" / "number").read_text(encoding="utf-8"))
    assert box.metrics(run_id) == {"x": list(range(number + 1)) if number else 0}
    assert box.log(run_id).splitlines() == [*(f"line {each}" for each in range(number)), "end"]


def has_longer_log(box: Mlrun, run_id: str, size: int) -> bool:
    return len(box.log(run_id)) > size


def get_reason(record: dict[str, Any]) -> str:
    return str(record["error"]["error"]["innerError"]["code"])


@pytest.mark.promises("remote", "status")
def test_a_run_completes_with_all_that_it_has_written(
    box: Mlrun, remote_machine: RemoteMachine, tmp_path: Path
) -> None:
    script = """
        import os
        from azureml.core import Run

        run = Run.get_context()
        run.log("x", 1)
        run.tag("a", "b")
        run.add_properties({"p": "q"})
        assert run.get_metrics() == {"x": 1}
        os.makedirs("outputs/part")
        with open("outputs/part/model.txt", "w") as file:
            file.write("model")
        os.symlink("/etc/hostname", "outputs/elsewhere")
        with open("note.txt", "w") as file:
            file.write("note")
        run.upload_file("kept/note.txt", "note.txt")
        print(os.uname().nodename, os.environ["HOME"], os.environ.get("OF_THIS_SHELL"), os.environ["NAMED"])
    """
    box.script(script)
    box.environment["OF_THIS_SHELL"] = "1"
    (box.folder / ".azureml" / "named.runconfig").write_text(
        "script: train.py\ntarget: box\nenvironment:\n  environmentVariables: {NAMED: '2'}\n"
        "  python: {userManagedDependencies: true}\n",
        encoding="utf-8",
    )
    run_id = box.submit("-c", "named")
    record = box.wait(run_id)
    assert record["status"] == "Completed", box.log(run_id)
    assert (record["tags"], record["properties"]["p"]) == ({"a": "b"}, "q")
    assert record["properties"]["node"] == remote_machine.name
    assert box.history(run_id) == [
        *("NotStarted", "Queued", "Preparing", "Starting", "Running", "Finalizing", "Completed")
    ]
    assert box.metrics(run_id) == {"x": 1}
    assert box.log(run_id) == f"{remote_machine.name} /home/{remote_machine.user} None 2\n"
    names = box.json("run", "files", "-r", run_id)
    assert {"outputs/part/model.txt", "kept/note.txt", "note.txt", "user_logs/std_log.txt"} <= set(names)
    assert "outputs/elsewhere" not in names
    box("run", "download", "-r", run_id, "-d", str(tmp_path / "got"))
    assert (tmp_path / "got" / "outputs" / "part" / "model.txt").read_text(encoding="utf-8") == "model"
    until(lambda: not list_run_folders(remote_machine))
    assert not find_paths(box.home, "secrets.json")


@pytest.mark.promises("remote", "logs, values", "cancel")
def test_what_a_run_writes_is_seen_while_it_runs(box: Mlrun, remote_machine: RemoteMachine) -> None:
    run_id, go = start_and_see(box, remote_machine)
    (secrets,) = find_there(remote_machine, "-name", "secrets.json", "-printf", "%m\n")
    assert secrets == "600"
    assert box.show(run_id)["status"] == "Running"
    until(lambda: len(box.metrics(run_id).get("x", ())) > 1)
    waiting = box.submit("--ct", "box", "train.py", str(go))
    until(lambda: "at most 1 node" in box.show(waiting).get("waiting_for", ""))
    canceled = box.submit("--ct", "box", "train.py", str(go))
    for each in (canceled, run_id):
        box("run", "cancel", "-r", each)
        assert box.wait(each)["status"] == "Canceled"
    go.touch()
    assert box.wait(waiting)["status"] == "Completed"
    check_values(box, waiting)
    assert "Running" not in box.history(canceled)


def test_a_file_that_a_driver_adds_to_a_live_run_is_kept(box: Mlrun, remote_machine: RemoteMachine) -> None:
    run_id, go = start_and_see(box, remote_machine)
    box.script(
        f"""
        from azureml.core import Run, Workspace

        run = Run.get(Workspace.from_config(), "{run_id}")
        run.upload_file("notes/added.py", "driver.py")
        """,
        "driver.py",
    )
    box.python("driver.py")
    go.touch()
    assert box.wait(run_id)["status"] == "Completed"
    assert {"notes/added.py", "outputs/number"} <= set(box.json("run", "files", "-r", run_id))


@pytest.mark.parametrize("is_cut_at_end", [True, False])
@pytest.mark.promises("remote", "status", "the submitting machine dies")
def test_a_run_goes_on_while_the_line_is_cut(box: Mlrun, remote_machine: RemoteMachine, *, is_cut_at_end: bool) -> None:
    run_id, go = start_and_see(box, remote_machine)
    remote_machine.stop_sshd(cut=True)
    seen = len(box.log(run_id))
    until(lambda: _get_log_size(remote_machine, run_id) > seen + 100)
    if is_cut_at_end:
        go.touch()
        until(lambda: not list_programs(remote_machine, run_id))
    assert box.show(run_id)["status"] == "Running"
    remote_machine.start_sshd()
    go.touch()
    assert box.wait(run_id)["status"] == "Completed"
    check_values(box, run_id)


def _get_log_size(machine: RemoteMachine, run_id: str) -> int:
    (size,) = find_there(machine, "-path", f"*/{run_id}/artifacts/*/std_log.txt", "-printf", "%s\n")
    return int(size)


@pytest.mark.kill
@pytest.mark.promises("remote", "the submitting machine dies")
def test_nothing_is_lost_or_doubled_while_all_others_are_killed(box: Mlrun, remote_machine: RemoteMachine) -> None:
    run_id, go = start_and_see(box, remote_machine)
    for list_pids in (
        lambda: list_collectors(box),
        lambda: list_programs(remote_machine, " serve "),
        remote_machine.list_connections,
    ):
        kill(*until(list_pids))
        size = len(box.log(run_id))
        box("run", "list")
        until(partial(has_longer_log, box, run_id, size))
    go.touch()
    assert box.wait(run_id)["status"] == "Completed"
    check_values(box, run_id)


@pytest.mark.kill
@pytest.mark.parametrize("name", ["--own-environment", "node/remote/__main__.py job"])
@pytest.mark.promises("remote", "a supervisor that dies")
def test_a_killed_supervisor_takes_its_script_along(box: Mlrun, remote_machine: RemoteMachine, name: str) -> None:
    run_id, _ = start_and_see(box, remote_machine)
    kill(*list_programs(remote_machine, name))
    record = box.wait(run_id)
    assert (record["status"], get_reason(record)) == ("Failed", "SupervisorDied")
    assert not list_programs(remote_machine, "train.py")


@pytest.mark.kill
@pytest.mark.promises("remote", "status")
def test_a_restart_of_the_machine_fails_its_runs(box: Mlrun, remote_machine: RemoteMachine) -> None:
    run_id, go = start_and_see(box, remote_machine)
    waiting = box.submit("--ct", "box", "train.py", str(go))
    remote_machine.power_off()
    remote_machine.power_on()
    record = box.wait(run_id)
    assert (record["status"], get_reason(record)) == ("Failed", "NodeLost")
    go.touch()
    assert box.wait(waiting)["status"] == "Completed"


@pytest.mark.promises("remote", "questions of a script")
def test_a_script_asks_the_workspace(box: Mlrun) -> None:
    script = """
        from azureml.core import Run, ScriptRunConfig

        run = Run.get_context()
        run.log("x", 7)
        with open("child.py", "w") as file:
            file.write(
                "from azureml.core import Run\\n"
                "assert Run.get_context().parent.get_metrics() == {'x': 7}\\n"
                "open('outputs/word', 'w').write('7')"
            )
        child = run.submit_child(ScriptRunConfig(source_directory=".", script="child.py"))
        child.wait_for_completion()
        assert child.get_status() == "Completed"
        child.download_file("outputs/word", "word")
        assert open("word").read() == "7"
    """
    box.script(script)
    record = box.wait(box.submit("--ct", "box", "train.py"))
    assert record["status"] == "Completed", box.log(record["run_id"])
    assert "warnings" not in record


def test_only_a_poll_after_a_submit_tells_that_there_is_no_job(box: Mlrun, monkeypatch: pytest.MonkeyPatch) -> None:
    box.script("")
    run_id = str(box.ended()["run_id"])  # on this machine: the other one has no job of it
    for name in ("HOME", "PATH"):
        monkeypatch.setenv(name, box.environment[name])
    with Workspace.open(parse_locator(box.database.parent), redactor=Redactor(), create=False) as workspace:
        target, run = RemoteTarget(workspace, "box"), workspace.runs.get(run_id)
        folder = target.shared_folder
        with closing(Mirror(workspace, target.settings, folder, ensure_program_copy(folder.programs))) as mirror:
            mirror.synchronize([run])
            with pytest.raises(EngineUnavailable):
                mirror.find_jobs([run_id])
            mirror.synchronize([run])
            assert mirror.find_jobs([run_id]) == {}


@pytest.mark.promises("remote", "data")
def test_data_is_downloaded(box: Mlrun, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "one.txt").write_text("one", encoding="utf-8")
    box("datastore", "attach-local", "there", str(tmp_path / "data"))
    box.script("import sys\nprint(open(sys.argv[1] + '/one.txt').read())")
    runconfig = {
        "script": "train.py",
        "target": "box",
        "arguments": ["$AZUREML_DATAREFERENCE_it"],
        "environment": {"python": {"userManagedDependencies": True}},
        "dataReferences": {"it": {"dataStoreName": "there", "mode": "download", "pathOnDataStore": "/"}},
    }
    path = box.folder / ".azureml" / "data.runconfig"
    path.write_text(json.dumps(runconfig), encoding="utf-8")
    run_id = box.submit("-c", "data")
    assert box.wait(run_id)["status"] == "Completed", box.log(run_id)
    assert box.log(run_id) == "one\n"
    path.write_text(json.dumps(runconfig).replace('"download"', '"mount"'), encoding="utf-8")
    assert box.fails("run", "submit-script", "--async", "-c", "data").code == "PathNotShared"


def test_a_submit_without_a_line_leaves_nothing(box: Mlrun, remote_machine: RemoteMachine) -> None:
    remote_machine.stop_sshd(cut=True)
    box.script("")
    before = box.json("run", "list")
    failure = box.fails("run", "submit-script", "--async", "--ct", "box", "train.py", exit_code=1)
    assert (failure.code, "Connection refused" in failure.message) == ("EngineUnavailable", True)
    assert box.json("run", "list") == before
    assert "Connection refused. " in box("computetarget", "show", "-n", "box").stderr
    remote_machine.start_sshd()


def test_the_folder_of_a_run_that_was_forced_to_end_is_removed(box: Mlrun, remote_machine: RemoteMachine) -> None:
    run_id, _ = start_and_see(box, remote_machine)
    box("run", "cancel", "-r", run_id, "--force")
    box("run", "delete", "-r", run_id, "--yes")
    until(lambda: not list_run_folders(remote_machine))
    assert not list_programs(remote_machine, "train.py")


def test_a_run_that_cannot_be_ended_by_force_without_a_line_is_named_with_the_ways_out(
    box: Mlrun, remote_machine: RemoteMachine
) -> None:
    running, _ = start_and_see(box, remote_machine)
    waiting, _ = start(box, remote_machine)
    remote_machine.stop_sshd(cut=True)
    failure = box.fails("run", "cancel", "-r", running, "-r", waiting, "--force", exit_code=1)
    assert (failure.code, failure.target) == ("EngineUnavailable", running)
    assert failure.message.startswith(
        f"The runs {running}, {waiting} are not ended yet, because 'box' cannot be reached"
    )
    assert "Connection refused" in failure.message
    assert "'mlrun computetarget detach -n box --force' records all 2 live runs" in str(failure.hint)
    statuses = [box.show(run_id)["status"] for run_id in (running, waiting)]
    assert statuses == ["CancelRequested", "CancelRequested"]

    remote_machine.start_sshd()
    assert [box.wait(run_id)["status"] for run_id in (running, waiting)] == ["Canceled", "Canceled"]


@pytest.mark.kill
@pytest.mark.parametrize("dies", [False, True], ids=["stopped", "killed later"])
@pytest.mark.parametrize("is_deleted", [False, True], ids=["canceled", "deleted"])
def test_a_run_ended_by_force_has_all_values_though_none_had_been_pulled(
    box: Mlrun, remote_machine: RemoteMachine, *, dies: bool, is_deleted: bool
) -> None:
    box.script(LOGGING_AT_ONCE)
    go, done = remote_machine.marks / "go", remote_machine.marks / "done"
    run_id = box.submit("--ct", "box", "train.py", str(go), str(done))
    box.wait_for_status(run_id, "Running")
    collectors = stop_collectors(box)
    try:
        go.touch()
        until(done.exists)
        box("run", "cancel", "-r", run_id, "--force")
        assert box.metrics(run_id) == {}
        if is_deleted:
            box("run", "delete", "-r", run_id, "--yes")
    finally:
        kill(*collectors, number=signal.SIGKILL if dies else signal.SIGCONT)
    # A reader starts the collector that finds what a killed one has left.
    until(lambda: box("run", "list") and not list_run_folders(remote_machine))
    if is_deleted:
        box("run", "restore", "-r", run_id)
    assert box.metrics(run_id) == {"x": list(range(1000))}
    assert box.stored_status(run_id) == "Canceled"


def test_what_there_is_of_an_ended_run_is_removed_once_there_is_a_line(
    box: Mlrun, remote_machine: RemoteMachine
) -> None:
    run_id, _ = start_and_see(box, remote_machine)
    log = box.database.parent / "queues" / "box" / "dispatcher.log"
    before = log.stat().st_size
    remote_machine.stop_sshd(cut=True)
    box.execute("UPDATE runs SET status = 'Canceled', ended_at = 1 WHERE run_id = ?", run_id)
    until(lambda: b"Connection refused" in log.read_bytes()[before:])
    assert list_run_folders(remote_machine)
    remote_machine.start_sshd()
    until(lambda: not list_run_folders(remote_machine))
    assert not list_programs(remote_machine, "train.py")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ssh-option", "UserKnownHostsFile=/dev/null"], "Host key verification failed."),
        (["--username", "nobody"], "Permission denied (publickey)."),
        (["--ssh-port", "1"], "Connection refused"),
    ],
)
def test_what_ssh_says_is_the_error(ssh_mlrun: Mlrun, options: list[str], words: str) -> None:
    attaching = ("computetarget", "attach", "remote", "-n", "box", "--address", HOST_ALIAS)
    failure = ssh_mlrun.fails(*attaching, *options, exit_code=1)
    assert (failure.code, words in failure.message) == ("EngineUnavailable", True), failure
    assert ssh_mlrun.json("computetarget", "list") == []


def test_the_line_of_az_says_all_that_ssh_needs(ssh_mlrun: Mlrun, remote_machine: RemoteMachine) -> None:
    ssh = Path(ssh_mlrun.environment["HOME"], ".ssh")
    key = (ssh / "id_ed25519").rename(ssh_mlrun.folder / "my key")
    (ssh / "config").write_text(f'Host *\n    UserKnownHostsFile "{ssh}/known_hosts"\n', encoding="utf-8")
    ssh_mlrun("install-az", "../bin")
    line = ("computetarget", "attach", "remote", "-n", "box", "--address", remote_machine.address)
    identity = ("--username", remote_machine.user, "--ssh-port", str(PORT), "--private-key-file", key.name)
    attached = ssh_mlrun.run("../bin/az", "ml", *line, *identity, "--python", remote_machine.python)
    assert attached.returncode == 0, attached.stderr
    ssh_mlrun.script("import getpass, os; print(getpass.getuser(), os.uname().nodename)")
    done = ssh_mlrun.run("../bin/az", "ml", "run", "submit-script", "--ct", "box", "train.py")
    assert done.returncode == 0, done.stderr
    assert ssh_mlrun.log(json.loads(done.stdout)["run_id"]).split() == [remote_machine.user, remote_machine.name]


def test_a_driver_attaches_and_detaches_a_machine(ssh_mlrun: Mlrun) -> None:
    script = f"""
        from azureml.core import Workspace
        from azureml.core.compute import ComputeTarget, RemoteCompute

        workspace = Workspace.from_config()
        configuration = RemoteCompute.attach_configuration("tester", address="{HOST_ALIAS}")
        target = ComputeTarget.attach(workspace, "box", configuration)
        target.wait_for_completion(show_output=True)
        assert (type(target), target.address, target.is_attached) == (RemoteCompute, "{HOST_ALIAS}", True)
    """
    other = """
        from azureml.core import Workspace

        workspace = Workspace.from_config()
        target = workspace.compute_targets["box"]
        assert type(target).__name__ == "RemoteCompute"
        target.detach()
        assert workspace.compute_targets == {}
    """
    for text in (script, other):
        done = ssh_mlrun.run(sys.executable, str(ssh_mlrun.script(text, "drive.py")))
        assert done.returncode == 0, done.stderr


def test_what_cannot_be_attached_is_refused(ssh_mlrun: Mlrun) -> None:
    attaching = ("computetarget", "attach", "remote", "-n", "box", "--address", HOST_ALIAS)
    assert ssh_mlrun.fails(*attaching, "--python", "/usr/bin/no-python", exit_code=1).code == "NodeNotUsable"
    assert ssh_mlrun.fails(*attaching, "--password", "secret").code == "Unsupported"


def test_show_says_what_is_free(box: Mlrun, remote_machine: RemoteMachine) -> None:
    (node,) = box.json("computetarget", "show", "-n", "box")["nodes"]
    assert (node["name"], node["running"], node["queued"]) == (remote_machine.name, 0, 0)
    assert node["cpus"] > 0
