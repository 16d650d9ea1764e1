"""Messages between two programs over a pair of pipes: JSON objects with attached bytes.

A message is a line with the JSON object and the number of bytes that follow it.
"""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple

GREETING = b"mlrun-messages-1\n"
"""The line before the first message; whatever a login shell prints comes before it."""
_MAX_NOISE_BYTES = 1 << 18
_PIECE_BYTES = 1 << 18


class ChannelClosed(OSError):
    """The other program has closed its end of the channel, or has ended."""


class Message(NamedTuple):
    """A message."""

    document: Mapping[str, Any]
    payload: bytes = b""


class MessageChannel:
    """A channel to send and receive messages, where each call can have a timeout.

    Args:
        reading: the descriptor of the pipe to read from; it is made non-blocking.
        writing: the descriptor of the pipe to write to; it is made non-blocking.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = reading
        self._writing = writing
        self._received = bytearray()
        for descriptor in (reading, writing):
            os.set_blocking(descriptor, False)

    def send_greeting(self) -> None:
        """Send the greeting, which precedes the first message.

        Raises:
            OSError: it cannot be sent.
        """
        self._write(GREETING, None)

    def wait_for_greeting(self, timeout: float) -> None:
        """Wait for the greeting, and discard it with everything received before it.

        Raises:
            ChannelClosed: it did not come.
            TimeoutError: it has not come in time.
        """
        deadline = time.monotonic() + timeout
        while GREETING not in self._received:
            if len(self._received) > _MAX_NOISE_BYTES:
                raise ChannelClosed(0, "something else answers")
            self._read_more(deadline)
        del self._received[: self._received.index(GREETING) + len(GREETING)]

    def send(self, document: Mapping[str, Any], payload: bytes = b"", *, timeout: float | None = None) -> None:
        """Send a message, which consists of a JSON document and a payload.

        Raises:
            OSError: it cannot be sent.
            TimeoutError: it has not been sent in time.
        """
        line = json.dumps({"document": document, "bytes": len(payload)}).encode() + b"\n"
        self._write(line + payload, None if timeout is None else time.monotonic() + timeout)

    def receive(self, *, timeout: float | None = None) -> Message:
        """Wait for the next message and return it.

        Raises:
            ChannelClosed: there is none.
            ValueError: what was received is not a message.
            TimeoutError: it has not come in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (end := self._received.find(b"\n") + 1) == 0:
            self._read_more(deadline)
        head = json.loads(self._received[:end])
        total = end + int(head["bytes"])
        while len(self._received) < total:
            self._read_more(deadline)
        payload = bytes(self._received[end:total])
        del self._received[:total]
        return Message(head["document"], payload)

    def _read_more(self, deadline: float | None) -> None:
        self._wait(self._reading, select.POLLIN, deadline)
        try:
            data = os.read(self._reading, _PIECE_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise ChannelClosed(0, "the connection was closed")
        self._received += data

    def _write(self, data: bytes, deadline: float | None) -> None:
        """Write all of the data, waiting for the other side to read; raise TimeoutError at the deadline."""
        rest = memoryview(data)
        while rest:
            self._wait(self._writing, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(self._writing, rest[:_PIECE_BYTES]) :]
            except BlockingIOError:
                continue

    def _wait(self, descriptor: int, events: int, deadline: float | None) -> None:
        """Wait until a descriptor is ready for these events; raise TimeoutError at the deadline."""
        poll = select.poll()
        poll.register(descriptor, events)
        milliseconds = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        if not poll.poll(milliseconds):
            raise TimeoutError("no answer in time")
