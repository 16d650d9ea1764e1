"""`python …/mlrun_cli/node/forwarder.py --workspace FOLDER --listener DESCRIPTOR RUN_FOLDER`: forward requests.

The supervisor on a node starts it in place of the RPC worker. It writes the requests of the script to the shared
folder, where the side of the workspace handles them, and waits for the responses in the run's inbox.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import select
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from mlrun_cli.errors import MlrunError
from mlrun_cli.metrics.journal import get_journal_sizes
from mlrun_cli.rpc.protocol import build_error_response
from mlrun_cli.runs.inbox import InboxReader, ResponseMessage
from mlrun_cli.runs.request_journal import ForwardedRequest, RequestWriter
from mlrun_cli.runs.shared_folder import SharedRunFolder
from mlrun_cli.wire.framing import encode_line

_LOOK_SECONDS = 0.1
_TIMEOUT_SECONDS = 95.0
"""A little less than a script waits."""


class RequestNotAnswered(MlrunError):
    """The workspace's machine has not responded to a request of a script before the time limit."""


class Forwarder:
    """A forwarder of requests from any number of threads, one of which at a time reads the inbox for all."""

    def __init__(self, shared: SharedRunFolder) -> None:
        self._shared = shared
        self._writer = RequestWriter(shared)
        self._inbox = InboxReader(shared.inbox)
        self._lock = threading.Lock()
        self._responses: dict[str, bytes | None] = {}
        """The responses by request id; None while there is none."""

    def forward(self, line: bytes) -> bytes:
        """Forward a request line to the collector and return the response line."""
        request_id = os.urandom(8).hex()
        try:
            self._write_request(request_id, line)
            return self._wait_for_response(request_id)
        except Exception as error:  # the line is from outside, and none may end this process
            return encode_line(build_error_response(error))
        finally:
            self._responses.pop(request_id, None)

    def _write_request(self, request_id: str, line: bytes) -> None:
        sizes = get_journal_sizes(self._shared.journal)
        with self._lock:
            self._responses[request_id] = None
            self._writer.write(ForwardedRequest(request_id, line.decode().rstrip("\n"), sizes))

    def _wait_for_response(self, request_id: str) -> bytes:
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with self._lock:
                with suppress(OSError):  # the shared folder may be back at the next look
                    for message in self._inbox.read_new_messages():
                        if isinstance(message, ResponseMessage) and message.request_id in self._responses:
                            self._responses[message.request_id] = message.line.encode() + b"\n"
                response = self._responses[request_id]
            if response is not None:
                return response
            time.sleep(_LOOK_SECONDS)
        raise RequestNotAnswered(
            f"The machine of the workspace has not answered within {_TIMEOUT_SECONDS:g} seconds.",
            hint="Its collector is started again by any 'mlrun' command there; what the script logs is kept.",
        )


def main(arguments: list[str]) -> None:
    """Forward requests until the process is killed."""
    _, _, _, descriptor, folder = arguments
    with socket.socket(fileno=int(descriptor)) as listener:
        serve_requests(listener, SharedRunFolder(Path(folder)))


def serve_requests(listener: socket.socket, shared: SharedRunFolder, pidfd: int | None = None) -> None:
    """Serve each connection in a thread, forwarding its requests; with a pidfd, only while its process is alive.

    Args:
        listener: a listening socket.
        shared: the folder of the run.
        pidfd: a pidfd of the process; None means endlessly.
    """
    forwarder = Forwarder(shared)
    watched = [listener.fileno()] if pidfd is None else [listener.fileno(), pidfd]
    while pidfd not in select.select(watched, (), ())[0]:
        try:
            connection, _ = listener.accept()
        except OSError:  # no more files can be open: some will be closed
            time.sleep(_LOOK_SECONDS)
            continue
        threading.Thread(target=_serve_connection, args=(connection, forwarder), daemon=True).start()


def _serve_connection(connection: socket.socket, forwarder: Forwarder) -> None:
    """Forward the requests of a connection, one after another, until it is closed."""
    with connection, suppress(OSError), connection.makefile("rb") as requests:
        for line in requests:
            connection.sendall(forwarder.forward(line))


if __name__ == "__main__":
    main(sys.argv[1:])
