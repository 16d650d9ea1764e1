"""Questions to whoever answers for a run, over the socket in its folder: a JSON object per line, each way."""

import atexit
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import azureml.exceptions
from azureml._gateway.forking import Forgetful, forget_if_forked, forget_in_children
from azureml._gateway.wording import in_python
from azureml.exceptions import AzureMLException, ServiceException, UserErrorException

if TYPE_CHECKING:
    import socket

_SUPERVISOR = "socket"
_LOG = "artifacts/system_logs/supervisor.log"
_TRIES = 5
_LONGEST = 16_000_000
_SOON_SECONDS = 0.05
PATIENCE_SECONDS = 100.0  # a store may be locked by another process for 30


class _NobodyListensError(Exception):
    """Nobody takes what comes to a socket; nothing was said."""


class Questions(Forgetful):
    """Asks, and keeps one connection for the next question; threads that ask at once have one each.

    The run's supervisor answers what is a read of the run itself. For everything else it names the socket of a
    helper that it has started, and the same question goes there.
    """

    def __init__(self, run_folder: str) -> None:
        self._folder = run_folder
        self._idle: dict[str, socket.socket] = {}
        atexit.register(self.forget)  # else a script that makes errors of warnings hears of an open socket
        forget_in_children(self)

    def ask(
        self,
        call: str,
        workspace: "tuple[str, str, str] | None",
        arguments: "dict[str, Any]",
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Any:
        """Ask and wait for the answer, which knows of all that the run's processes have written before.

        Raises:
            ServiceException: Nobody answers.
            AzureMLException: The answer is an error; the class is the one it names.
        """
        forget_if_forked()
        question = {"call": call, "workspace": workspace, "arguments": arguments}
        request = json.dumps(question).encode() + b"\n"
        if len(request) > _LONGEST:
            raise UserErrorException(
                f"{call}: what this call says has {len(request) / 1e6:.0f} MB, and {_LONGEST / 1e6:.0f} are allowed. "
                "Say it in several calls, or keep it in a file with upload_file."
            )
        deadline = time.monotonic() + patience_seconds
        for _ in range(_TRIES):
            answer = json.loads(self._exchange(_SUPERVISOR, request, deadline))
            if "ask" not in answer:
                return result_of(answer)
            try:
                return result_of(json.loads(self._exchange(answer["ask"], request, deadline)))
            except _NobodyListensError:  # it has died: the supervisor starts another
                time.sleep(_SOON_SECONDS)
        raise ServiceException(f"The helper process of this run dies again and again; see {self._folder}/{_LOG}.")

    def forget(self) -> None:
        while self._idle:
            self._idle.popitem()[1].close()

    def _exchange(self, name: str, request: bytes, deadline: float) -> bytes:
        try:
            kept = self._idle.pop(name, None)
            if kept is not None:
                try:
                    return self._exchange_on(name, kept, request, deadline)
                except ConnectionError:  # closed by the other side since: once more on a new one
                    pass
            return self._exchange_anew(name, request, deadline)
        except OSError as error:
            if name != _SUPERVISOR and isinstance(error, (ConnectionRefusedError, FileNotFoundError)):
                raise _NobodyListensError from error
            if time.monotonic() >= deadline:
                raise ServiceException(
                    f"The supervisor of this run did not answer in time ({self._folder}). What the script logs is kept."
                ) from error
            if name != _SUPERVISOR:
                raise ServiceException(
                    f"The helper process of this run died while it answered ({error.strerror or error}). What was "
                    f"asked for may have been done; see {self._folder}/{_LOG}."
                ) from error
            raise ServiceException(
                f"The supervisor of this run does not answer ({error.strerror or error}): the run has ended, "
                f"or its supervisor was killed ({self._folder}). What the script logs is kept."
            ) from error

    def _exchange_anew(self, name: str, request: bytes, deadline: float) -> bytes:
        """Ask by a new connection.

        A supervisor that more processes ask than it may have open files closes some before it is asked anything: then
        by another one, which a supervisor that has died refuses.
        """
        while True:
            connection = self._connect(name, deadline)
            try:
                return self._exchange_on(name, connection, request, deadline)
            except (BrokenPipeError, ConnectionResetError):
                if name != _SUPERVISOR:
                    raise
            time.sleep(_SOON_SECONDS)

    def _exchange_on(self, name: str, connection: "socket.socket", request: bytes, deadline: float) -> bytes:
        whole = False
        try:
            _allow_until(connection, deadline)
            connection.sendall(request)
            answer = bytearray()
            while not answer.endswith(b"\n"):
                _allow_until(connection, deadline)
                chunk = connection.recv(1 << 16)
                if not chunk:
                    raise ConnectionResetError("the connection was closed")
                answer += chunk
            whole = True
            return bytes(answer)
        finally:
            # A helper answers one question by a connection, and a supervisor any number.
            is_kept = whole and name == _SUPERVISOR
            if not is_kept or self._idle.setdefault(name, connection) is not connection:
                connection.close()

    def _connect(self, name: str, deadline: float) -> "socket.socket":
        import socket

        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # Through the open folder the address is short, however deep the folder lies.
        place = f"/proc/self/fd/{folder}" if sys.platform == "linux" else self._folder
        try:
            _allow_until(connection, deadline)
            while True:
                try:
                    connection.connect(f"{place}/{name}")
                except BlockingIOError:
                    _allow_until(connection, deadline)
                    time.sleep(0.01)
                else:
                    return connection
        except BaseException:
            connection.close()
            raise
        finally:
            os.close(folder)


def _allow_until(connection: "socket.socket", deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is over")
    connection.settimeout(left)


def result_of(answer: "dict[str, Any]") -> Any:
    """What an answer gives.

    Raises:
        AzureMLException: It is an error; the class is the one it names.
    """
    if "error" in answer:
        raise _error(answer["error"])
    return answer["result"]


def _error(error: "dict[str, str]") -> AzureMLException:
    kind, message = getattr(azureml.exceptions, error["type"], None), in_python(error["message"])
    if isinstance(kind, type) and issubclass(kind, AzureMLException):
        return kind(message)
    return AzureMLException(f"{error['type']}: {message}")
