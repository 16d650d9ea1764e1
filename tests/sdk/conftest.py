"""A run folder as a supervisor creates it, scripts that run in it, and a server for their requests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

SDK = Path(__file__).parents[2] / "mlrun_cli" / "sdk"

RECORD: dict[str, Any] = {
    "run_id": "iris_1_0000abcd",
    "run_number": 7,
    "run_type": "azureml.scriptrun",
    "status": "Running",
    "display_name": "gentle_pear",
    "_experiment_name": "iris",
    "tags": {},
    "properties": {"kind": "test"},
}


class SubmittedRun:
    """A run folder, and the environment that a script gets in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SDK),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MLRUN_RUN_FOLDER": str(folder),
            "MLRUN_RUN_ID": RECORD["run_id"],
            "AZUREML_RUN_ID": RECORD["run_id"],
            "AZUREML_ARM_PROJECT_NAME": RECORD["_experiment_name"],
            "AZUREML_ARM_SUBSCRIPTION": "sub",
            "AZUREML_ARM_RESOURCEGROUP": "group",
            "AZUREML_ARM_WORKSPACE_NAME": "ws",
        }
        (folder / "journal").mkdir(0o700, parents=True)

    def start(self, code: str, *arguments: str, python: str = sys.executable) -> subprocess.Popen[str]:
        """Start a script after lines that define `run`, the run of its context."""
        beginning = "from azureml.core import Run\nrun = Run.get_context()\n"
        return subprocess.Popen(
            [python, "-c", beginning + textwrap.dedent(code), *arguments],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str, *arguments: str, python: str = sys.executable) -> str:
        """Run a script, check that it succeeds, and return its output."""
        with self.start(code, *arguments, python=python) as process:
            output, errors = process.communicate(timeout=180)
        assert process.returncode == 0, errors
        assert errors == ""
        return output

    def journals(self) -> list[Path]:
        """Return the journal files that the run's processes have written."""
        return sorted((self.folder / "journal").iterdir())

    def lines(self) -> list[Any]:
        """Return all lines of all journals of the run, after checking that none is incomplete."""
        texts = [path.read_text(encoding="ascii") for path in self.journals()]
        assert all(text.endswith("\n") for text in texts if text)
        return [json.loads(line) for text in texts for line in text.splitlines()]

    def timeless_lines(self) -> list[Any]:
        """Return all lines of the run's journals without their times."""
        return [
            line[:2] + line[3:] if line[0] in ("m", "l", "r", "t") else line[:1] + line[2:] for line in self.lines()
        ]


class StubServer:
    """Handles a run's requests from its journals, in a thread per connection."""

    def __init__(self, run: SubmittedRun) -> None:
        self._folder = run.folder
        self.record = dict(RECORD)
        self.responses: dict[str, Any] = {}
        self.requests: list[dict[str, Any]] = []
        self.connections: list[socket.socket] = []
        self.may_flush = threading.Event()
        self.may_flush.set()
        self.listen()

    def listen(self) -> None:
        """Start to listen, like a starting supervisor."""
        path = self._folder / "socket"
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = os.open(self._folder, os.O_RDONLY)
        self._listener.bind(f"/proc/self/fd/{folder}/socket")
        os.close(folder)
        self._listener.listen(0)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Close every connection and accept no more, like a supervisor that dies."""
        for one in [self._listener, *self.connections]:
            with suppress(OSError):  # it may have ended by itself
                one.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(ConnectionError), connection, connection.makefile("rwb") as stream:
            for line in stream:
                request = json.loads(line)
                self.requests.append(request)
                if request["call"] == "runs.flush":
                    self.may_flush.wait()
                stream.write(json.dumps(self._response(request)).encode() + b"\n")
                stream.flush()

    def _response(self, request: dict[str, Any]) -> Any:
        call = request["call"]
        if call in self.responses:
            return self.responses[call]
        if call == "runs.get":
            return {"result": self.record}
        if call == "runs.metrics":
            return {"result": self._metrics(request)}
        if call == "runs.tags":
            return {"result": self._tags()}
        if call == "runs.properties":
            return {"result": self.record["properties"]}
        if call == "runs.add_properties":
            self.record["properties"] = {**self.record["properties"], **request["arguments"]["properties"]}
        return {"result": None}

    def _lines(self) -> list[Any]:
        journals = sorted((self._folder / "journal").iterdir(), key=lambda path: path.stat().st_ctime_ns)
        return [json.loads(line) for journal in journals for line in journal.read_bytes().splitlines()]

    def _metrics(self, request: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for line in self._lines():
            if line[0] == "m" and request["arguments"]["name"] in (None, line[1]):
                found.setdefault(line[1], []).append(line[4])
        return found

    def _tags(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for line in self._lines():
            if line[0] == "g":
                found.update(line[2])
            if line[0] == "G":
                for key in line[2]:
                    found.pop(key, None)
        return found


@pytest.fixture
def submitted(tmp_path: Path) -> SubmittedRun:
    """A run without a server."""
    return SubmittedRun(tmp_path / "a'; run, «ünï»")


@pytest.fixture
def server(submitted: SubmittedRun) -> Iterator[StubServer]:
    """The server of `submitted`."""
    one = StubServer(submitted)
    yield one
    one.close()


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[SubmittedRun]:
    """A run with a server, at a path that is too long for a socket address."""
    run = SubmittedRun(tmp_path / ("d" * 100) / ("e" * 100))
    one = StubServer(run)
    yield run
    one.close()
