"""Sockets in a run folder, through which processes of the run reach its supervisor and its worker."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from mlrun_cli.core.local_folder import make_counterpart_folder
from mlrun_cli.runs.folder import RunFolder

_BACKLOG = 64


def create_run_listener(folder: RunFolder, socket_path: Path) -> socket.socket:
    """Create a listening Unix socket in the run's folder, accessible only to the current user, and return it."""
    make_counterpart_folder(folder.path)
    socket_path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with folder.open_socket_address(socket_path) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    listener.listen(_BACKLOG)
    return listener
