"""The program that serves requests on the machine that is reached by ssh, several of which may run at a time."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.message_channel import MessageChannel
from mlrun_cli.node import remote
from mlrun_cli.node.remote.job_queue import CANCELED, ENDED
from tests.clocks import describe_wrong_clock
from tests.running import is_alive, until

_PROGRAM = Path(remote.__file__).with_name("__main__.py")
_RUN_ID = "exp_1"


@contextmanager
def start_server(folder: Path, variables: Mapping[str, str] = MappingProxyType({})) -> Iterator[MessageChannel]:
    words = [sys.executable, "-E", str(_PROGRAM), "serve", str(folder)]
    environment = {**os.environ, **variables}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        channel = MessageChannel(process.stdout.fileno(), process.stdin.fileno())
        channel.wait_for_greeting(60.0)
        yield channel
        process.stdin.close()


def submit(channel: MessageChannel, text: bytes, script: str = "exit 0", *, most_nodes: int = 0) -> None:
    """Send the submission of a run with one file, whose job ends at once unless another script is given."""
    job: dict[str, Any] = {"script": script, "log": os.devnull, "nodes": 1, "gpus": 0}
    files = [("logs", None), ("logs/first.txt", len(text))]
    document = {"request": "submit", "run_id": _RUN_ID, "job": job, "files": files, "most_nodes": most_nodes}
    channel.send(document, text)


def count_waiting(lock: Path) -> int:
    """Return how many processes wait for a lock."""
    waiting = re.compile(rf"-> FLOCK .*:{lock.stat().st_ino} ")
    return len(waiting.findall(Path("/proc/locks").read_text(encoding="ascii")))


def test_of_two_submissions_of_a_run_at_the_same_time_one_writes_its_files(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(start_server(tmp_path)) for _ in range(2)]
        for server in servers:
            server.send({"request": "find", "run_ids": []})
            server.receive(timeout=60.0)
        lock = tmp_path / "queue" / "lock"
        with open(lock, "ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            for number, server in enumerate(servers):
                submit(server, f"{number}".encode() * (number + 1))
            until(lambda: count_waiting(lock) == 2)
            assert not (tmp_path / "runs" / _RUN_ID).exists()
        assert [server.receive(timeout=60.0).document for server in servers] == [{}, {}]
        written = tmp_path / "runs" / _RUN_ID / "logs" / "first.txt"
        found = written.stat()
        assert written.read_bytes() in {b"0", b"11"}
        submit(servers[0], b"222")
        assert servers[0].receive(timeout=60.0).document == {}
    assert (written.stat().st_mtime_ns, written.stat().st_size) == (found.st_mtime_ns, found.st_size)
    job = read_json(tmp_path / "queue" / "jobs" / f"{_RUN_ID}.json")
    assert job is not None
    assert job["number"] == 1


@pytest.mark.kill
@pytest.mark.parametrize("request_name", ["cancel", "remove"])
def test_a_job_is_killed_although_the_process_that_canceled_it_was_killed_before(
    tmp_path: Path, request_name: str
) -> None:
    path, pid_file = tmp_path / "queue" / "jobs" / f"{_RUN_ID}.json", tmp_path / "pid"
    with start_server(tmp_path) as server:
        script = f"echo $$ > '{pid_file}.new'; mv '{pid_file}.new' '{pid_file}'; exec sleep 100"
        submit(server, b"", script, most_nodes=1)
        assert server.receive(timeout=60.0).document == {}
        until(pid_file.exists)
        job = read_json(path)
        assert job is not None
        write_json(path, {**job, "state": ENDED, "end": CANCELED, "words": "it was canceled"})
        server.send({"request": request_name, "run_id": _RUN_ID})
        assert server.receive(timeout=60.0).document == {}
    assert not is_alive(job["pid"])
    until(lambda: not is_alive(int(pid_file.read_text(encoding="ascii"))))


def test_a_submission_after_its_removal_is_late_although_the_clock_has_jumped(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        server.send({"request": "remove", "run_id": _RUN_ID})
        assert server.receive(timeout=60.0).document == {}
    with start_server(tmp_path, describe_wrong_clock("+1h")) as server:
        submit(server, b"")
        assert "delayed on the way" in server.receive(timeout=60.0).document["error"]
