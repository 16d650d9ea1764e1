"""Runs of several processes, which find each other by real sockets, and end together."""

from __future__ import annotations

import errno
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlrun_cli.processes import ports
from mlrun_cli.processes.ports import Ports
from tests.running import ENDED, Mlrun, is_alive, kill, make_nvidia_smi, processes, service_error, until

MEET = """
    import json, os, socket, time
    from azureml.core import Run

    names = ("RANK", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "AZUREML_NODE_COUNT")
    told = {name: int(os.environ[name]) for name in names}
    told["group"] = os.getpgid(0)
    address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    print("rank", told["RANK"], flush=True)
    Run.get_context().log("rank", told["RANK"])
    if told["RANK"] == 0:
        everybody = [told]
        with socket.create_server(address) as server:
            while len(everybody) < told["WORLD_SIZE"]:
                connection, _ = server.accept()
                with connection, connection.makefile() as lines:
                    everybody.append(json.loads(lines.readline()))
        print(json.dumps(sorted(everybody, key=lambda one: one["RANK"])))
    else:
        while True:
            try:
                connection = socket.create_connection(address)
                break
            except ConnectionRefusedError:
                time.sleep(0.01)
        with connection:
            connection.sendall(json.dumps(told).encode() + b"\\n")
"""
WAIT = """
    import os, subprocess, sys, time

    print("here", flush=True)
    if os.environ["RANK"] == "2":
        print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid, flush=True)
    while not (os.environ["RANK"] == "2" and os.path.exists("fail")):
        time.sleep(0.01)
    raise SystemError("no more")
"""
CLUSTER = """
    import json, os, socket, time

    config = json.loads(os.environ["TF_CONFIG"])
    cluster, task = config["cluster"], config["task"]
    host, _, port = cluster[task["type"]][task["index"]].partition(":")
    server = socket.create_server((host, int(port)))
    print(task["type"], task["index"], os.environ["NODE_RANK"], flush=True)
    if task["type"] == "ps":
        while True:
            server.accept()[0].sendall(b"parameters of %d" % task["index"])
    for address in cluster["ps"]:
        while True:
            try:
                connection = socket.create_connection((host, int(address.partition(":")[2])))
                break
            except ConnectionRefusedError:
                time.sleep(0.01)
        print(connection.recv(100).decode(), flush=True)
"""
BY_MPI = """
    import os, sys
    rank, size = os.environ["OMPI_COMM_WORLD_RANK"], os.environ["OMPI_COMM_WORLD_SIZE"]
    print(f"rank {rank} of", flush=True, end="")
    os.system("printf ' %s '" % size)
    print(os.environ["AZUREML_NODE_COUNT"], flush=True)
    print("also", sys.argv[1:], file=sys.stderr, flush=True)
    print("last")
    how = sys.argv[2] if sys.argv[1:2] == [rank] else ""
    if how == "raise":
        raise SystemError("no more")
    if how == "kill":
        os.kill(os.getpid(), 9)
    sys.exit(int(how or 0))
"""
STUBBORN = """
import os, sys, time
from pathlib import Path
from mlrun_cli.processes.termination import reap_children
from mlrun_cli.supervisor.child import ProcessSpec
from mlrun_cli.supervisor.process_group import ProcessGroup

here = Path(sys.argv[1])
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w'); time.sleep(600)"
docile = "import time; time.sleep(600)"
failing = "import os, sys, time\\nwhile not os.path.exists('deaf'): time.sleep(0.01)\\nsys.exit(3)"
commands = [[sys.executable, "-c", code] for code in (stubborn, failing, docile)]
specs = [ProcessSpec(argv, dict(os.environ), here, here / "log") for argv in commands]
group = ProcessGroup(specs, "exp_1", grace_seconds=0.2)
while group.exit_code is None:
    for pid, exit_code in reap_children().items():
        print(exit_code, flush=True)
        group.record_exits({pid: exit_code})
    group.kill_overdue_processes(time.monotonic())
    time.sleep(0.01)
print(group.exit_code, group.first_to_fail, group.list_survivors())
"""
FOUR_ON_TWO = "{script: train.py, communicator: Gloo, framework: PyTorch, nodeCount: 2, pytorch: {processCount: 4}}"
WITH_MPI = "{script: train.py, communicator: OpenMpi, nodeCount: 2, mpi: {processCountPerNode: 2}}"
with_mpirun = pytest.mark.skipif(shutil.which("mpirun") is None, reason="there is no MPI")


