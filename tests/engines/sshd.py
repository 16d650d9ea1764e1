"""Another machine that is reached by ssh: namespaces with their own host name, network, processes, users and folders.

Its sshd listens in the machine's own network alone, which a pair of virtual interfaces connects with this one. The
user of the tests exists only there, too, and has a home of its own.
"""

from __future__ import annotations

import ipaddress
import os
import random
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.running import Mlrun, children_of, kill, until, words_of

HOST_ALIAS = "lab"
PORT = 2022
_USER = "tester"
_USER_ID = 61_234
_SSHD = "/usr/sbin/sshd"
_NEEDED = ("ip", "nsenter", "rsync", "setpriv", "ssh", "ssh-keygen", "unshare", _SSHD)
_GAMES = "/usr/games"
"""The last folder on the PATH that sshd gives to users."""
_NETWORKS = ipaddress.ip_network("198.18.0.0/15")
"""The addresses for benchmarks of networks, of which each machine gets four."""
_PATH = os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/sbin"))
# What setpriv starts itself, it finds with the permissions of root.
_AS_USER = ["setpriv", f"--reuid={_USER_ID}", f"--regid={_USER_ID}", "--clear-groups", "sh", "-c", 'exec "$@"', "sh"]
_VARIABLES_THERE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}

# All folders of this machine that users may write to are hidden, but for the one that the machines share for tests.
_SETUP = """
set -e
hostname "$1"
ip link set lo up
mount --bind "$2" /mnt
for folder in /home /tmp /run /var/tmp /dev/shm; do mount -t tmpfs -o mode=755 none "$folder"; done
chmod 1777 /tmp /var/tmp /dev/shm
mkdir -p "/home/$3" "$4" /run/sshd
mount --bind /mnt/home "/home/$3"
mount --bind /mnt/marks "$4"
mount --bind /mnt/etc /etc
mount --bind /mnt/boot_id /proc/sys/kernel/random/boot_id
exec "$5" -c "$6"
"""
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
_SSHD_CONFIG = """\
Port {port}
ListenAddress {address}
HostKey /mnt/host_key
PidFile none
StrictModes yes
UsePAM no
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers {user}
PrintMotd no
Subsystem sftp internal-sftp
"""
_CLIENT_CONFIG = """\
Host {alias}
    HostName {address}
    Port {port}
    User {user}
Host {alias} {address}
    IdentityFile "{folder}/id_ed25519"
    IdentitiesOnly yes
    UserKnownHostsFile "{folder}/known_hosts"
"""


