"""The program that serves requests of the workspace's machine over the pipes of an ssh connection.

It keeps nothing that matters: should it die, or the connection, another takes its place.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_files import sync_to_disk
from mlrun_cli.core.message_channel import ChannelClosed, Message, MessageChannel
from mlrun_cli.errors import MlrunError
from mlrun_cli.node.remote.job_queue import QUEUED, JobQueue
from mlrun_cli.node.remote.machine import describe_machine
from mlrun_cli.node.remote.run_files import ChunkBuffer, RunFiles
from mlrun_cli.runs.shared_folder import SharedFolder

_MAX_BYTES = 1 << 24
"""How much of files is sent in one answer."""


def serve(folder: str) -> None:
    """Serve requests from standard input until it is closed."""
    os.umask(0o077)
    output = os.dup(1)
    os.dup2(2, 1)  # what anything prints is not an answer
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    channel = MessageChannel(0, output)
    channel.send_greeting()
    server = Server(Path(folder))
    with suppress(ChannelClosed, BrokenPipeError):
        while True:
            request = channel.receive()
            try:
                answer = server.execute_request(request)
            except (MlrunError, OSError, KeyError, TypeError, ValueError) as error:
                answer = Message({"error": f"{type(error).__name__}: {error}"})
            channel.send(answer.document, answer.payload)


class Server:
    """A server of requests about the jobs and runs in the folder of a target."""

    def __init__(self, folder: Path) -> None:
        self._shared = SharedFolder(folder)
        self._queue = JobQueue(folder)
        self._files: dict[str, RunFiles] = {}
        self._jobs: dict[str, Mapping[str, Any]] = {}
        """The descriptions of jobs that were sent last."""
        self._obstacle = ""
        """Why the jobs that come next could not be started, if they could not."""
        self._answers: Mapping[str, Callable[[Message], Message]] = {
            "submit": self._submit,
            "look": self._poll_runs,
            "find": self._find_jobs,
            "cancel": self._cancel_job,
            "remove": self._remove_run,
            "describe": self._describe_node,
        }

    def execute_request(self, request: Message) -> Message:
        """Execute a request and return the response.

        Raises:
            OSError: a file cannot be read or written.
            KeyError: the request is not known, or lacks something.
        """
        self._shared.create()
        self._queue.create()
        return self._answers[request.document["request"]](request)

    def _submit(self, request: Message) -> Message:
        """Write the files of a run from the request's attachments, and queue its job unless it is queued."""
        document = request.document
        run_id = document["run_id"]
        self._queue.set_node_limit(document["most_nodes"])
        folder = self._shared.get_run_folder(run_id).path
        self._queue.add(run_id, document["job"], lambda: _write_files(folder, document["files"], request.payload))
        self._start_jobs()
        return Message({})

    def _poll_runs(self, request: Message) -> Message:
        """Deliver messages to runs, start queued jobs, and return the changes of the watched runs.

        The state of each job is read before the run's files.
        """
        document = request.document
        self._queue.set_node_limit(document["most_nodes"])
        self._start_jobs()
        for run_id in document["unwatch"]:
            self._files.pop(run_id, None)
            self._jobs.pop(run_id, None)
        for run_id, sizes in document["watch"].items():
            self._files[run_id] = RunFiles(self._shared.get_run_folder(run_id), sizes)
            self._jobs.pop(run_id, None)
        inboxes = self._write_inboxes(document["inbox"], request.payload)
        jobs = self._queue.describe(self._files)
        found = ChunkBuffer(_MAX_BYTES)
        runs: dict[str, Any] = {}
        for run_id, files in self._files.items():
            news = files.read(found)
            job = jobs.get(run_id, {"state": "missing"})
            if self._obstacle and job["state"] == QUEUED:
                job = {**job, "reason": self._obstacle}
            if job != self._jobs.get(run_id):
                news["job"] = self._jobs[run_id] = job
            if run_id in inboxes:
                news["inbox"] = inboxes[run_id]
            if news:
                runs[run_id] = news
        return Message({"runs": runs}, bytes(found.payload))

    def _start_jobs(self) -> None:
        """Start queued jobs if possible; record a failure as the reason why the jobs wait."""
        self._obstacle = ""
        try:
            self._queue.start_ready_jobs()
        except (MlrunError, OSError) as error:
            self._obstacle = f"no job can be started: {error}"

    def _write_inboxes(self, inbox_ranges: Mapping[str, Any], payload: bytes) -> dict[str, int]:
        """Append new messages to the inboxes of runs; return the new sizes, keyed by run id."""
        sizes = {}
        start = 0
        for run_id, (offset, size) in inbox_ranges.items():
            data = payload[start : start + size]
            start += size
            with suppress(OSError):
                sizes[run_id] = _append_at_offset(self._shared.get_run_folder(run_id).inbox, offset, data)
        return sizes

    def _find_jobs(self, request: Message) -> Message:
        return Message({"jobs": self._queue.describe(request.document["run_ids"])})

    def _cancel_job(self, request: Message) -> Message:
        self._queue.cancel(request.document["run_id"])
        self._start_jobs()
        return Message({})

    def _remove_run(self, request: Message) -> Message:
        """Remove a run's job and all of its files."""
        run_id = request.document["run_id"]
        self._queue.remove(run_id)
        self._files.pop(run_id, None)
        self._shared.get_run_folder(run_id).remove()
        return Message({})

    def _describe_node(self, _request: Message) -> Message:
        running, waiting = self._queue.count_jobs()
        return Message({"node": {**describe_machine(), "running": running, "queued": waiting}})


def _write_files(folder: Path, files: Sequence[tuple[str, int | None]], contents: bytes) -> None:
    """Write files into a folder, durably, from their joined contents; those without a size are folders."""
    folder.mkdir(mode=0o700, exist_ok=True)
    offset = 0
    for name, size in files:
        path = folder / name
        if size is None:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            continue
        _write_file(path, contents[offset : offset + size])
        offset += size
    sync_to_disk(folder)


def _write_file(path: Path, data: bytes) -> None:
    """Write a file durably, readable only by this user."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _append_at_offset(path: Path, offset: int, data: bytes) -> int:
    """Append data to a file if its size is `offset`; return its new size."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_size == offset:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
