"""Holding of a run at a point of its life, as by a slow disk, a slow build or a busy store."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.running import COMMAND, Mlrun, children_of, kill, until

_TIMEOUT_SECONDS = 180.0

_BACKEND = """
import zipfile
from pathlib import Path

def build_wheel(folder, config_settings=None, metadata_directory=None):
    here = Path(__file__).parent
    (here / "reached").touch()
    (here / "gate").read_bytes()
    with zipfile.ZipFile(Path(folder, "gated-1-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("gated-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: gated\\nVersion: 1\\n")
        tags = "Wheel-Version: 1.0\\nGenerator: gate\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("gated-1.dist-info/WHEEL", tags)
        wheel.writestr("gated-1.dist-info/RECORD", "")
    return "gated-1-py3-none-any.whl"
"""
_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


class GatedBuild:
    """An environment whose only package is built only once its gate is opened."""

    def __init__(self, mlrun: Mlrun, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        os.mkfifo(folder / "gate")
        (folder / "backend.py").write_text(_BACKEND, encoding="utf-8")
        (folder / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            '[project]\nname = "gated"\nversion = "1"\n',
            encoding="utf-8",
        )
        conda = f"dependencies:\n- pip:\n  - {folder}\n"
        (mlrun.folder / "gated.yml").write_text(conda, encoding="utf-8")

    def wait(self) -> None:
        """Wait until the build has reached the gate."""
        until((self._folder / "reached").exists)

    def open(self) -> None:
        """Let the build continue."""
        (self._folder / "gate").write_bytes(b"")


class Fifo:
    """A file replaced by a FIFO, which blocks every process that opens it; `restore` restores the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = path.with_name(f"{path.name}.kept")
        if path.exists():
            path.rename(self._kept)
        os.mkfifo(path)

    def let_through(self) -> None:
        """Let a blocked reader read the original content and continue."""
        self._path.write_bytes(self._kept.read_bytes())

    def restore(self) -> None:
        """Restore the original file; the blocked processes must have ended by then."""
        self._path.unlink()
        if self._kept.exists():
            self._kept.rename(self._path)


def manifest(mlrun: Mlrun, run_id: str) -> Fifo:
    """Block a run while it finalizes, before it cleans up its working folder."""
    (snapshot_id,) = mlrun.stored(
        "SELECT value FROM run_properties JOIN runs USING (run_key) WHERE run_id = ? AND key = 'ContentSnapshotId'",
        run_id,
    )[0]
    return Fifo(mlrun.database.parent / "snapshots" / "manifests" / f"{snapshot_id}.json")


@contextmanager
def locked(database: Path) -> Iterator[subprocess.Popen[str]]:
    """Have another process lock the store against all writers during the block."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        try:
            yield holder
        finally:
            holder.communicate()


@contextmanager
def slow_recovery(mlrun: Mlrun, lock: Path, run_id: str) -> Iterator[subprocess.Popen[str]]:
    """Start `run show`, delayed between finding a lock free and noting the recovery in the lock's file."""
    shared = re.compile(rf"FLOCK\s+ADVISORY\s+READ\s.*:{lock.stat().st_ino}\s")
    slow = ("--trace=pwrite64", f"--trace-path={lock}", "--inject=pwrite64:delay_enter=400ms")
    mlrun.command = ["strace", "--output=/dev/null", *slow, str(COMMAND)]
    with mlrun.start("run", "show", "-r", run_id) as recovering:
        mlrun.command = [str(COMMAND)]
        until(lambda: shared.search(Path("/proc/locks").read_text(encoding="ascii")))
        yield recovering


@contextmanager
def slow_to_rename(pid: int, count: int) -> Iterator[None]:
    """Block a process at a rename until the end of the block, after it has made `count` others."""
    slow = ("--trace=/^rename", f"--inject=/^rename:delay_enter=60s:when={count + 1}")
    with subprocess.Popen(
        ["strace", "--output=/dev/null", *slow, f"--attach={pid}"], stderr=subprocess.PIPE, encoding="utf-8"
    ) as tracer:
        try:
            assert tracer.stderr is not None
            assert "attached" in tracer.stderr.readline()
            yield
        finally:
            tracer.kill()  # it would wait for the end of the delay, even if the process is dead


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """Move a folder away during the block, as if it was moved or its disk unmounted."""
    elsewhere = folder.rename(folder.with_name("away"))
    yield
    elsewhere.rename(folder)


@contextmanager
def stopped_at(call: str, file: Path, words: Sequence[str], environment: dict[str, str], folder: Path) -> Iterator[int]:
    """Start a program, stop it by SIGSTOP after its first call of a kind on a file, and yield its pid.

    At the end of the block the program continues, and must succeed.
    """
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as trace:
        at = ["--trace-path", str(file), f"--trace={call}", f"--inject={call}:signal=SIGSTOP:when=1"]
        with subprocess.Popen(
            ["strace", "--output", trace.name, *at, *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL
        ) as strace:
            try:
                until(lambda: "--- stopped by SIGSTOP" in Path(trace.name).read_text(encoding="utf-8"))
                (pid,) = children_of(strace.pid)
                yield pid
                kill(pid, number=signal.SIGCONT)
                assert strace.wait(_TIMEOUT_SECONDS) == 0
            finally:
                kill(*children_of(strace.pid))
