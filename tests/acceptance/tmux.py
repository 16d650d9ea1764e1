"""A real terminal, whose screen can be read: a server of tmux with one window."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.running import Mlrun, until


class Tmux:
    """Runs a shell in a window of its own; its server ends with the `with` block."""

    def __init__(self, mlrun: Mlrun, socket: Path, *, columns: int = 100, lines: int = 24) -> None:
        self._mlrun = mlrun
        self._count = 0
        self._command = ["tmux", "-f", "/dev/null", "-S", str(socket)]
        self._call("new-session", "-d", "-x", str(columns), "-y", str(lines), "env PS1='$ ' sh")

    def run(self, *words: str) -> None:
        """Type a command line."""
        self._count += 1
        self.type(f"clear; {shlex.join(words)}; echo end {self._count}: $?", "Enter")

    def wait_for_end(self, exit_code: int) -> Sequence[str]:
        """Wait until the command has ended with an exit code, and return the lines that the screen shows above it."""
        end = f"end {self._count}: {exit_code}"
        lines = list(self.wait_for(end))
        return [line for line in lines[: lines.index(end)] if "; echo end" not in line]

    def type(self, *keys: str) -> None:
        """Press keys, or write texts."""
        self._call("send-keys", *keys)

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the window."""
        self._call("resize-window", "-x", str(columns), "-y", str(lines))

    def read(self) -> Sequence[str]:
        """Return the lines that the screen shows, without those that are empty."""
        return [line.rstrip() for line in self._call("capture-pane", "-p").splitlines() if line.strip()]

    def wait_for(self, text: str) -> Sequence[str]:
        """Wait until the screen shows a text, and return its lines."""

        def look() -> Sequence[str] | None:
            lines = self.read()
            return lines if any(text in line for line in lines) else None

        return until(look)

    def __enter__(self) -> Tmux:
        return self

    def __exit__(self, *_error: object) -> None:
        self._call("kill-server")

    def _call(self, *words: str) -> str:
        return subprocess.run(
            [*self._command, *words],
            cwd=self._mlrun.folder,
            env={**self._mlrun.environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
