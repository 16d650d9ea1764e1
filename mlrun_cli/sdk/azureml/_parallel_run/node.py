"""The program on all nodes but the first, which runs workers and connects each of them to the driver."""

import hmac
import os
import secrets
import selectors
import socket
from typing import Optional

from azureml._parallel_run.batches import MiniBatch
from azureml._parallel_run.node_channel import (
    END,
    ENDED,
    INVALID_MESSAGE,
    MessageReader,
    Rendezvous,
    enable_keepalive,
    send_message,
)
from azureml._parallel_run.options import Options, get_node_rank
from azureml._parallel_run.worker import READY
from azureml._parallel_run.worker_process import WorkerProcess

_LOOK_SECONDS = 0.2
_ANSWER_SECONDS = 30.0


def run_node(options: Options, logs_folder: str) -> None:
    """Run workers for the driver until the driver has ended all of them, replacing workers that die."""
    with selectors.DefaultSelector() as selector:
        node = _Node(options, logs_folder, selector)
        node.run()


class _Node:
    def __init__(self, options: Options, logs: str, selector: selectors.BaseSelector) -> None:
        self._options = options
        self._logs = logs
        self._selector = selector
        self._slots: list[_Slot] = []
        self._started = 0
        self._is_ending = False

    def run(self) -> None:
        while self._slots or not self._is_ending:
            is_waiting = not self._is_ending and not self._open_slots()
            for key, _ in self._selector.select(_LOOK_SECONDS if is_waiting else None):
                slot, is_from_driver = key.data
                if slot in self._slots:
                    self._forward(slot, is_from_driver)

    def _open_slots(self) -> bool:
        """Start missing workers with connections to the driver; return False if the driver cannot be reached yet."""
        while len(self._slots) < self._options.process_count:
            if not self._open_slot():
                return False
        return True

    def _open_slot(self) -> bool:
        """Start a worker with a connection to the driver; return False if the driver cannot be reached yet."""
        rendezvous = Rendezvous.read()
        connection = None if rendezvous is None else _connect(rendezvous)
        if rendezvous is None or connection is None:
            return False
        worker = WorkerProcess(self._started, self._logs, os.path.abspath(rendezvous.rows_folder))
        slot = _Slot(connection, worker)
        self._started += 1
        self._slots.append(slot)
        self._selector.register(connection, selectors.EVENT_READ, (slot, True))
        self._selector.register(worker, selectors.EVENT_READ, (slot, False))
        return True

    def _forward(self, slot: "_Slot", is_from_driver: bool) -> None:
        """Forward messages of a slot in one direction, and close the slot if its worker or connection has ended."""
        is_over = slot.forward_batches() if is_from_driver else slot.forward_responses()
        if not is_over:
            return
        self._is_ending = self._is_ending or slot.is_dismissed
        self._slots.remove(slot)
        self._selector.unregister(slot.connection)
        self._selector.unregister(slot.worker)
        slot.close()


class _Slot:
    """A worker with its connection to the driver."""

    def __init__(self, connection: socket.socket, worker: WorkerProcess) -> None:
        self.connection = connection
        self.worker = worker
        self.is_dismissed = False
        self._reader = MessageReader(connection)

    def forward_batches(self) -> bool:
        """Forward batches from the driver to the worker; return True if the driver ends the worker or disconnects."""
        messages = self._reader.read()
        for message in messages or ():
            if message.get("kind") == END:
                self.is_dismissed = True
                return True
            self.worker.send(MiniBatch(**message))
        return messages is None

    def forward_responses(self) -> bool:
        """Forward responses from the worker to the driver; return True if the worker has exited."""
        answers = self.worker.receive()
        for answer in answers or ():
            self.worker.is_ready = self.worker.is_ready or answer["kind"] == READY
            send_message(self.connection, **answer)
        return answers is None

    def close(self) -> None:
        """Stop the worker, and report its exit to the driver."""
        if self.is_dismissed and self.worker.is_ready:
            self.worker.shut_down()
        else:
            send_message(self.connection, kind=ENDED, ending=self.worker.kill())
        self.connection.close()


def _connect(rendezvous: Rendezvous) -> "Optional[socket.socket]":
    """Return a mutually authenticated connection to the driver, or None if connecting or authentication fails."""
    try:
        connection = socket.create_connection((rendezvous.host, rendezvous.port), _ANSWER_SECONDS)
    except OSError:
        return None
    try:
        is_driver = _authenticate(connection, rendezvous)
    except INVALID_MESSAGE:  # of a driver that was killed, its port is another program's by now
        is_driver = False
    if not is_driver:
        connection.close()
        return None
    enable_keepalive(connection)
    connection.settimeout(None)
    return connection


def _authenticate(connection: socket.socket, rendezvous: Rendezvous) -> bool:
    """Prove to the driver that this node knows the key; return whether the driver has proved that it does, too."""
    reader, challenge = MessageReader(connection), secrets.token_hex(32)
    asked = reader.read()
    if not asked:
        return False
    proof = rendezvous.compute_proof(str(asked[0]["challenge"]))
    send_message(connection, proof=proof, challenge=challenge, node=int(get_node_rank()))
    answered = reader.read()
    if not answered:
        return False
    return hmac.compare_digest(str(answered[0]["proof"]), rendezvous.compute_proof(challenge))
