"""Requests to the supervisor of a run over the socket in its folder, one JSON object per line in each direction."""

import atexit
import json
import time
from typing import TYPE_CHECKING, Any

import azureml.exceptions
from azureml._client.forking import ForkAware, register_fork_aware, reset_if_forked
from azureml._client.missing import MISSING
from azureml._client.wording import translate_options
from azureml._wire.framing import ERROR, LONGEST_REQUEST, OTHER_SOCKET, RESULT, encode_line, open_socket_address
from azureml._wire.run_folder import ARTIFACTS, SUPERVISOR_LOG, SUPERVISOR_SOCKET
from azureml.exceptions import AzureMLException, ServiceException, UserErrorException

if TYPE_CHECKING:
    import socket

_LOG = f"{ARTIFACTS}/{SUPERVISOR_LOG}"
_TRIES = 5
_SOON_SECONDS = 0.05
_TIMEOUT_SECONDS = 100.0  # a store may be locked by another process for 30


class _NotListeningError(Exception):
    """No process is listening on the socket; nothing was sent."""


class RpcClient(ForkAware):
    """A client that reuses a connection between requests, and opens another one for each concurrent thread.

    The run's supervisor handles requests about the run itself. For all others it returns the socket name of a worker
    process that it has started, and the client repeats the request there.
    """

    def __init__(self, run_folder: str) -> None:
        self._folder = run_folder
        self._idle: dict[str, socket.socket] = {}
        atexit.register(self.reset_after_fork)  # avoids a ResourceWarning about an open socket
        register_fork_aware(self)

    def request(
        self,
        call: str,
        workspace: "tuple[str, str, str] | None",
        arguments: "dict[str, Any]",
        timeout_seconds: "float | None" = None,
    ) -> Any:
        """Send a request and return its result, which reflects all journal lines written by the run's processes.

        Raises:
            ServiceException: There is no response.
            AzureMLException: The response is an error, which determines the exception class.
        """
        reset_if_forked()
        document = {"call": call, "workspace": workspace, "arguments": arguments}
        request = encode_line(document)
        if len(request) > LONGEST_REQUEST:
            raise UserErrorException(
                f"{call}: this request has {len(request) / 1e6:.0f} MB, and {LONGEST_REQUEST / 1e6:.0f} are allowed. "
                "Split it into several calls, or keep it in a file with upload_file."
            )
        deadline = time.monotonic() + (_TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds)
        for _ in range(_TRIES):
            response = json.loads(self._exchange(SUPERVISOR_SOCKET, request, deadline))
            if OTHER_SOCKET not in response:
                return unwrap_response(response)
            try:
                return unwrap_response(json.loads(self._exchange(response[OTHER_SOCKET], request, deadline)))
            except _NotListeningError:  # the worker has died; the supervisor starts a new one
                time.sleep(_SOON_SECONDS)
        raise ServiceException(f"The worker process of this run dies again and again; see {self._folder}/{_LOG}.")

    def reset_after_fork(self) -> None:
        while self._idle:
            self._idle.popitem()[1].close()

    def _exchange(self, socket_name: str, request: bytes, deadline: float) -> bytes:
        """Send a request to a socket, over an idle connection if there is one, and return the response."""
        try:
            kept = self._idle.pop(socket_name, None)
            if kept is not None:
                try:
                    return self._exchange_on_connection(socket_name, kept, request, deadline)
                except ConnectionError:  # the peer has closed it: retry on a new connection
                    pass
            return self._exchange_on_new_connection(socket_name, request, deadline)
        except OSError as error:
            if socket_name != SUPERVISOR_SOCKET and isinstance(error, (ConnectionRefusedError, FileNotFoundError)):
                raise _NotListeningError from error
            if time.monotonic() >= deadline:
                raise ServiceException(
                    f"The supervisor of this run did not answer in time ({self._folder}). What the script logs is kept."
                ) from error
            if socket_name != SUPERVISOR_SOCKET:
                raise ServiceException(
                    f"The worker process of this run died during a request ({error.strerror or error}). The "
                    f"request may have been carried out; see {self._folder}/{_LOG}."
                ) from error
            raise ServiceException(
                f"The supervisor of this run does not answer ({error.strerror or error}): the run has ended, "
                f"or its supervisor was killed ({self._folder}). What the script logs is kept."
            ) from error

    def _exchange_on_new_connection(self, socket_name: str, request: bytes, deadline: float) -> bytes:
        """Send a request over a new connection and return the response.

        A supervisor at its limit of open files closes some connections before it reads a request. The client then
        retries until the deadline; if the supervisor has died, connecting fails.
        """
        while True:
            connection = self._connect(socket_name, deadline)
            try:
                return self._exchange_on_connection(socket_name, connection, request, deadline)
            except (BrokenPipeError, ConnectionResetError):
                if socket_name != SUPERVISOR_SOCKET:
                    raise
            time.sleep(_SOON_SECONDS)

    def _exchange_on_connection(
        self, socket_name: str, connection: "socket.socket", request: bytes, deadline: float
    ) -> bytes:
        """Send a request over a connection and return the response; keep or close the connection."""
        whole = False
        try:
            _set_deadline(connection, deadline)
            connection.sendall(request)
            response = bytearray()
            while not response.endswith(b"\n"):
                _set_deadline(connection, deadline)
                chunk = connection.recv(1 << 16)
                if not chunk:
                    raise ConnectionResetError("the connection was closed")
                response += chunk
            whole = True
            return bytes(response)
        finally:
            # A worker handles one request per connection, and a supervisor any number.
            is_kept = whole and socket_name == SUPERVISOR_SOCKET
            if not is_kept or self._idle.setdefault(socket_name, connection) is not connection:
                connection.close()

    def _connect(self, socket_name: str, deadline: float) -> "socket.socket":
        """Return a new connection to a socket in the socket folder."""
        import socket

        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with open_socket_address(self._folder, socket_name) as address:
                while True:
                    _set_deadline(connection, deadline)
                    try:
                        connection.connect(address)
                    except BlockingIOError:
                        time.sleep(0.01)
                    else:
                        return connection
        except BaseException:
            connection.close()
            raise


def _set_deadline(connection: "socket.socket", deadline: float) -> None:
    """Set a connection's timeout to the time left until a monotonic `deadline`; raise TimeoutError if none is left."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    connection.settimeout(left)


def unwrap_response(response: "dict[str, Any]") -> Any:
    """Return the result of a response, or raise its error.

    Raises:
        AzureMLException: The response is an error, which determines the exception class.
    """
    if ERROR in response:
        raise _create_error(response[ERROR])
    return response[RESULT]


def _create_error(error_record: "dict[str, str]") -> AzureMLException:
    """Return the exception for the error in a response."""
    message = translate_options(error_record["message"])
    kind = MISSING.get(error_record.get("code", "")) or getattr(azureml.exceptions, error_record["type"], None)
    if isinstance(kind, type) and issubclass(kind, AzureMLException):
        raised = kind(message)
        raised.mlrun_code = error_record.get("code")
        return raised
    return AzureMLException(f"{error_record['type']}: {message}")
