"""Lines in the logs of controlled runs."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.time import format_iso, now


def append_log_line(path: Path, text: str) -> None:
    """Append a timestamped line to a log; ignore errors, such as a full disk."""
    line = f"[{format_iso(now())}] {' '.join(text.split())}\n".encode()
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
