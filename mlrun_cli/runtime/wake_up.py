"""Wake-ups of the process that listens on a `WakeSocket`, which is started if it is absent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from mlrun_cli.wire.framing import open_socket_address

_TIMEOUT_SECONDS = 2.0
_AGAIN_SECONDS = 0.005


def start_or_wake(start_if_absent: Callable[[], bool], socket_path: Path) -> None:
    """Start a process, or wake it if it is already running; give up after some seconds.

    Args:
        start_if_absent: starts the process unless one is running; returns False if one is.
        socket_path: the socket of the running process.
    """
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if start_if_absent() or send_wake_up(socket_path):
            return
        time.sleep(_AGAIN_SECONDS)  # it is about to open its socket, or to end


def send_wake_up(socket_path: Path) -> bool:
    """Wake the process that listens on a socket; return False if there is none."""
    import socket  # noqa: PLC0415 — not on the way of `run list`

    try:
        with (
            open_socket_address(os.fspath(socket_path.parent), socket_path.name) as address,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)
            sender.sendto(b".", address)
    except BlockingIOError:  # enough wake-ups are pending
        return True
    except OSError:
        return False
    return True
