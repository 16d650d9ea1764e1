"""A mount of a network file system by sshfs, whose server can be frozen, and which can be unmounted while in use.

The file system is sshfs with its attribute cache on, by which a client does not see for a while what another has
changed. It has neither locks nor sockets. Its server is started by `sshfs` itself, without a network.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.running import children_of, kill, until, words_of

SFTP_SERVER = "/usr/lib/openssh/sftp-server"
NAME_SECONDS = 20
SIZE_SECONDS = 10

_START_NODE = """
hostname "$1"
hosts=$(mktemp)
echo "127.0.0.1 localhost $1" > "$hosts"
mount --bind "$hosts" /etc/hosts
rm "$hosts"
echo ready
exec sleep infinity
"""


def _refuses_links_out_of_the_mount() -> bool:
    """Return whether this version of sshfs does so by default, which NFS does not; an environment has such a link."""
    done = subprocess.run(["sshfs", "--help"], capture_output=True, encoding="utf-8", check=True)
    return "no_contain_symlinks" in done.stdout


class NetworkMount:
    """A mount of a folder, whose client caches the names in folders and the sizes of files; `close` ends it.

    Attributes:
        exported: the folder of the file server.
        path: the folder at which it is mounted.
    """

    def __init__(
        self,
        exported: Path,
        path: Path,
        enter: Sequence[str] = (),
        *,
        name_seconds: int = NAME_SECONDS,
        size_seconds: int = SIZE_SECONDS,
    ) -> None:
        """Mount a folder.

        Args:
            exported: the folder of the file server.
            path: the folder at which it is mounted; it is created if there is none.
            enter: the words in front of each command, to have it in another mount namespace.
            name_seconds: how long the client knows the names in a folder.
            size_seconds: how long it knows the size of a file.
        """
        self.exported, self.path = exported, path
        self._enter = enter
        self._options = [f"dcache_timeout={name_seconds}"]
        self._options += [f"{kind}_timeout={size_seconds}" for kind in ("attr", "entry")]
        self._options += ["no_contain_symlinks"] if _refuses_links_out_of_the_mount() else []
        self._server = exported.with_name("sftp-server")
        if not self._server.exists():
            self._server.write_text(f"#!/bin/sh\nexec {SFTP_SERVER}\n")
            self._server.chmod(0o700)
        path.mkdir(exist_ok=True)
        self._clients: list[subprocess.Popen[bytes]] = []
        self._is_mounted = False
        self.mount()

    def mount(self) -> None:
        """Mount the folder again, after it was unmounted."""
        options = [word for option in (f"ssh_command={self._server}", *self._options) for word in ("-o", option)]
        client = subprocess.Popen([*self._enter, "sshfs", "-f", *options, f"server:{self.exported}", str(self.path)])
        self._clients.append(client)
        until(lambda: client.poll() is not None or self._is_mounted_by(client.pid))
        assert client.poll() is None
        self._is_mounted = True

    def unmount(self) -> None:
        """Unmount the folder, which is empty then; files that are open stay so."""
        subprocess.run([*self._enter, "fusermount3", "-u", "-z", str(self.path)], check=True)
        self._is_mounted = False

    def freeze(self) -> None:
        """Cut the line to the file server: what needs it waits, as with a hard mount of NFS."""
        kill(*self._list_servers(), number=signal.SIGSTOP)

    def thaw(self) -> None:
        """Restore the line to the file server."""
        kill(*self._list_servers(), number=signal.SIGCONT)

    def close(self) -> None:
        """Unmount the folder and end its clients."""
        self.thaw()
        if self._is_mounted:
            self.unmount()
        for client in self._clients:
            client.terminate()  # by itself it waits for other mount namespaces, which may have a copy of the mount
            client.wait()

    def _list_servers(self) -> list[int]:
        return [pid for client in self._clients if client.poll() is None for pid in children_of(client.pid)]

    def _is_mounted_by(self, pid: int) -> bool:
        """Return whether the folder is mounted in the namespace of a client, once that is in it."""
        if words_of(pid)[:1] != ["sshfs"]:
            return False
        mounts = Path(f"/proc/{pid}/mountinfo").read_text(encoding="utf-8").splitlines()
        place = str(self.path).replace(" ", "\\040")
        return any(line.split()[4] == place and " fuse.sshfs " in line for line in mounts)


class Node:
    """A mount namespace with a host name of its own; `close` ends it, but not what runs there.

    Attributes:
        enter: the words in front of a command to have it run there, in the folder `/`.
    """

    def __init__(self, name: str) -> None:
        words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--uts", "sh", "-ec"]
        self._machine = subprocess.Popen(
            [*words, _START_NODE, "sh", name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._machine.stdout is not None
        assert self._machine.stdout.readline() == b"ready\n"
        self.enter = ["nsenter", "-t", str(self._machine.pid), "-m", "-u"]

    def close(self) -> None:
        """End the namespace once nothing runs there."""
        kill(self._machine.pid)
        self._machine.wait()
        assert self._machine.stdout is not None
        self._machine.stdout.close()
