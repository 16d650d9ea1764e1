"""TensorBoard for the event files of runs, which are copied into its own folder as they grow."""

import os
import shutil
import socket
import stat
import subprocess
import time
from typing import Dict, Iterable, Iterator, Mapping, Sequence, Tuple

EVENT_FILE = "tfevents"
"""What the name of every event file has in it."""
DEFAULT_PORT = 6006
_START_SECONDS = 120.0
_LOOK_SECONDS = 0.1
_STOP_SECONDS = 5.0
_PIECE = 1 << 20


def list_event_files(roots: "Sequence[str]") -> "Dict[str, str]":
    """Return the paths of the event files below the given folders, keyed by relative path; links are not followed."""
    found: Dict[str, str] = {}
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                if EVENT_FILE in name and stat.S_ISREG(_get_file_mode(path)):
                    found[os.path.relpath(path, root)] = path
    return found


def _get_file_mode(path: str) -> int:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


class EventCopies:
    """Copies of the event files of runs in a folder, with a subfolder for each run.

    Args of the constructor:
        folder: The folder of the copies, which is made if it does not exist.
        roots: The folders with the files of each run, by the id of the run.
    """

    def __init__(self, folder: str, roots: "Mapping[str, Sequence[str]]") -> None:
        self.folder = folder
        self._roots = roots
        self._sizes: Dict[str, int] = {}
        os.makedirs(folder, exist_ok=True)

    def update(self) -> int:
        """Append new content of the event files to their copies; return the number of event files."""
        count = 0
        for source, destination in self._iterate_sources_and_copies():
            count += 1
            before = self._sizes.get(destination, 0)
            try:
                self._sizes[destination] = before + _append_new_content(source, destination, before)
            except FileNotFoundError:  # the run was deleted, or a node has removed its file
                continue
        return count

    def _iterate_sources_and_copies(self) -> "Iterator[Tuple[str, str]]":
        """Yield the path of each event file with the path of its copy."""
        for run_id, roots in self._roots.items():
            for name, path in list_event_files(roots).items():
                yield path, os.path.join(self.folder, run_id, name)


def _append_new_content(source: str, destination: str, offset: int) -> int:
    """Append a file's content, starting at an offset, to its copy; return the number of bytes appended."""
    with open(source, "rb") as reading:
        if os.fstat(reading.fileno()).st_size <= offset:
            return 0
        reading.seek(offset)
        os.makedirs(os.path.dirname(destination), exist_ok=True)
        copied = 0
        with open(destination, "ab" if offset else "wb") as writing:
            for piece in iter(lambda: reading.read(_PIECE), b""):
                writing.write(piece)
                copied += len(piece)
    return copied


def find_tensorboard(interpreters: "Iterable[str]" = ()) -> "str | None":
    """Return the path of `tensorboard` on PATH or beside one of the given interpreters, or None if there is none."""
    found = shutil.which("tensorboard")
    for python in interpreters:
        path = os.path.join(os.path.dirname(python), "tensorboard")
        if found is None and os.access(path, os.X_OK):
            found = path
    return found


class TensorboardServer:
    """A TensorBoard server on the loopback interface, which serves `url` once `wait_until_ready` has returned True."""

    def __init__(self, program: str, folder: str, port: int) -> None:
        self.port = _choose_port(port)
        self.url = f"http://localhost:{self.port}/"
        words = [program, "--logdir", folder, "--host", "127.0.0.1", "--port", str(self.port)]
        words += ["--reload_interval", "2"]
        # It has a process group of its own: Ctrl-C is for who has started it.
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait_until_ready(self) -> bool:
        """Wait until the server accepts connections; return False if it exits or a timeout passes first."""
        deadline = time.monotonic() + _START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            except OSError:
                time.sleep(_LOOK_SECONDS)
            else:
                return True
        return False

    def stop(self) -> None:
        """Terminate the server, or kill it after a timeout, and wait until it has exited."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


def _choose_port(first_port: int) -> int:
    """Return the first free port of a hundred from `first_port` on, or else any free port; 0 means any."""
    for port in (*range(first_port, first_port + 100), 0) if first_port else (0,):
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(one.getsockname()[1])
    return first_port
