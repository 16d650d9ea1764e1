"""Debian's Slurm with a controller and two nodes on this machine, which all listen on 127.0.0.1 alone."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.running import kill, until

NODES = ("n1", "n2")
CPUS = 8
MEMORY_MB = 8000
_DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch")
_DATABASE = ("slurmdbd", "mariadbd", "mariadb-install-db")
_PATH = os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/sbin"))
_HOST = "127.0.0.1"
_FIRST_PORT, _PORTS = 20_000, 12_000

# Without an address of their own, daemons would listen on all; without control groups, processes are found by /proc.
# Nodes claim more cores than the machine has, so that jobs do not wait for each other.
_SLURM_CONF = """\
ClusterName=tests
SlurmctldHost=localhost({host})
SlurmctldPort={controller_port}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={munge}/socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
MessageTimeout={message_timeout}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=10
SchedulerParameters=sched_interval=1,sched_min_interval=1000,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmUser=root
SlurmdUser=root
SlurmdParameters=config_overrides
SlurmdTimeout=10
KillWait=2
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
MinJobAge={minimum_job_age}
{accounting}
{settings}
GresTypes=gpu
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=2-0 PriorityTier=10
PartitionName=short Nodes=n2 MaxTime=10 PriorityTier=10
PartitionName=spare Nodes=ALL PriorityTier=1 PreemptMode=CANCEL
"""
_NODE = "NodeName={name} NodeHostname=localhost NodeAddr={host} Port={port} CPUs={cpus} RealMemory={memory} Gres=gpu:2"
_GPUS = "".join(f"NodeName={node} Name=gpu File={device}\n" for node in NODES for device in ("/dev/zero", "/dev/full"))
_ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost={host}
AccountingStoragePort={port}
AccountingStoragePass={munge}/socket
"""
_SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={munge}/socket
DbdHost=localhost
DbdAddr={host}
DbdPort={port}
SlurmUser=root
CommunicationParameters=NoInAddrAny
StorageType=accounting_storage/mysql
StorageHost={host}
StoragePort={database_port}
StorageUser=slurm
StoragePass=slurm
PidFile={folder}/slurmdbd.pid
"""
_START_SQL = """\
CREATE DATABASE slurm_acct_db;
CREATE USER slurm@localhost IDENTIFIED BY 'slurm';
GRANT ALL ON *.* TO slurm@localhost;
"""


class Slurm:
    """A cluster of two nodes, `n1` and `n2`, with two GPUs each and three partitions; `close` ends all its processes.

    `main` is the default and has both nodes; `short` has `n2` and a limit of ten minutes; jobs in `spare` are
    cancelled when others need their place.

    Attributes:
        folder: the configuration, state and logs of the daemons.
        environment: the variables by which Slurm's commands find it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        accounting: bool = False,
        enter: Mapping[str, Sequence[str]] | None = None,
        settings: str = "",
    ) -> None:
        """Start a cluster.

        Args:
            folder: an empty folder for all its files.
            accounting: whether it has an accounting database.
            enter: the words in front of the command of a node's daemon, to have the node in other namespaces.
            settings: further lines of its configuration.
        """
        self.folder = folder
        self._enter = enter or {}
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        # Slurm's own authentication has one socket for all clusters of a machine. A socket's path has to be short.
        self._munge = Path(tempfile.mkdtemp(prefix="munge-"))
        self._ports = dict(zip(("slurmctld", *NODES, "slurmdbd", "mariadbd"), _find_ports(5), strict=True))
        self._write_configuration(settings, accounting=accounting)
        try:
            self._start_munge()
            if accounting:
                self._start_database()
            self.start_controller()
            for node in NODES:
                self.start_node(node)
            until(lambda: self.node_states() == dict.fromkeys(NODES, "idle"))
        except BaseException:
            self.close()
            raise

    def __call__(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        """Run one of Slurm's commands and return its output, without space at its end."""

        done = subprocess.run(
            words, env=self.variables, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )
        assert not check or done.returncode == 0, (
            f"{words}: {done.returncode} {done.stderr}{self.read_log('slurmctld')}"
        )
        return done.stdout.strip()

    @property
    def variables(self) -> dict[str, str]:
        """All variables of Slurm's commands."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
        return {**inherited, **self.environment}

    def submit(self, script: str, *options: str) -> str:
        """Submit a shell script as a job without output, and return the job's id."""
        return self("sbatch", "--parsable", "--output=/dev/null", *options, stdin=f"#!/bin/sh\n{script}\n")

    def job_state(self, job_id: str) -> str:
        """Return the state of a job in Slurm's words, or an empty string if the controller does not know it."""
        return self("squeue", "-h", "-t", "all", "-j", job_id, "-o", "%T", check=False)

    def wait_for_state(self, job_id: str, state: str) -> None:
        """Wait until a job has this state."""
        until(lambda: self.job_state(job_id) == state)

    def node_states(self) -> dict[str, str]:
        """Return the states of the nodes, keyed by name."""
        lines = self("sinfo", "-h", "-N", "-p", "main", "-o", "%N %T").splitlines()
        return dict(line.split() for line in lines)

    def cancel_all(self) -> None:
        """Cancel all jobs, wait for their end, and have all nodes accept jobs again."""
        self("scancel", "--user=root", check=False)
        for name in NODES:
            if name not in self._processes:
                self.start_node(name)
        until(lambda: self("squeue", "-h") == "")
        for node, state in self.node_states().items():
            if state != "idle":
                self("scontrol", "update", f"nodename={node}", "state=resume", check=False)
        until(lambda: set(self.node_states().values()) == {"idle"})

    def start_controller(self) -> None:
        """Start the controller, which goes on from its stored state, and wait until it answers."""
        self._start("slurmctld", "slurmctld", "-D")
        self._wait_for_port("slurmctld")

    def stop_controller(self) -> None:
        """End the controller, which stores its state."""
        self._processes["slurmctld"].terminate()
        self._processes.pop("slurmctld").wait()

    def kill_controller(self) -> None:
        """Kill the controller, which loses what it has not stored in the last seconds."""
        self._kill("slurmctld")

    def start_node(self, name: str, job_daemon: Path | None = None) -> None:
        """Start the daemon of a node, with a program that takes the place of slurmstepd if one is given."""
        self._start(name, "slurmd", "-D", "-N", name, *(() if job_daemon is None else ("-d", str(job_daemon))))

    def kill_node(self, name: str, *, jobs: bool = True) -> None:
        """Kill the daemon of a node and, with `jobs`, all processes of jobs there, as when the machine loses power."""
        self._kill(name)
        for pid in _list_pids() if jobs else ():
            is_of_job = _read_variables(pid).get("SLURMD_NODENAME") == name and self._is_own(pid)
            if is_of_job or _read_folder(pid) == self.folder / name:
                _kill_pid(pid)

    def signal_node(self, name: str, number: int) -> None:
        """Send a signal, such as SIGSTOP, to the daemons of a node and of its jobs, but not to what these run."""
        for pid in _list_pids():
            if _read_folder(pid) == self.folder / name:
                kill(pid, number=number)

    def mark_node_down(self, name: str) -> None:
        """Have the controller consider a node lost at once, as it does by itself after SlurmdTimeout."""
        self("scontrol", "update", f"nodename={name}", "state=down", "reason=killed")

    def kill_job_daemon(self, job_id: str) -> None:
        """Kill the slurmstepd of a job, but not its processes."""
        number = self("squeue", "-h", "-r", "-t", "all", "-j", job_id, "-o", "%A", check=False)
        for pid in _list_pids():
            if _read_words(pid)[:1] == [f"slurmstepd: [{number}.batch]"] and self._is_own(pid):
                _kill_pid(pid)

    def signal_controller(self, number: int) -> None:
        """Send a signal to the controller, such as SIGSTOP."""
        self._processes["slurmctld"].send_signal(number)

    def write_client_configuration(self, message_timeout: int) -> dict[str, str]:
        """Write another configuration, whose clients give up earlier, and return the variables for it."""
        folder = self.folder / f"clients-{message_timeout}"
        if not folder.exists():
            folder.mkdir()
            for name in ("cgroup.conf", "gres.conf"):
                shutil.copy(self.folder / name, folder / name)
            text = (self.folder / "slurm.conf").read_text(encoding="utf-8")
            lines = [line for line in text.splitlines() if not line.startswith("MessageTimeout=")]
            lines.append(f"MessageTimeout={message_timeout}\n")
            (folder / "slurm.conf").write_text("\n".join(lines), encoding="utf-8")
        return {"SLURM_CONF": str(folder / "slurm.conf")}

    def read_log(self, name: str) -> str:
        """Return what a daemon has printed: `slurmctld`, `slurmdbd`, or that of a node by its name."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Kill all daemons and all processes of jobs."""
        for name in list(self._processes):
            self._kill(name)
        # A job's daemon that has just been forked may start another process while we look.
        while found := [pid for pid in _list_pids() if self._is_own(pid)]:
            for pid in found:
                _kill_pid(pid)
            time.sleep(0.01)
        shutil.rmtree(self._munge, ignore_errors=True)

    def _write_configuration(self, settings: str, *, accounting: bool) -> None:
        (self.folder / "state").mkdir()
        ports = self._ports
        nodes = (_NODE.format(name=name, host=_HOST, port=ports[name], cpus=CPUS, memory=MEMORY_MB) for name in NODES)
        slurm_conf = _SLURM_CONF.format(
            host=_HOST,
            munge=self._munge,
            controller_port=ports["slurmctld"],
            message_timeout=30,
            # The database has the jobs that the controller forgets.
            minimum_job_age=2 if accounting else 300,
            folder=self.folder,
            nodes="\n".join(nodes),
            accounting=_ACCOUNTING.format(host=_HOST, port=ports["slurmdbd"], munge=self._munge) if accounting else "",
            settings=settings,
        )
        slurmdbd_conf = _SLURMDBD_CONF.format(
            host=_HOST,
            munge=self._munge,
            port=ports["slurmdbd"],
            database_port=ports["mariadbd"],
            folder=self.folder,
        )
        texts = {
            "slurm.conf": slurm_conf,
            "slurmdbd.conf": slurmdbd_conf,
            "cgroup.conf": "CgroupPlugin=disabled\n",
            "gres.conf": _GPUS,
        }
        for name, text in texts.items():
            (self.folder / name).write_text(text, encoding="utf-8")
            (self.folder / name).chmod(0o600)

    def _start_munge(self) -> None:
        key = self._munge / "key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        files = (f"--{name}-file={self._munge / name}" for name in ("key", "pid", "log", "seed"))
        # It does not trust folders that others may write to, such as the one for temporary files.
        self._start("munged", "munged", "--foreground", "--force", f"--socket={self._munge / 'socket'}", *files)
        until((self._munge / "socket").exists)

    def _start_database(self) -> None:
        data = self.folder / "database"
        data.mkdir()
        options = ("--no-defaults", f"--datadir={data}", "--user=root")
        subprocess.run(
            ["mariadb-install-db", *options, "--skip-test-db", "--auth-root-authentication-method=normal"],
            env=self.variables | {"PATH": _PATH},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        start = self.folder / "start.sql"
        # A slurmdbd that has to create its database fails with the client library of MariaDB 11.8.9.
        start.write_text(_START_SQL, encoding="utf-8")
        listen = (f"--bind-address={_HOST}", f"--port={self._ports['mariadbd']}", f"--socket={data}/socket")
        self._start("mariadbd", "mariadbd", *options, *listen, f"--init-file={start}")
        self._wait_for_port("mariadbd")
        self._start("slurmdbd", "slurmdbd", "-D")
        self._wait_for_port("slurmdbd")

    def _start(self, name: str, *words: str) -> None:
        (self.folder / name).mkdir(exist_ok=True)
        entering = [*self._enter[name], f"--wdns={self.folder / name}"] if name in self._enter else []
        # The kernel ends it with the tests, if nothing else does.
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *entering, *words],
                cwd=self.folder / name,
                env=self.variables | {"PATH": _PATH},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _kill(self, name: str) -> None:
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def _wait_for_port(self, name: str) -> None:
        def look() -> bool:
            process = self._processes[name]
            assert process.poll() is None, f"{name} ended: {self.read_log(name)}"
            with suppress(OSError), socket.create_connection((_HOST, self._ports[name]), timeout=1):
                return True
            return False

        until(look)

    def _is_own(self, pid: int) -> bool:
        """Return whether a process is a daemon of this cluster, or belongs to one of its jobs.

        A job's daemon overwrites its variables, and has the working folder of the daemon that started it.
        """
        folder, variables = _read_folder(pid), _read_variables(pid)
        is_of_job = "SLURM_JOB_ID" in variables and variables.get("SLURM_CONF", "").startswith(f"{self.folder}/")
        return is_of_job or (folder is not None and self.folder in folder.parents)


def why_not(*, accounting: bool = False) -> str | None:
    """Return the reason why Slurm cannot be started on this machine, or None if it can."""
    if os.geteuid() != 0:
        return "Slurm's node daemon has to be started by root"
    programs = (*_DAEMONS, *(_DATABASE if accounting else ()))
    missing = [name for name in programs if shutil.which(name, path=_PATH) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


def _find_ports(count: int) -> Sequence[int]:
    """Return free ports, all different, of those that no connection takes for its own end while a daemon is down."""
    sockets: list[socket.socket] = []
    try:
        while len(sockets) < count:
            sockets.append(socket.socket())
            try:
                sockets[-1].bind((_HOST, _FIRST_PORT + secrets.randbelow(_PORTS)))
            except OSError:  # another process has it
                sockets.pop().close()
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _list_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read_words(pid: int, name: str = "cmdline") -> list[str]:
    """Return the words of a process's command line or environment; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []


def _read_variables(pid: int) -> Mapping[str, str]:
    return dict(word.partition("=")[::2] for word in _read_words(pid, "environ"))


def _read_folder(pid: int) -> Path | None:
    """Return the working folder of a process; None if it has ended."""
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd"))
    except OSError:
        return None


def _kill_pid(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
