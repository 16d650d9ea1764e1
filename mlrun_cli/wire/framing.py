"""Framing of requests and responses as one JSON object per line over a socket in a run folder."""

import os
from contextlib import contextmanager
from json import dumps
from typing import Any, Iterator

LONGEST_REQUEST = 16_000_000
"""The maximum size of a request in bytes."""

RESULT = "result"
ERROR = "error"
OTHER_SOCKET = "ask"
"""Keys of responses; each has one: a result, an error, or the name of the socket to send the request to instead."""


def encode_line(document: Any) -> bytes:
    """Encode a request or a response as a line of JSON."""
    return dumps(document).encode() + b"\n"


@contextmanager
def open_socket_address(folder: str, name: str) -> Iterator[str]:
    """Yield an address for a socket in a folder, even if its path exceeds the limit of 107 bytes.

    Raises:
        OSError: The folder does not exist.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        through = f"/proc/self/fd/{descriptor}"  # short, whatever the length of the folder's path
        yield os.path.join(through if os.path.exists(through) else folder, name)
    finally:
        os.close(descriptor)
