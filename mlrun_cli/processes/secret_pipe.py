"""A pipe that passes the secrets of a run to a process that is to redact them: as its standard input, in no file."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress

from mlrun_cli.core.redaction import Redactor


def open_secret_pipe(redactor: Redactor) -> int:
    """Return the read end of a new pipe that contains a run's secrets, which texts may repeat; the write end is closed.

    Secrets beyond the capacity of a pipe, 64 KiB, are left out.

    Raises:
        OSError: no pipe can be opened.
    """
    lines = "".join(f"{json.dumps(secret)}\n" for secret in sorted(redactor.run_secrets, key=len))
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        os.write(writing, lines.encode())
    os.close(writing)
    return reading


def read_process_redactor() -> Redactor:
    """Return a redactor for the secrets in this process's environment and on its standard input, read to its end."""
    secrets = []
    for line in sys.stdin.buffer.read().splitlines():
        with suppress(ValueError):  # the last one may have been cut
            secrets.append(json.loads(line))
    return Redactor((), os.environ, lambda: secrets)
