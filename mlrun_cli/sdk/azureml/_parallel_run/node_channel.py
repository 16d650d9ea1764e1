"""The driver's side of the connections to workers on other nodes."""

import hmac
import ipaddress
import json
import os
import secrets
import socket
import time
from contextlib import suppress
from typing import Any, Dict, List, NamedTuple, Optional

from azureml._parallel_run.batches import MiniBatch
from azureml._parallel_run.options import THIS_MACHINE

RENDEZVOUS_FILE = ".parallel_run.json"
"""In the working folder, which all nodes share: where the driver listens, and what the others prove to know."""

END = "end"
"""The driver's last message, after which a worker may end by itself."""
ENDED = "ended"
"""A node's last message about a worker: how its process has ended."""

_SILENCE_SECONDS = 30
MAX_PENDING_CONNECTIONS = 64
"""How many connections may be open that have not proved anything."""

INVALID_MESSAGE = (KeyError, TypeError, ValueError, RecursionError)
"""What reading a message raises that another program than this one has sent, such as deeply nested JSON."""

_LONGEST_PROOF = 1024
_CHUNK_BYTES = 1 << 16


class Rendezvous(NamedTuple):
    """The address of the driver, and the key with which other nodes prove that they belong to the step.

    Attributes:
        host, port: its address.
        key: what both sides prove to know, so that nobody else's process takes part.
        rows_folder: the name of the folder for rows in the working folder.
    """

    host: str
    port: int
    key: str
    rows_folder: str

    def write(self) -> None:
        """Write the rendezvous file that the other nodes wait for; only this user can read it."""
        temporary = f"{RENDEZVOUS_FILE}.{os.getpid()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(self._asdict(), file)
        os.replace(temporary, RENDEZVOUS_FILE)

    @classmethod
    def read(cls) -> "Optional[Rendezvous]":
        """Return the content of the rendezvous file, or None if it does not exist yet."""
        try:
            with open(RENDEZVOUS_FILE, encoding="utf-8") as file:
                return cls(**json.load(file))
        except OSError:
            return None

    def compute_proof(self, challenge: str) -> str:
        """Return the response to a challenge: an HMAC with the key that only members of the step know."""
        return hmac.new(self.key.encode(), challenge.encode(), "sha256").hexdigest()


def enable_keepalive(connection: socket.socket) -> None:
    """Enable TCP keepalive, so that a connection ends once its peer has been silent for half a minute."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENCE_SECONDS // 3)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _SILENCE_SECONDS // 6)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE_SECONDS * 1000)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class MessageReader:
    """The messages that arrive over a connection, each a JSON object on a line."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""

    def read(self) -> "Optional[List[Dict[str, Any]]]":
        """Wait for data and return the messages that are now complete, or None if the connection is closed."""
        try:
            piece = self._connection.recv(_CHUNK_BYTES)
        except OSError:
            return None
        if not piece:
            return None
        lines = (self._received + piece).split(b"\n")
        self._received = lines.pop()
        return [json.loads(line.decode()) for line in lines]


def send_message(connection: socket.socket, **fields: Any) -> None:
    """Send a JSON line; if the connection is closed, only the next read from it reports that."""
    with suppress(OSError):
        connection.sendall(json.dumps(fields).encode() + b"\n")


def _bind_socket(host: str) -> socket.socket:
    """Return a socket bound to the host's address or, if this machine has no such address, to all addresses."""
    with suppress(OSError):  # there is no such name, or it is that of a gateway in front of this node
        family, _, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        # Many machines call themselves 127.0.1.1, where no other reaches them.
        if host in THIS_MACHINE or not ipaddress.ip_address(address[0]).is_loopback:
            bound = socket.socket(family, socket.SOCK_STREAM)
            try:
                bound.bind(address)
            except BaseException:
                bound.close()
                raise
            return bound
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.bind(("", 0))
    return bound


