"""A process that has loaded the command line, and forks for each call of it.

The interpreter's start and the imports take most of the time of a short command. A call has the arguments, variables,
folder and streams of the installed command; its command line and variables in `/proc` are those of the server.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Lock

_SIZE = struct.Struct("!I")
_LOADED = ("cli", "actions", "submit", "store", "runtime", "processes")
_ALSO_LOADED = ("configparser", "encodings.utf_8_sig", "typer._click.decorators")
_MAX_DESCRIPTORS = 256
_READ_AT_START = ("LANG", "LC_", "LD_", "PYTHON")
"""The beginnings of variables that an interpreter or the dynamic linker reads only as it starts."""
_DROPPED = ("MLRUN_", "PYTHON")


class CommandServer:
    """The server of this process, started with the first call; ends with this process."""

    def __init__(self, command: Path) -> None:
        """Start the server.

        Args:
            command: the installed command, which a call takes itself for.
        """
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
            listener.bind("")  # the kernel chooses an abstract address
            listener.listen()
            self._address = listener.getsockname()
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(listener.fileno()), str(command)],
                env=_select_inherited(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,  # as for a call: an interpreter looks at its streams as it starts
                stderr=subprocess.STDOUT,
                pass_fds=[listener.fileno()],
            )
        atexit.register(self.close)

    def close(self) -> None:
        """End the server."""
        self._process.communicate()

    def run(
        self, words: Sequence[str], *, folder: Path, environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run the command with these arguments, as `subprocess.run` would, and return what it has printed.

        Raises:
            subprocess.TimeoutExpired: it has not ended in time, and was killed.
        """
        request = json.dumps([words, os.fspath(folder), dict(environment)]).encode("utf-8", "surrogateescape")
        deadline = time.monotonic() + timeout
        with ExitStack() as stack:
            connection = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            connection.connect(self._address)
            outputs = [os.pipe(), os.pipe()]
            streams = [stack.enter_context(open(reading, "rb", buffering=0)) for reading, _ in outputs]
            null = os.open(os.devnull, os.O_RDONLY)
            sent = [null, *(writing for _, writing in outputs)]
            try:
                socket.send_fds(connection, [_SIZE.pack(len(request))], sent)
            finally:
                for descriptor in sent:
                    os.close(descriptor)
            connection.sendall(request)
            answer = stack.enter_context(connection.makefile("r", encoding="ascii"))
            pid = int(answer.readline())
            texts = [bytearray(), bytearray()]
            with selectors.DefaultSelector() as selector:
                for stream, text in zip(streams, texts, strict=True):
                    selector.register(stream, selectors.EVENT_READ, text)
                while selector.get_map():
                    ready = selector.select(deadline - time.monotonic())
                    if not ready:
                        os.kill(pid, 9)
                        raise subprocess.TimeoutExpired(list(words), timeout)
                    for key, _ in ready:
                        data = os.read(key.fd, 1 << 16)
                        key.data.extend(data)
                        if not data:
                            selector.unregister(key.fileobj)
            code = int(answer.readline())
        stdout, stderr = (_decode(text) for text in texts)
        return subprocess.CompletedProcess(list(words), code, stdout, stderr)


_servers: dict[Path, CommandServer] = {}
_lock = Lock()


def find_command_server(
    command: Sequence[str], installed: Path, environment: Mapping[str, str]
) -> CommandServer | None:
    """Return the server for calls of a command, or None if a call needs an interpreter of its own.

    That is one which is wrapped or installed elsewhere, or has other variables that an interpreter reads as it starts.
    """
    if list(command) != [str(installed)] or _select_early(environment) != _select_early(_select_inherited()):
        return None
    with _lock:
        if installed not in _servers:
            _servers[installed] = CommandServer(installed)
        return _servers[installed]


def _select_inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}


def _select_early(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


def _decode(text: bytes | bytearray) -> str:
    return text.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def serve(listener: socket.socket, command: str) -> None:
    """Fork for each call until standard input is closed."""
    _load_modules()
    gc.collect()
    gc.freeze()
    calls: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd == 0:
                    return
                if key.fd == listener.fileno():
                    pid, connection = _begin_call(listener, command)
                    ended = os.pidfd_open(pid)
                    calls[ended] = pid, connection
                    selector.register(ended, selectors.EVENT_READ)
                    continue
                selector.unregister(key.fd)
                os.close(key.fd)
                pid, connection = calls.pop(key.fd)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with connection, suppress(OSError):  # the caller may have given up
                    connection.sendall(f"{code}\n".encode())


def _begin_call(listener: socket.socket, command: str) -> tuple[int, socket.socket]:
    """Accept a call, and return the pid of the process that executes it."""
    connection, _ = listener.accept()
    size, descriptors, _, _ = socket.recv_fds(connection, _SIZE.size, 3)
    request = b""
    while len(request) < _SIZE.unpack(size)[0]:
        request += connection.recv(1 << 20)
    pid = os.fork()
    if pid == 0:
        try:
            _become_command(command, json.loads(request.decode("utf-8", "surrogateescape")), descriptors)
        finally:
            os._exit(1)
    for descriptor in descriptors:
        os.close(descriptor)
    connection.sendall(f"{pid}\n".encode())
    return pid, connection


def _become_command(command: str, request: tuple[list[str], str, dict[str, str]], descriptors: list[int]) -> None:
    from mlrun_cli.cli.program import main  # noqa: PLC0415 - the client does without

    words, folder, environment = request
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.closerange(len(descriptors), _MAX_DESCRIPTORS)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = [command, *words]
    sys.path[0] = os.path.dirname(command)
    try:
        main()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()


def _load_modules() -> None:
    for name in _ALSO_LOADED:
        importlib.import_module(name)
    for package in _LOADED:
        path = importlib.import_module(f"mlrun_cli.{package}").__path__
        for module in pkgutil.walk_packages(path, f"mlrun_cli.{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