class RemoteMachine:
    """A machine with sshd and one user; `close` ends all that runs there.

    Attributes:
        name: the host name that processes there see.
        address: the IP address at which sshd listens, on port `PORT`.
        user: the name of the user.
        home: the user's home as this process sees it.
        marks: a folder that has the same path on both machines, and that everybody may write to.
        key: the file of the user's private key.
        python: an interpreter that the user may start.
    """

    user = _USER

    def __init__(self, root: Path, name: str = "box") -> None:
        self.name = name
        self._folder = root / "machine of ssh"
        self.home, self.marks = self._folder / "home", self._folder / "marks"
        self.key = self._folder / "id_ed25519"
        python = find_python()
        assert python is not None
        self.python = python
        network = random.SystemRandom().randrange(0, _NETWORKS.num_addresses, 4)
        self._own_address, self.address = str(_NETWORKS[network + 1]), str(_NETWORKS[network + 2])
        self._interface = f"ssh{network}"
        self._sshd: subprocess.Popen[bytes] | None = None
        self._make_folders()
        self.power_on()

    def install_client(self, mlrun: Mlrun) -> None:
        """Let a command reach the machine, as `HOST_ALIAS` or by its address, through the files in its `~/.ssh`.

        OpenSSH takes the home from the user database; the `ssh` on the command's PATH takes it from HOME.
        """
        home = Path(mlrun.environment["HOME"])
        folder, programs = home / ".ssh", home / "bin"
        folder.mkdir(mode=0o700)
        programs.mkdir()
        shutil.copy(self.key, folder)
        key = (self._folder / "host_key.pub").read_text(encoding="ascii")
        (folder / "known_hosts").write_text(f"[{self.address}]:{PORT} {key}", encoding="ascii")
        config = _CLIENT_CONFIG.format(alias=HOST_ALIAS, address=self.address, port=PORT, user=_USER, folder=folder)
        (folder / "config").write_text(config, encoding="utf-8")
        for path in folder.iterdir():
            path.chmod(0o600)
        program = programs / "ssh"
        program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F "$HOME/.ssh/config" "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        mlrun.environment["PATH"] = f"{programs}{os.pathsep}{mlrun.environment['PATH']}"

    def run(self, *words: str) -> str:
        """Run a program there as the user, without ssh, and return its output."""
        done = subprocess.run(
            [*self._enter, f"--wdns=/home/{_USER}", *_AS_USER, *words],
            env={**_VARIABLES_THERE, "HOME": f"/home/{_USER}", "USER": _USER},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def install_programs(self, folder: Path) -> Iterator[None]:
        """Let the user's PATH there contain the programs of a folder below `marks` during the block."""
        _run(*self._enter, "mkdir", "-p", _GAMES)
        _run(*self._enter, "mount", "--bind", str(folder), _GAMES)
        try:
            yield
        finally:
            _run(*self._enter, "umount", "--lazy", _GAMES)

    def list_pids(self) -> list[int]:
        """Return the pids, as this process sees them, of all that the user runs there, connections apart."""
        return [pid for pid in self._list_all() if _read_user(pid) == _USER_ID and not _is_connection(pid)]

    def power_on(self) -> None:
        """Start the machine, whose boot id is another each time, and its sshd."""
        (self._folder / "boot_id").write_text(f"{uuid.uuid4()}\n", encoding="ascii")
        words = ["unshare", "--uts", "--net", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]
        arguments = [self.name, self._folder, _USER, self.marks, self.python, _INIT]
        self._machine = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *words, "sh", "-c", _SETUP, "sh", *map(str, arguments)],
            env={**os.environ, "PATH": _PATH},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self._machine.stdout is not None
        assert self._machine.stdout.readline() == "ready\n"
        (init,) = children_of(self._machine.pid)
        self._enter = ["nsenter", "-t", str(init), "-m", "-u", "-n", "-p"]
        self._connect_network(init)
        self.start_sshd()

    def power_off(self) -> None:
        """Kill all that runs there, as when the machine loses its power; its disk keeps what was written to it."""
        kill(*children_of(self._machine.pid), self._machine.pid)
        self._machine.wait()
        assert self._machine.stdout is not None
        self._machine.stdout.close()
        if self._sshd is not None:
            self._sshd.wait()
        _run("ip", "link", "delete", self._interface, check=False)  # the kernel takes its time

    def start_sshd(self) -> None:
        """Start sshd, and wait until it answers."""
        with (self._folder / "sshd.log").open("ab") as log:
            self._sshd = subprocess.Popen(
                [*self._enter, "--wdns=/", _SSHD, "-D", "-e", "-f", "/mnt/sshd_config"],
                env=_VARIABLES_THERE,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self._is_answering)

    def ensure_sshd(self) -> None:
        """Start sshd if it was stopped."""
        if self._sshd is None or self._sshd.poll() is not None:
            self.start_sshd()

    def stop_sshd(self, *, cut: bool = False) -> None:
        """Kill sshd, so that connections are refused; those that there are live on, unless they are to be cut."""
        assert self._sshd is not None
        kill(*children_of(self._sshd.pid), self._sshd.pid)
        self._sshd.wait()
        if cut:
            self.cut_connections()

    def cut_connections(self) -> None:
        """Kill what serves the connections that there are; the programs that they have started live on."""
        kill(*self.list_connections())

    def list_connections(self) -> list[int]:
        """Return the pids of what serves the connections that there are."""
        return [pid for pid in self._list_all() if _is_connection(pid)]

    def cut_network(self) -> None:
        """Unplug the machine: packets are lost without an answer, and no connection is told."""
        _run(*self._enter, "ip", "link", "set", self._interface, "down")

    def restore_network(self) -> None:
        """Plug the machine in again, and wait until it is reached; connections that have not given up go on."""
        _run(*self._enter, "ip", "link", "set", self._interface, "up")
        if self._sshd is not None and self._sshd.poll() is None:
            until(self._is_answering)

    @contextmanager
    def without_network(self) -> Iterator[None]:
        """Unplug the machine during the block."""
        self.cut_network()
        try:
            yield
        finally:
            self.restore_network()

    def read_log(self) -> str:
        """Return what sshd has printed."""
        return (self._folder / "sshd.log").read_text(encoding="utf-8", errors="replace")

    def reset(self) -> None:
        """End all that the user runs there, and empty the home and the folder that the machines share."""
        if self._machine.returncode is not None:
            self.power_on()
        while left := [*self.list_pids(), *self.list_connections()]:
            kill(*left)
        self.ensure_sshd()
        self.restore_network()
        for path in (*self.home.iterdir(), *self.marks.iterdir()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        self._authorize_key()

    def close(self) -> None:
        """End all that runs there."""
        if self._machine.returncode is None:
            self.power_off()

    def _make_folders(self) -> None:
        self._folder.mkdir(mode=0o700)
        self.marks.mkdir()
        self.marks.chmod(0o1777)
        for name in ("host_key", "id_ed25519"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self._folder / name))
        self.home.mkdir(mode=0o700)
        os.chown(self.home, _USER_ID, _USER_ID)
        self._authorize_key()
        lines = {
            "passwd": f"{_USER}:x:{_USER_ID}:{_USER_ID}::/home/{_USER}:/bin/sh",
            "group": f"{_USER}:x:{_USER_ID}:",
            "shadow": f"{_USER}:*:19000:0:99999:7:::",  # no password; sshd admits nobody who has "!" there
        }
        # A copy: the mount of a single file ends when this machine replaces the file, as programs that add users do.
        _run("cp", "--archive", "/etc", str(self._folder / "etc"))
        for name, line in lines.items():
            with (self._folder / "etc" / name).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        config = _SSHD_CONFIG.format(port=PORT, address=self.address, user=_USER)
        (self._folder / "sshd_config").write_text(config, encoding="ascii")

    def _authorize_key(self) -> None:
        keys = self.home / ".ssh"
        keys.mkdir(mode=0o700)
        shutil.copy(self.key.with_suffix(".pub"), keys / "authorized_keys")
        for path in (keys, keys / "authorized_keys"):
            os.chown(path, _USER_ID, _USER_ID)

    def _connect_network(self, init: int) -> None:
        """Connect the network of the machine with that of this one."""
        name = self._interface
        _run("ip", "link", "add", name, "type", "veth", "peer", "name", name, "netns", str(init))
        _run("ip", "address", "add", f"{self._own_address}/30", "dev", name)
        _run("ip", "link", "set", name, "up")
        _run(*self._enter, "ip", "address", "add", f"{self.address}/30", "dev", name)
        _run(*self._enter, "ip", "link", "set", name, "up")

    def _list_all(self) -> list[int]:
        """Return the pids of all that runs there, zombies apart; there may be other machines with such a user."""
        namespace = _read_namespace(next(iter(children_of(self._machine.pid)), 0))
        pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
        return [pid for pid in pids if namespace and _read_namespace(pid) == namespace and words_of(pid)]

    def _is_answering(self) -> bool:
        assert self._sshd is not None
        assert self._sshd.poll() is None, self.read_log()
        with suppress(OSError), socket.create_connection((self.address, PORT), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
        return False


def find_obstacle() -> str | None:
    """Return why there can be no such machine on this one, or None."""
    if os.geteuid() != 0:
        return "only root can make namespaces, and start programs of other users"
    missing = [name for name in _NEEDED if shutil.which(name, path=_PATH) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    words = ["unshare", "--uts", "--net", "--pid", "--fork", "--mount", "--mount-proc"]
    words += ["ip", "link", "add", "one", "type", "veth", "peer", "name", "other"]
    done = subprocess.run(words, env={**os.environ, "PATH": _PATH}, capture_output=True, check=False)
    if done.returncode != 0:
        return f"no namespaces, or no virtual interfaces: {done.stderr.decode()}"
    return None if find_python() else "no Python 3.10 or later that other users may start"


def find_python() -> str | None:
    """Return the path of an interpreter that other users may start, or None."""
    paths = (os.path.realpath(sys.executable), "/usr/local/bin/python3", "/usr/bin/python3")
    return next(filter(can_other_users_start, paths), None)


def can_other_users_start(python: str) -> bool:
    """Return whether a path is an interpreter of Python 3.10 or later that other users may start."""
    words = [*_AS_USER, python, "-c", "import sys; sys.exit(sys.version_info < (3, 10))"]
    with suppress(OSError):
        return subprocess.run(words, cwd="/", env=_VARIABLES_THERE, capture_output=True, check=False).returncode == 0
    return False


def _is_connection(pid: int) -> bool:
    return "".join(words_of(pid)[:1]).startswith("sshd-session")


def _read_namespace(pid: int) -> str | None:
    """Return the PID namespace of a process, or None if it has ended."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def _read_user(pid: int) -> int | None:
    """Return the user id of a process, or None if it has ended."""
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


def _run(*words: str, check: bool = True) -> None:
    done = subprocess.run(words, env={**os.environ, "PATH": _PATH}, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{words}: {done.stderr}"