class Listener:
    """The socket that workers of other nodes connect to."""

    def __init__(self, host: str, rows_folder: str) -> None:
        """Listen on the address by which the other nodes know this one, and write the rendezvous file."""
        self._socket = _bind_socket(host)
        self._socket.listen(MAX_PENDING_CONNECTIONS)
        port = self._socket.getsockname()[1]
        self.rendezvous = Rendezvous(host, port, secrets.token_hex(32), os.path.basename(rows_folder))
        self.rendezvous.write()

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a client connects."""
        return self._socket.fileno()

    def accept(self) -> "Optional[PendingConnection]":
        """Return the new connection, or None if the client has already closed it."""
        try:
            return PendingConnection(self._socket.accept()[0], self.rendezvous)
        except OSError:
            return None

    def close(self) -> None:
        """Stop listening, and remove the rendezvous file."""
        self._socket.close()
        with suppress(OSError):
            os.unlink(RENDEZVOUS_FILE)


class PendingConnection:
    """A connection whose client has not yet proved to belong to the step."""

    def __init__(self, connection: socket.socket, rendezvous: Rendezvous) -> None:
        self._connection = connection
        self._rendezvous = rendezvous
        self._challenge = secrets.token_hex(32)
        self._received = b""
        connection.setblocking(False)
        send_message(connection, challenge=self._challenge)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the proof arrives."""
        return self._connection.fileno()

    def try_authenticate(self, shutdown_seconds: float) -> "Optional[RemoteWorker]":
        """Return the worker if it has proved that it knows the key, or None if its proof has not arrived completely.

        Raises:
            ValueError: the client is not a worker of the step, or has closed the connection.
        """
        try:
            piece = self._connection.recv(_LONGEST_PROOF)
        except BlockingIOError:
            return None
        except OSError:
            piece = b""
        if not piece:
            raise ValueError("it is gone")
        self._received += piece
        if not self._received.endswith(b"\n"):
            if len(self._received) >= _LONGEST_PROOF:
                raise ValueError("it says too much")
            return None
        message = json.loads(self._received.decode())
        if not hmac.compare_digest(self._rendezvous.compute_proof(self._challenge), str(message["proof"])):
            raise ValueError("it does not know the key")
        send_message(self._connection, proof=self._rendezvous.compute_proof(str(message["challenge"])))
        return RemoteWorker(self._connection, int(message["node"]), shutdown_seconds)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class RemoteWorker:
    """A worker on another node, with the same interface for the driver as `WorkerProcess`."""

    is_here = False

    def __init__(self, connection: socket.socket, node: int, shutdown_seconds: float) -> None:
        self.batch: MiniBatch | None = None
        self.is_ready = False
        self.is_lost = False
        self._node = node
        self._ending: str | None = None
        self._sent_at = time.monotonic()
        self._shutdown_seconds = shutdown_seconds
        self._connection = connection
        self._reader = MessageReader(connection)
        connection.settimeout(_SILENCE_SECONDS)
        enable_keepalive(connection)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the worker has responded or disconnected."""
        return self._connection.fileno()

    def send(self, batch: MiniBatch) -> None:
        """Send a batch to the worker; if it has disconnected, only `receive` reports that."""
        self.batch = batch
        self._sent_at = time.monotonic()
        send_message(self._connection, **batch._asdict())

    def receive(self) -> "Optional[List[Dict[str, Any]]]":
        """Return the responses that have arrived, or None if the worker has disconnected."""
        answers = self._reader.read()
        if answers is None:
            self.is_lost = self._ending is None
            return None
        for answer in answers:
            if answer["kind"] == ENDED:
                self._ending = answer["ending"]
        return [answer for answer in answers if answer["kind"] != ENDED]

    def get_busy_seconds(self) -> float:
        """Return the seconds since the worker connected or received its current batch."""
        return time.monotonic() - self._sent_at

    def shut_down(self) -> None:
        """Ask the worker to exit, and wait until it has exited or a timeout has passed."""
        send_message(self._connection, kind=END)
        self._connection.settimeout(self._shutdown_seconds)
        while self._reader.read() is not None:
            pass
        self._connection.close()

    def kill(self) -> str:
        """Close the connection, so that the node kills the worker; return a description of how the worker ended."""
        self._connection.close()
        return f"node {self._node}, " + (self._ending or ("no longer reached" if self.is_lost else "killed"))
