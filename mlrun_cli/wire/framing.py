"""Framing of requests and responses: a JSON object per line, over a socket in the folder of a run."""

import os
from contextlib import contextmanager
from json import dumps
from typing import Any, Iterator

LONGEST_REQUEST = 16_000_000
"""Bytes."""

RESULT = "result"
ERROR = "error"
OTHER_SOCKET = "ask"
"""Keys of responses, of which each has one: a result, an error, or the name of the socket to send the request to."""


def encode_line(document: Any) -> bytes:
    """Return a request or a response as a line."""
    return dumps(document).encode() + b"\n"


@contextmanager
def open_socket_address(folder: str, name: str) -> Iterator[str]:
    """Yield an address of a socket in a folder; paths may be longer than the 107 bytes of a socket address.

    Raises:
        OSError: the folder is gone.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        through = f"/proc/self/fd/{descriptor}"  # as short as that, however deep the folder lies
        yield os.path.join(through if os.path.exists(through) else folder, name)
    finally:
        os.close(descriptor)
