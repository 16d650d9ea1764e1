"""A home on a network file system, and hosts that use it: namespaces, each with its own mount, name and local folder.

The file system is that of `network_mount`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.engines.network_mount import NAME_SECONDS, SFTP_SERVER, SIZE_SECONDS, NetworkMount
from tests.running import Mlrun, find_paths, kill, until

_INIT = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
print("ready", flush=True)
while True:
    signal.sigwait([signal.SIGCHLD])
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
"""


def find_obstacle() -> str | None:
    """Return why there can be no such hosts on this machine, or None."""
    if os.geteuid() != 0:
        return "only root can mount, and make namespaces"
    missing = [name for name in ("sshfs", "fusermount3", "unshare", "nsenter", SFTP_SERVER) if not shutil.which(name)]
    if missing or not Path("/dev/fuse").exists():
        return f"{', '.join(missing) or '/dev/fuse'} is not there"
    done = subprocess.run(
        ["unshare", "--uts", "--net", "--pid", "--fork", "--mount-proc", "true"], capture_output=True, check=False
    )
    return None if done.returncode == 0 else f"no namespaces: {done.stderr.decode()}"


@contextmanager
def mount(
    exported: Path, mounted: Path, *, name_seconds: int = NAME_SECONDS, size_seconds: int = SIZE_SECONDS
) -> Iterator[None]:
    """Mount a folder by sshfs during the block; its client caches the names in folders, and the sizes of files."""
    mounting = NetworkMount(exported, mounted, name_seconds=name_seconds, size_seconds=size_seconds)
    try:
        yield
    finally:
        mounting.close()


class Host(Mlrun):
    """The command on one host; its home has the same path on all hosts.

    Attributes:
        name: the name of the host.
        local: the folder that the host has at `/tmp/mlrun-UID`.
    """

    def __init__(self, root: Path, name: str, place: Path) -> None:
        """Start a host.

        Args:
            root: the folder of the host's own files, and of the mount of the file system.
            name: the name of the host.
            place: the folder at which the host has the mount.
        """
        super().__init__(root, attach=False)
        self.name = name
        self.local = root / "local"
        self.local.mkdir(mode=0o700)
        self._mounted, self._place = root / "mounted", place
        self.home = place / "home"
        self.environment["MLRUN_HOME"] = str(self.home)
        self._program = self.command
        self.boot()

    @property
    def seen(self) -> Path:
        """The home as this process sees it, which is not on this host."""
        return self._mounted / "home"

    def boot(self) -> None:
        """Start the host; all that runs on it ends with `close`."""
        base = Path(f"/tmp/mlrun-{os.getuid()}")
        base.mkdir(mode=0o700, exist_ok=True)
        setup = (
            f'hostname {self.name} && ip link set lo up && mount --bind "$1" {base} && mount --bind "$2" "$3"'
            ' && exec "$4" -c "$5"'
        )
        words = ["unshare", "--uts", "--net", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]
        arguments = [self.local, self._mounted, self._place, sys.executable, _INIT]
        self._machine = subprocess.Popen(
            [*words, "sh", "-c", setup, "sh", *map(str, arguments)], stdout=subprocess.PIPE, encoding="utf-8"
        )
        assert self._machine.stdout is not None
        assert self._machine.stdout.readline() == "ready\n"
        (init,) = Path(f"/proc/{self._machine.pid}/task/{self._machine.pid}/children").read_text().split()
        self.enter = ["nsenter", "-t", init, "-m", "-u", "-n", "-p", f"--wdns={self.folder}"]
        self.command = [*self.enter, *self._program]

    def find_pid(self, started: subprocess.Popen[str]) -> int:
        """Return the pid of a program that was started with the words of `enter`, or of those if it has ended."""
        children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
        found = until(lambda: started.poll() is not None or children.read_text().split())
        return int(found[0]) if isinstance(found, list) else started.pid

    def find_local(self, path: Path) -> Path:
        """Return the counterpart of a file of the home in the host's local folder."""
        (folder,) = (entry for entry in self.local.iterdir() if entry.is_dir())
        return folder / path.relative_to(self.seen)

    def stored(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return rows directly from the database, under the host's lock of it."""
        path = self.database
        lock = os.open(f"{self.find_local(path)}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        uri = f"{path.as_uri()}?vfs=unix-none&nolock=1"
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
                return connection.execute(sql, parameters).fetchall()
        finally:
            os.close(lock)

    def describe_files(self) -> dict[str, Any]:
        """Return the time of each folder of the home, and the time and content of each file, as the file server does.

        Those in which the host that has the home says that it uses it are left out.
        """
        exported = self._mounted.parent.parent / "exported"
        return {
            str(path): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
            for path in [exported, *find_paths(exported)]
            if not {path.name, path.parent.name} & {"hosts", "serving"}
        }

    def close(self) -> None:
        """Stop the host with all that runs on it."""
        kill(self._machine.pid)
        self._machine.wait()
        if self._machine.stdout is not None:
            self._machine.stdout.close()


@contextmanager
def start_hosts(root: Path, *names: str) -> Iterator[list[Host]]:
    """Start hosts that share a file system, on which the first has attached a folder; end them after the block."""
    exported, place = root / "exported", root / "shared"
    exported.mkdir(exist_ok=True)
    place.mkdir()
    hosts: list[Host] = []
    mounts = [mount(exported, _make(root / name) / "mounted") for name in names]
    try:
        for name, mounting in zip(names, mounts, strict=True):
            mounting.__enter__()
            hosts.append(Host(root / name, name, place))
        hosts[0]("folder", "attach", "-w", "shared", "-e", "exp")
        for host in hosts[1:]:
            shutil.copytree(hosts[0].folder, host.folder, dirs_exist_ok=True)
        yield hosts
    finally:
        for host in hosts:
            host.close()
        for mounting in mounts[: len(hosts) or None]:
            with suppress(Exception):
                mounting.__exit__(None, None, None)


def _make(folder: Path) -> Path:
    folder.mkdir()
    return folder
