"""A pipe that passes a run's secrets to the standard input of a process that redacts them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress

from mlrun_cli.core.redaction import Redactor


def open_secret_pipe(redactor: Redactor) -> int:
    """Return the read end of a new pipe that contains the secrets to redact in a run's texts; the write end is closed.

    Secrets beyond the capacity of a pipe, 64 KiB, are left out.

    Raises:
        OSError: no pipe can be opened.
    """
    lines = format_secrets(redactor)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        os.write(writing, lines.encode())
    os.close(writing)
    return reading


def format_secrets(redactor: Redactor) -> str:
    """Return the secrets to redact in a run's texts as lines of JSON, the shortest first."""
    secrets = sorted(redactor.run_secrets, key=lambda secret: (len(secret), secret))
    return "".join(f"{json.dumps(secret)}\n" for secret in secrets)


def read_process_redactor() -> Redactor:
    """Return a redactor for the secrets in this process's environment and on its standard input, read to its end."""
    return build_process_redactor(sys.stdin.buffer.read().decode(errors="replace").splitlines())


def build_process_redactor(lines: Iterable[str]) -> Redactor:
    """Return a redactor for the secrets in this process's environment and in lines written by `format_secrets`."""
    secrets = []
    for line in lines:
        with suppress(ValueError):  # the last one may have been cut
            secrets.append(json.loads(line))
    return Redactor((), os.environ, lambda: secrets)