def runconfig(mlrun: Mlrun, text: str) -> None:
    """Write the runconfig `several`, in which the Python is that of the machine."""
    python = "environment: {python: {userManagedDependencies: true}}"
    mlrun.script(text.replace("{", "{" + python + ", ", 1), "several.runconfig")


def logs(mlrun: Mlrun, run_id: str) -> dict[str, str]:
    folder = mlrun.run_folder(run_id) / "artifacts" / "user_logs"
    return {log.name: log.read_text(encoding="utf-8") for log in folder.iterdir()}


def waiting(mlrun: Mlrun) -> tuple[str, list[int], int]:
    """Four processes on two nodes that wait, and a daemon of the third: run, processes and daemon."""
    mlrun.script(WAIT)
    runconfig(mlrun, FOUR_ON_TWO)
    run_id = mlrun.submit("-c", "several")
    until(lambda: all(logs(mlrun, run_id).values()) and logs(mlrun, run_id)["std_log_process_2.txt"].count("\n") == 2)
    mlrun.wait_for_status(run_id, "Running")
    document = json.loads((mlrun.run_folder(run_id) / "process.json").read_text(encoding="utf-8"))
    pids = [process["pid"] for process in document["processes"]]
    assert len(pids) == 4
    return run_id, pids, int(logs(mlrun, run_id)["std_log_process_2.txt"].splitlines()[1])


def test_four_processes_on_two_nodes_meet_at_the_first_and_log_into_one_run(mlrun: Mlrun) -> None:
    mlrun.script(MEET)
    runconfig(mlrun, FOUR_ON_TWO)

    streamed = mlrun("run", "submit-script", "-c", "several")

    record = json.loads(streamed.stdout)
    run_id = record["run_id"]
    assert "\nStreaming user_logs/std_log_process_0.txt\n" in streamed.stderr
    told = json.loads(logs(mlrun, run_id)["std_log_process_0.txt"].splitlines()[1])
    assert [(one["RANK"], one["LOCAL_RANK"], one["NODE_RANK"]) for one in told] == [
        (0, 0, 0),
        (1, 1, 0),
        (2, 0, 1),
        (3, 1, 1),
    ]
    assert {(one["WORLD_SIZE"], one["LOCAL_WORLD_SIZE"], one["AZUREML_NODE_COUNT"]) for one in told} == {(4, 2, 2)}
    groups = [one["group"] for one in told]
    assert groups[0] == groups[1] != groups[2] == groups[3]
    assert sorted(mlrun.metrics(run_id)["rank"]) == [0, 1, 2, 3]
    assert {name: text.splitlines()[0] for name, text in logs(mlrun, run_id).items()} == {
        f"std_log_process_{rank}.txt": f"rank {rank}" for rank in range(4)
    }
    definition = record["run_definition"]
    assert (definition["communicator"], definition["nodeCount"], definition["pytorch"]) == (
        "Gloo",
        2,
        {"processCount": 4},
    )


def test_monitor_logs_prints_the_first_process_and_download_logs_brings_all(mlrun: Mlrun) -> None:
    mlrun.script("import os; print('node', os.environ['NODE_RANK'], 'of', os.environ['AZUREML_NODE_COUNT'])")
    runconfig(mlrun, "{script: train.py, nodeCount: 2}")
    submitted = mlrun("run", "submit-script", "-c", "several")
    run_id = json.loads(submitted.stdout)["run_id"]
    assert re.search(r"\bnodeCount: .* 2 ", submitted.stderr)

    assert mlrun("run", "monitor-logs", "-r", run_id).stdout == "node 0 of 2\n"
    mlrun("run", "download-logs", "-r", run_id, "-d", "logs")

    found = {log.name: log.read_text() for log in mlrun.folder.glob("logs/**/std_log*")}
    assert found == {"std_log_process_0.txt": "node 0 of 2\n", "std_log_process_1.txt": "node 1 of 2\n"}


