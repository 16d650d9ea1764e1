"""The program of ParallelRunStep on several nodes, which are processes of this machine here."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.running import until
from tests.sdk.batch_step import NAMES, Step

MEET = (
    NAMES
    + """
import time
first = run
def run(batch):
    node = os.environ["NODE_RANK"]
    open("seen." + node, "w").close()
    while not os.path.exists("seen.0") or not os.path.exists("seen.1"):
        time.sleep(0.01)
    return ["%s %s" % (name, node) for name in first(batch)]
"""
)
"""Batches wait for each other: none ends before both nodes have one."""

FAILING_ONCE = (
    MEET
    + """
met = run
def run(batch):
    rows = met(batch)
    try:
        os.close(os.open("failed." + os.environ["NODE_RANK"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return rows
"""
)
"""And the first batch of each node fails, since nothing is returned."""

STUCK = (
    NAMES
    + """
import sys, time
first = run
def run(batch):
    if os.environ["NODE_RANK"] == "1" and not os.path.exists("stuck"):
        with open("stuck.tmp", "w") as file:
            file.write(str(os.getpid()))
        os.rename("stuck.tmp", "stuck")
        time.sleep(600)
    while not os.path.exists("stuck"):
        time.sleep(0.01)
    while not os.path.exists("go"):
        time.sleep(0.01)
    return first(batch)
"""
)
"""The first batch of the second node hangs; the others wait for `go`."""

FAILING_START = (
    STUCK
    + """
def init():
    if os.environ["NODE_RANK"] == "0" and not os.path.exists("failed"):
        while not os.path.exists("stuck"):
            time.sleep(0.01)
        with open("failed.tmp", "w") as file:
            file.write(str(os.getpid()))
        os.rename("failed.tmp", "failed")
        raise OSError("no model")
"""
)
"""And the first process of the first node cannot be started, once the second has its batch."""


class Nodes:
    """A step on two nodes."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.started: list[subprocess.Popen[str]] = []

    def start(self, script: str, *arguments: str, **options: object) -> None:
        """Start the program on both nodes, with one worker each unless told otherwise."""
        given = {"process_count_per_node": 1, "mini_batch_size": 1, **options}
        for number in (1, 0):  # the second may be there before the driver
            variables = {"AZUREML_NODE_COUNT": "2", "MASTER_ADDR": "127.0.0.1", "NODE_RANK": str(number)}
            self.started.insert(0, self.step.start_on_node(variables, script, *arguments, **given))

    def read_stuck(self) -> int:
        """Return the pid of the worker that hangs, once it does."""
        return self.read_pid("stuck")

    def read_pid(self, name: str) -> int:
        """Return the pid in a file that a worker writes, once it does."""
        path = self.step.folder / name
        return until(lambda: int(path.read_text(encoding="utf-8")) if path.exists() else None)

    def let_go(self) -> None:
        (self.step.folder / "go").touch()

    def wait(self) -> tuple[int, str]:
        """Return the driver's exit code and what it says of an error."""
        assert self.started[0].stderr is not None
        said = self.started[0].stderr.read()
        return self.started[0].wait(), said

    def kill_node(self, number: int) -> None:
        """Kill all processes of a node."""
        with suppress(ProcessLookupError):
            os.killpg(self.started[number].pid, signal.SIGKILL)
        self.started[number].wait()

    def read_errors(self) -> str:
        path = self.step.folder / "logs/user/error.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    nodes = Nodes(Step(tmp_path))
    nodes.step.write_inputs(12)
    yield nodes
    for number, process in enumerate(nodes.started):
        nodes.kill_node(number)
        assert process.stderr is not None
        process.stderr.close()


ALL = [f"{number:03d}.txt" for number in range(12)]


def test_nodes_share_the_batches_and_the_rows_are_in_one_file(nodes: Nodes) -> None:
    script = MEET + "def shutdown():\n    open('end.' + os.environ['NODE_RANK'], 'w').close()\n"
    nodes.start(script)
    assert nodes.wait() == (0, "")
    rows = [line.split() for line in nodes.step.read_rows()]
    assert [name for name, _ in rows] == ALL
    assert {node for _, node in rows} == {"0", "1"}
    assert nodes.started[1].wait() == 0
    assert nodes.step.read_result()["items"] == {"done": 12, "failed": 0}
    assert (nodes.step.folder / "logs/user/stdout/1/process000.stdout.txt").exists()
    assert sorted(path.name for path in nodes.step.folder.iterdir() if path.name[0] in ".e") == [
        "end.0",
        "end.1",
        "entry.py",
    ]


def test_the_batches_of_a_lost_node_are_done_by_another_and_have_not_failed(nodes: Nodes) -> None:
    nodes.start(STUCK, run_max_try=1)
    nodes.read_stuck()
    nodes.kill_node(1)
    nodes.let_go()
    assert nodes.wait() == (0, "")
    assert nodes.step.read_rows() == ALL
    assert "is given to another process: node 1, no longer reached." in nodes.read_errors()
    assert nodes.step.read_result()["items"] == {"done": 12, "failed": 0}


def test_a_batch_of_a_lost_node_is_done_though_the_first_node_has_no_process_left(nodes: Nodes, tmp_path: Path) -> None:
    for path in sorted((tmp_path / "in").iterdir())[1:]:
        path.unlink()
    nodes.start(FAILING_START, run_max_try=1)
    failed = nodes.read_pid("failed")
    until(lambda: not Path(f"/proc/{failed}").exists())
    nodes.kill_node(1)
    nodes.let_go()
    assert nodes.wait() == (0, "")
    assert nodes.step.read_rows() == ALL[:1]


def test_a_worker_killed_on_another_node_is_replaced_and_its_batch_tried_again(nodes: Nodes) -> None:
    nodes.start(STUCK, run_max_try=2)
    os.kill(nodes.read_stuck(), signal.SIGKILL)
    nodes.let_go()
    assert nodes.wait() == (0, "")
    assert nodes.step.read_rows() == ALL
    assert "try 1: The process of the entry script has ended: node 1, signal SIGKILL." in nodes.read_errors()


def test_a_call_on_another_node_that_takes_too_long_is_ended_and_tried_again(nodes: Nodes) -> None:
    nodes.start(STUCK, run_max_try=99, run_invocation_timeout=2)
    stuck = nodes.read_stuck()
    until(lambda: "run_invocation_timeout (2 s): node 1, killed" in nodes.read_errors())
    nodes.let_go()
    assert nodes.wait() == (0, "")
    assert nodes.step.read_rows() == ALL
    until(lambda: not Path(f"/proc/{stuck}").exists())


def test_a_frozen_node_does_not_keep_the_step_and_writes_no_rows_later(nodes: Nodes) -> None:
    nodes.start(STUCK, run_max_try=99, run_invocation_timeout=2)
    os.kill(nodes.read_stuck(), signal.SIGSTOP)
    os.kill(nodes.started[1].pid, signal.SIGSTOP)
    nodes.let_go()
    assert nodes.wait() == (0, "")
    os.killpg(nodes.started[1].pid, signal.SIGCONT)
    assert nodes.step.read_rows() == ALL


def test_a_step_whose_first_node_is_lost_goes_on_from_what_is_written(nodes: Nodes) -> None:
    script = (
        NAMES
        + """
import time
named = run
def run(batch):
    rows = named(batch)
    os.close(os.open("began." + rows[0] + "." + os.environ["TRY"], os.O_CREAT | os.O_EXCL))
    while int(rows[0][:3]) > 5 and not os.path.exists("go"):
        time.sleep(0.01)
    return [rows[0] + " " + os.environ["TRY"]]
"""
    )
    folder = nodes.step.folder
    os.environ["TRY"] = "first"
    try:
        nodes.start(script)
        journal = folder / ".parallel_run" / "done.jsonl"
        until(lambda: (journal.exists() and len(journal.read_text(encoding="utf-8").splitlines()) == 7) or None)
        nodes.kill_node(0)
        nodes.kill_node(1)
        with journal.open("a", encoding="utf-8") as file:
            file.write('{"number": 11, "cou')
        nodes.let_go()
        os.environ["TRY"] = "second"
        nodes.start(script)
        assert nodes.wait() == (0, "")
    finally:
        del os.environ["TRY"]
    tries = ["first"] * 6 + ["second"] * 6
    assert nodes.step.read_rows() == [f"{name} {number}" for name, number in zip(ALL, tries, strict=True)]
    assert nodes.step.read_result()["items"] == {"done": 12, "failed": 0}
    assert "6 mini batches were done before" in nodes.read_errors()
    assert not (folder / ".parallel_run").exists()


def test_other_batches_than_those_of_the_lost_driver_are_begun_anew(nodes: Nodes) -> None:
    rows = nodes.step.folder / ".parallel_run"
    rows.mkdir()
    (rows / "0.x").write_text("stale\n", encoding="utf-8")
    lines = [{"batches": "of other files"}, {"number": 0, "count": 1, "rows": "0.x"}]
    (rows / "done.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    nodes.start(NAMES)
    assert nodes.wait() == (0, "")
    assert nodes.step.read_rows() == ALL


def test_limits_count_what_fails_on_all_nodes(nodes: Nodes) -> None:
    nodes.start(FAILING_ONCE, run_max_try=1, error_threshold=-1, allowed_failed_count=1)
    code, said = nodes.wait()
    assert (code, "2 mini batches have failed, more than allowed_failed_count (1)" in said) == (1, True), said
    assert nodes.step.read_result()["status"] == "Failed"


def test_a_script_that_starts_on_no_node_is_given_up(nodes: Nodes) -> None:
    nodes.start("def init():\n    raise OSError('no model')\ndef run(batch):\n    return batch\n")
    code, said = nodes.wait()
    assert (code, "6 processes have failed" in said, "OSError: no model" in said) == (1, True, True), said


def test_the_driver_alone_does_all_if_no_other_node_comes(nodes: Nodes) -> None:
    nodes.start(NAMES)
    nodes.kill_node(1)
    assert nodes.wait() == (0, "")
    assert nodes.step.read_rows() == ALL


def test_whoever_does_not_know_the_key_gets_no_batch(nodes: Nodes) -> None:
    nodes.start(STUCK)
    nodes.read_stuck()
    path = nodes.step.folder / ".parallel_run.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    assert path.stat().st_mode & 0o077 == 0
    nested = b"[" * 1010 + b"\n"
    for proof in (b"", b"{}\n", b"[]\n", nested, b"x" * 5000, b'{"proof": "0", "challenge": "", "node": 1}\n'):
        with socket.create_connection((document["host"], document["port"])) as connection:
            assert "challenge" in json.loads(connection.recv(4096))
            with suppress(OSError):  # the driver may be the first to end the connection
                connection.sendall(proof)
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(4096) == b""
    nodes.kill_node(1)
    nodes.let_go()
    assert nodes.wait() == (0, "")
    assert nodes.step.read_rows() == ALL


@pytest.mark.parametrize(
    ("name", "is_reached"), [("127.0.0.1", False), ("127.1", True)], ids=["as the others", "otherwise"]
)
def test_the_driver_listens_elsewhere_only_if_others_know_its_node_otherwise(
    nodes: Nodes, name: str, is_reached: bool
) -> None:
    """The second name, which this machine resolves to itself, stands for that of a node in its own list of hosts."""
    variables = {"AZUREML_NODE_COUNT": "2", "MASTER_ADDR": name, "NODE_RANK": "0"}
    nodes.started.append(nodes.step.start_on_node(variables, STUCK))
    path = nodes.step.folder / ".parallel_run.json"
    until(path.exists)
    port = json.loads(path.read_text(encoding="utf-8"))["port"]
    with socket.socket() as connection:
        assert (connection.connect_ex(("127.0.0.2", port)) == 0) is is_reached


def test_a_node_that_meets_another_program_instead_of_the_driver_tries_again(nodes: Nodes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        document = {"host": "127.0.0.1", "port": server.getsockname()[1], "key": "0", "rows_folder": "rows"}
        (nodes.step.folder / ".parallel_run.json").write_text(json.dumps(document), encoding="utf-8")
        variables = {"AZUREML_NODE_COUNT": "2", "MASTER_ADDR": "127.0.0.1", "NODE_RANK": "1"}
        nodes.started.append(nodes.step.start_on_node(variables, STUCK))
        server.settimeout(60)
        for said in (b"HTTP/1.0 400\n", b"[" * 5000 + b"\n", b'{"challenge": "0"}\n["proof"]\n', b""):
            with server.accept()[0] as connection:
                connection.sendall(said)
