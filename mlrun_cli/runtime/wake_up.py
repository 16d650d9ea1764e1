"""Wake-ups of the process that listens on a `WakeSocket`."""

from __future__ import annotations

import os
from pathlib import Path

from mlrun_cli.wire.framing import open_socket_address


def send_wake_up(path: Path) -> bool:
    """Wake the process that listens on a socket; return False if none does."""
    import socket  # noqa: PLC0415 — not on the way of `run list`

    try:
        with (
            open_socket_address(os.fspath(path.parent), path.name) as address,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)
            sender.sendto(b".", address)
    except BlockingIOError:  # enough wake-ups are pending
        return True
    except OSError:
        return False
    return True