def test_parameter_servers_are_ended_when_the_workers_have_ended(mlrun: Mlrun) -> None:
    mlrun.script(CLUSTER)
    counts = "tensorflow: {workerCount: 2, parameterServerCount: 2}"
    runconfig(
        mlrun, f"{{script: train.py, communicator: parameterserver, framework: TensorFlow, nodeCount: 2, {counts}}}"
    )
    run_id = mlrun.submit("-c", "several")

    record = mlrun.wait(run_id)

    assert (record["status"], record.get("exit_code"), record.get("warnings")) == ("Completed", 0, None)
    parameters = "parameters of 0\nparameters of 1\n"
    assert logs(mlrun, run_id) == {
        "std_log_process_0.txt": f"worker 0 0\n{parameters}",
        "std_log_process_1.txt": f"worker 1 1\n{parameters}",
        "std_log_process_2.txt": "ps 0 0\n",
        "std_log_process_3.txt": "ps 1 1\n",
    }
    assert mlrun.processes(run_id) == []


def test_one_process_that_fails_ends_all_and_gives_the_run_its_error(mlrun: Mlrun) -> None:
    run_id, pids, daemon = waiting(mlrun)

    (mlrun.run_folder(run_id) / "work" / "fail").touch()

    told = mlrun.run(*mlrun.command, "run", "wait", "-r", run_id).stderr
    record = mlrun.show(run_id)
    assert (record["status"], record["exit_code"]) == ("Failed", 1)
    assert record["error"]["error"]["debugInfo"]["type"] == "SystemError"
    (warning,) = record["warnings"]
    assert re.fullmatch(r"Process 2 .* exit code 1\. .* user_logs/std_log_process_2\.txt\.", warning["message"])
    assert not any(map(is_alive, [*pids, daemon]))
    last_lines = f"The last lines of {run_id}, std_log_process_2.txt:\n  here\n  {daemon}\n  Traceback"
    assert told.startswith(last_lines)
    log = mlrun.run_folder(run_id) / "artifacts/user_logs/std_log_process_2.txt"
    assert told.endswith(f"\nLog: {log}\n")
    streamed = mlrun.run(*mlrun.command, "run", "monitor-logs", "-r", run_id)
    assert streamed.stdout == logs(mlrun, run_id)["std_log_process_0.txt"]
    assert streamed.stderr == f"\n{told}"


def test_a_streamed_run_shows_the_end_of_the_log_of_the_process_that_failed(mlrun: Mlrun) -> None:
    mlrun.script("import os, sys; print('rank', os.environ['RANK']); sys.exit(7 * (os.environ['RANK'] == '1'))")
    runconfig(mlrun, FOUR_ON_TWO)

    told = mlrun("run", "submit-script", "-c", "several", check=False).stderr

    streamed, _, summary = told.partition("\nExecution Summary\n")
    assert streamed.endswith("std_log_process_1.txt:\n  rank 1\n")
    assert re.search(r"^Log: .*/std_log_process_1\.txt$", summary, re.MULTILINE)


def test_when_one_has_failed_the_others_get_sigterm_and_after_the_grace_sigkill(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUBBORN, tmp_path], capture_output=True, encoding="utf-8", timeout=60, check=True
    )

    assert done.stdout == "3\n-15\n-9\n3 1 []\n"


def test_processes_that_have_failed_when_the_supervisor_looks_give_the_run_their_error(mlrun: Mlrun) -> None:
    run_id, pids, daemon = waiting(mlrun)
    supervisor = mlrun.supervisor(run_id)
    kill(supervisor, number=signal.SIGSTOP)
    kill(*pids[1:3])
    until(lambda: not any(map(is_alive, pids[1:3])))
    kill(supervisor, number=signal.SIGCONT)

    record = mlrun.wait(run_id)
    assert (record["status"], record["signal"]) == ("Failed", "SIGKILL")
    assert re.match(r"Process 1 [^.]* SIGKILL\.", record["warnings"][0]["message"])
    assert not any(map(is_alive, [*pids, daemon]))


@pytest.mark.kill
def test_one_process_that_is_killed_ends_all(mlrun: Mlrun) -> None:
    run_id, pids, daemon = waiting(mlrun)

    kill(pids[1])

    record = mlrun.wait(run_id)
    assert (record["status"], record["signal"]) == ("Failed", "SIGKILL")
    assert re.match(r"Process 1 [^.]* SIGKILL\.", record["warnings"][0]["message"])
    assert not any(map(is_alive, [*pids, daemon]))


def test_a_canceled_run_ends_all_its_processes(mlrun: Mlrun) -> None:
    run_id, pids, daemon = waiting(mlrun)

    mlrun("run", "cancel", "-r", run_id)

    record = mlrun.wait(run_id)
    assert (record["status"], record["signal"]) == ("Canceled", "SIGTERM")
    assert not any(map(is_alive, [*pids, daemon]))


def test_a_cancel_tells_each_process_once_and_leaves_it_its_whole_grace(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import os, signal, sys, time

        def leave(*_):
            if os.environ["RANK"] == "0":
                print("told", flush=True)
                while not os.path.exists("go"):
                    time.sleep(0.01)
                print("saved", flush=True)
            sys.exit(int(os.environ["RANK"]))

        signal.signal(signal.SIGTERM, leave)
        print("here", flush=True)
        time.sleep(600)
        """
    )
    runconfig(mlrun, "{script: train.py, communicator: Nccl, nodeCount: 2}")
    run_id = mlrun.submit("-c", "several")
    until(lambda: all(logs(mlrun, run_id).values()))
    mlrun("run", "cancel", "-r", run_id, "--grace", "1h")
    until(lambda: len(mlrun.processes(run_id)) == 1)

    (mlrun.run_folder(run_id) / "work" / "go").touch()

    record = mlrun.wait(run_id)
    assert (record["status"], record["exit_code"]) == ("Canceled", 1)
    assert logs(mlrun, run_id)["std_log_process_0.txt"] == "here\ntold\nsaved\n"


def test_a_time_limit_ends_all_processes(mlrun: Mlrun) -> None:
    mlrun.script("import time; time.sleep(600)")
    runconfig(mlrun, "{script: train.py, nodeCount: 3, maxRunDurationSeconds: 1}")
    run_id = mlrun.submit("-c", "several")

    record = mlrun.wait(run_id)

    assert (record["status"], record["signal"]) == ("Canceled", "SIGTERM")
    assert record["error"]["error"]["innerError"] == {"code": "TimeLimitReached"}
    assert mlrun.processes(run_id) == []


@pytest.mark.kill
def test_no_process_outlives_a_supervisor_that_was_killed_and_the_next_look_says_so(mlrun: Mlrun) -> None:
    run_id, pids, daemon = waiting(mlrun)

    kill(mlrun.supervisor(run_id))

    until(lambda: not any(map(is_alive, pids)))
    assert is_alive(daemon)
    record = mlrun.show(run_id)
    assert service_error(record, "SupervisorDied").endswith(" ran.")
    assert not is_alive(daemon)


def test_nodes_divide_the_gpus_of_their_run(mlrun: Mlrun) -> None:
    mlrun.environment["PATH"] = f"{make_nvidia_smi(mlrun.folder.parent, 8)}:{mlrun.environment['PATH']}"
    mlrun.environment["CUDA_VISIBLE_DEVICES"] = "4,5,6,7"
    mlrun.script("import os; print(os.environ['CUDA_VISIBLE_DEVICES'])")
    runconfig(mlrun, "{script: train.py, nodeCount: 2}")
    run_id = mlrun.submit("--gpus", "4", "-c", "several")

    assert mlrun.wait(run_id)["status"] == "Completed"

    assert set(logs(mlrun, run_id).values()) == {"4,5\n", "6,7\n"}


def test_runs_at_once_are_given_different_ports(mlrun: Mlrun) -> None:
    mlrun.script(MEET)
    runconfig(mlrun, FOUR_ON_TWO)

    run_ids = [mlrun.submit("-c", "several") for _ in range(3)]

    for run_id in run_ids:
        record = mlrun.wait(run_id)
        assert record["status"] == "Completed", (record["error"], logs(mlrun, run_id))


def test_who_looks_for_a_port_never_stands_in_the_way_of_the_run_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Ports(1)
    (number,) = given.numbers
    monkeypatch.setattr(ports, "_FIRST", number)
    monkeypatch.setattr(ports, "_LAST", number)
    listen_often = f"import socket\nfor _ in range(4_000): socket.create_server(('127.0.0.1', {number})).close()"

    listening = subprocess.Popen([sys.executable, "-c", listen_often], stderr=subprocess.PIPE, encoding="utf-8")
    while listening.poll() is None:
        with pytest.raises(OSError) as caught:
            Ports(1)
        assert caught.value.errno == errno.EADDRNOTAVAIL

    assert listening.communicate()[1] == ""
    given.close()


def test_a_run_that_one_process_submits_is_told_nothing_of_the_others(mlrun: Mlrun) -> None:
    mlrun.environment["COMMAND"] = mlrun.command[0]
    mlrun.environment["FOLDER"] = str(mlrun.folder)
    mlrun.script("import os; print({'RANK', 'MASTER_PORT', 'WORLD_SIZE'} & set(os.environ))", "child.py")
    mlrun.script(
        """
        import os, subprocess
        if os.environ["RANK"] == "0":
            command = [os.environ["COMMAND"], "run", "submit-script", "--async", "--path", os.environ["FOLDER"]]
            subprocess.run([*command, "--query", "run_id", "-o", "tsv", "child.py"], check=True)
        """
    )
    runconfig(mlrun, "{script: train.py, communicator: PyTorch, nodeCount: 2}")
    run_id = mlrun.submit("-c", "several")
    assert mlrun.wait(run_id)["status"] == "Completed"
    child_id = logs(mlrun, run_id)["std_log_process_0.txt"].strip()

    assert mlrun.wait(child_id)["status"] == "Completed"
    assert mlrun.log(child_id) == "set()\n"


@with_mpirun
@pytest.mark.parametrize("folder", ["project", 'it\'s "my" $HOME'])
def test_mpirun_starts_the_processes_of_all_nodes_and_each_has_its_log(mlrun: Mlrun, folder: str) -> None:
    mlrun.home = mlrun.home.rename(mlrun.home.with_name(folder))
    mlrun.environment["MLRUN_HOME"] = str(mlrun.home)
    mlrun.script(BY_MPI)
    runconfig(mlrun, WITH_MPI)

    streamed = mlrun("run", "submit-script", "-c", "several", "train.py", "", "two words", "$0 '\"")

    record = json.loads(streamed.stdout)
    assert record["status"] == "Completed"
    assert "\nStreaming user_logs/std_log_process_0.txt\n" in streamed.stderr
    printed = [f"rank {rank} of 4 2\nalso ['', 'two words', '$0 \\'\"']\nlast\n" for rank in range(4)]
    assert printed[0] in streamed.stderr
    assert logs(mlrun, record["run_id"]) == {
        "std_log.txt": "",
        **{f"std_log_process_{rank}.txt": text for rank, text in enumerate(printed)},
    }
    assert mlrun("run", "monitor-logs", "-r", record["run_id"]).stdout == printed[0]
    assert record["run_definition"]["mpi"] == {"processCountPerNode": 2}


@with_mpirun
def test_eleven_processes_of_mpi_have_numbers_of_two_digits_and_one_has_none(mlrun: Mlrun) -> None:
    mlrun.script("import os; print(os.environ['OMPI_COMM_WORLD_RANK'])")
    runconfig(mlrun, "{script: train.py, communicator: Mpi, mpi: {processCountPerNode: 11}}")
    run_id = mlrun.submit("-c", "several")
    assert mlrun.wait(run_id)["status"] == "Completed"
    numbered = {f"std_log_process_{rank:02}.txt": f"{rank}\n" for rank in range(11)}
    assert logs(mlrun, run_id) == {"std_log.txt": "", **numbered}

    runconfig(mlrun, "{script: train.py, communicator: Mpi}")
    run_id = mlrun.submit("-c", "several")
    assert mlrun.wait(run_id)["status"] == "Completed"
    assert logs(mlrun, run_id) == {"std_log.txt": "0\n"}


@with_mpirun
@pytest.mark.parametrize(("how", "exit_code"), [("7", 7), ("raise", 1), ("kill", 137)])
def test_the_exit_code_of_a_process_of_mpi_is_the_runs_and_its_log_is_named(
    mlrun: Mlrun, how: str, exit_code: int
) -> None:
    mlrun.script(BY_MPI)
    runconfig(mlrun, WITH_MPI)
    run_id = mlrun.submit("-c", "several", "train.py", "2", how)
    mlrun.wait_for_status(run_id, *ENDED)

    record = mlrun.show(run_id)

    assert (record["status"], record["exit_code"]) == ("Failed", exit_code)
    (warning,) = record["warnings"]
    # Open MPI 5 sometimes ends before it has said which process failed.
    if logs(mlrun, run_id)["std_log.txt"] or how == "raise":
        first = f"Process 2 was the first to fail: exit code {exit_code}. Its log is user_logs/std_log_process_2.txt."
        assert warning["message"] == first
    kind = record["error"]["error"]["debugInfo"].get("type")
    assert kind == ("SystemError" if how == "raise" else None)
    assert logs(mlrun, run_id)["std_log_process_2.txt"].startswith("rank 2 of 4 2\nalso ['2', ")


def test_an_mpirun_that_starts_nothing_says_why_in_a_log_of_its_own(mlrun: Mlrun, tmp_path: Path) -> None:
    (tmp_path / "mpirun").write_text("#!/bin/sh\necho 'no host is there' >&2\nexit 3\n", encoding="utf-8")
    (tmp_path / "mpirun").chmod(0o755)
    mlrun.environment["PATH"] = f"{tmp_path}:{mlrun.environment['PATH']}"
    mlrun.script("")
    runconfig(mlrun, WITH_MPI)
    run_id = mlrun.submit("-c", "several")

    record = mlrun.wait(run_id)

    assert (record["status"], record["exit_code"]) == ("Failed", 3)
    assert logs(mlrun, run_id)["std_log.txt"] == "no host is there\n"
    (warning,) = record["warnings"]
    assert re.match(r"MPI\b[^.]* exit code 3\b", warning["message"])
    assert warning["message"].endswith(" user_logs/std_log.txt.") and "Process " not in warning["message"]


@with_mpirun
def test_a_time_limit_ends_the_processes_of_mpi(mlrun: Mlrun) -> None:
    mlrun.script("import time; time.sleep(600)")
    runconfig(mlrun, WITH_MPI.replace("{script", "{maxRunDurationSeconds: 1, script"))
    run_id = mlrun.submit("-c", "several")

    record = mlrun.wait(run_id)

    assert record["status"] == "Canceled"
    assert record["error"]["error"]["innerError"] == {"code": "TimeLimitReached"}
    assert mlrun.processes(run_id) == []


@with_mpirun
def test_a_cancel_ends_the_processes_of_mpi_and_keeps_what_they_have_printed(mlrun: Mlrun) -> None:
    mlrun.script("import time; print('here', flush=True); time.sleep(600)")
    runconfig(mlrun, WITH_MPI)
    run_id = mlrun.submit("-c", "several")
    until(lambda: list(logs(mlrun, run_id).values()).count("here\n") == 4)

    mlrun("run", "cancel", "-r", run_id)

    assert mlrun.wait(run_id)["status"] == "Canceled"
    assert list(logs(mlrun, run_id).values()).count("here\n") == 4
    assert mlrun.processes(run_id) == []


@pytest.mark.kill
@with_mpirun
@pytest.mark.parametrize("victim", ["mpirun", "process"])
def test_a_killed_mpirun_or_process_of_it_leaves_none_running(mlrun: Mlrun, victim: str) -> None:
    mlrun.script("import time; print('here', flush=True); time.sleep(600)")
    runconfig(mlrun, WITH_MPI)
    run_id = mlrun.submit("-c", "several")
    until(lambda: list(logs(mlrun, run_id).values()).count("here\n") == 4)
    launcher = mlrun.script_pid(run_id)
    ranks = [
        pid
        for pid, variables in processes()
        if variables.get("OMPI_COMM_WORLD_RANK") and pid in mlrun.processes(run_id)
    ]

    kill(launcher if victim == "mpirun" else ranks[0])

    assert mlrun.wait(run_id)["status"] == "Failed"
    assert not any(map(is_alive, [launcher, *ranks]))


def test_mpi_is_refused_where_there_is_no_launcher_of_it(mlrun: Mlrun, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    mlrun.environment["PATH"] = str(tmp_path / "bin")
    mlrun.script(BY_MPI)
    runconfig(mlrun, WITH_MPI)

    refused = mlrun.fails("run", "submit-script", "-c", "several")

    assert refused.code == "Unsupported"
    assert re.search(r"\bcommunicator .*'OpenMpi' .*\bmpirun\b.*\bmpiexec\b", refused.message)
    assert mlrun.json("run", "list") == []
