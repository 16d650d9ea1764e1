"""Ray with a head and another node in a network namespace that has only loopback.

Its programs are in an environment of their own, which `tests/run` makes. They run as long as tests need them, also
those of other processes: a head takes several seconds to start, and a gigabyte of memory.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.running import COMMAND, Mlrun, until
from tests.sharing import lock

PROGRAMS = Path(__file__).parents[2] / ".venv-ray" / "bin"
# Ray takes loopback's own addresses for whatever node it looks from.
HEAD, NODE = "10.77.0.1", "10.77.0.2"
CPUS, GPUS = 2, 2
_FRONT = "10.77.0.3"
"""The address by which clients reach the head; the way to it can be closed."""
_GCS_PORT, _PORT, _AGENT_PORT = 6379, 8265, 52366
_STORE_BYTES = "100000000"
_MAX_STARTS = 3
START_SECONDS = 60
"""How long a job may wait for resources before Ray gives it up."""
PATIENCE_SECONDS = 300.0
"""How long a job may take to start, or a node to be lost, on a busy machine."""
# On a busy machine each part of Ray takes long to start, and nodes and workers are slow to answer.
_PATIENCE = {
    "RAY_DASHBOARD_STARTUP_TIMEOUT_S": "300",
    "RAY_DASHBOARD_SUBPROCESS_MODULE_WAIT_READY_TIMEOUT": "300",
    "RAY_NUM_REDIS_GET_RETRIES": "300",
    "RAY_JOB_START_TIMEOUT_SECONDS": str(START_SECONDS),
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "60000",
    # This time passes between attempts to connect, each attempt being quick.
    "RAY_raylet_client_connect_timeout_milliseconds": "100",
    "RAY_raylet_client_num_connect_attempts": "3000",
    "RAY_worker_register_timeout_seconds": "300",
}
# Jobs need neither metrics nor workers that wait for tasks.
_THRIFT = {
    "RAY_enable_metrics_collection": "0",
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
    "REPORTER_UPDATE_INTERVAL_MS": "60000",
}
# `ray start` gives up a node that is not up after 30 seconds, whatever its settings say; it starts more of the head's
# server than jobs need.
_START = """\
import sys, time
from ray._private import services
from ray.scripts.scripts import main

get_node, start_ray_process = services.get_node, services.start_ray_process

def get_node_patiently(*words):
    end = time.monotonic() + 60
    while True:
        try:
            return get_node(*words)
        except RuntimeError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)

def start_part(command, process_type, *words, **options):
    if process_type == "dashboard":
        command = [*command, "--modules-to-load=JobHead,NodeHead,ReportHead,StateHead"]
    return start_ray_process(command, process_type, *words, **options)

services.get_node, services.start_ray_process = get_node_patiently, start_part
sys.exit(main())
"""
_DROPPED = ("AZURE", "MLRUN_", "PYTHON", "RAY_", "SLURM_", "PYTEST_")
# Another program's view of the namespace: this process is outside of it.
_REQUEST = """\
import json, sys, urllib.error, urllib.request
method, url, token, body = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
request = urllib.request.Request(url, body.encode() or None, headers, method=method)
with urllib.request.urlopen(request, timeout=120) as answer:
    sys.stdout.write(answer.read().decode())
"""


class Ray:
    """A cluster that asks for a token: the head has two processors, the other node two more and two GPUs.

    Attributes:
        folder: the state and logs of the cluster.
        address: the address of the head's dashboard in the namespace.
        environment: the variables by which clients find the token.
        namespace: the name of its network namespace.
        enter: the words in front of a command to have it there.
    """

    def __init__(self, folder: Path, namespace: str, mounts: Mapping[str, Sequence[str]] | None = None) -> None:
        """Describe a cluster.

        Args:
            folder: an empty folder for all its files.
            namespace: the name of its network namespace.
            mounts: the words in front of the command of a node, by address, to have it in another mount namespace.
        """
        self.folder = folder
        self.address = f"http://{_FRONT}:{_PORT}"
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token")}
        self.namespace = namespace
        self._mounts = mounts or {}
        # `ip netns exec` would make a mount namespace for each command.
        self.enter = ["nsenter", f"--net=/run/netns/{namespace}"]

    def start(self) -> None:
        """Start the head and the node, and wait until both can have jobs."""
        _ip("netns", "add", self.namespace)
        _ip("-n", self.namespace, "link", "set", "lo", "up")
        for address in (HEAD, NODE, _FRONT):
            self._set_address("add", address)
        token = self.folder / "token"
        token.write_text(secrets.token_hex(32), encoding="ascii")
        token.chmod(0o600)
        self.start_head()
        self.start_node()

    def start_head(self) -> None:
        """Start the head, which knows neither jobs nor nodes, and wait until it answers."""
        head = (
            "--head",
            f"--port={_GCS_PORT}",
            "--dashboard-host=0.0.0.0",
            f"--dashboard-port={_PORT}",
            "--include-dashboard=true",
        )
        self._start(HEAD, self.kill_head, *head, "--num-gpus=0", '--resources={"head_only": 1}')

    def start_node(self) -> None:
        """Start the node besides the head, and wait until the head knows it."""
        options = (f"--address={HEAD}:{_GCS_PORT}", f"--dashboard-agent-listen-port={_AGENT_PORT}")
        self._start(NODE, self.kill_node, *options, f"--num-gpus={GPUS}", '--resources={"node_only": 1}')
        until(lambda: self.node_states().get(NODE) == "ALIVE", PATIENCE_SECONDS)

    def kill_head(self) -> None:
        """Kill all processes of the head, and of the jobs on it, as when the machine loses power."""
        self._kill_machine(HEAD)
        # Else the next one takes any other head of this machine, in whatever namespace, for itself.
        (self._get_state_folder(HEAD) / "ray_current_cluster").unlink(missing_ok=True)

    def kill_node(self) -> None:
        """Kill all processes of the node, and of the jobs on it, as when the machine loses power."""
        self._kill_machine(NODE)

    def kill_raylet(self) -> None:
        """Kill Ray's daemon on the node; the processes of jobs live on."""
        for pid in self.list_pids():
            line = _read(pid, "cmdline")
            if line.split(b"\0")[0].endswith(b"/raylet") and f"--node_ip_address={NODE}".encode() in line:
                _kill(pid)

    def _kill_machine(self, address: str) -> None:
        mark = f"--node_ip_address={address}".encode()
        while pids := [pid for pid in self.list_pids() if mark in _read(pid, "cmdline")]:
            for pid in _list_descendants(pids):
                _kill(pid)
        state = str(self._get_state_folder(address)).encode()
        for pid in self.list_pids():  # those that watch over it
            if state in (line := _read(pid, "cmdline")) or f"--host={address}".encode() in line:
                _kill(pid)

    def node_states(self) -> dict[str, str]:
        """Return the states of the nodes in Ray's words, by address; of the last, if there were several."""
        nodes = self.request("GET", "/api/v0/nodes?detail=1")["data"]["result"]["result"]
        return {node["node_ip"]: node["state"] for node in sorted(nodes, key=lambda node: node["start_time_ms"])}

    def submit(self, script: str, **options: object) -> str:
        """Submit a shell script as a job, and return the job's id."""
        job = self.request("POST", "/api/jobs/", {"entrypoint": script, **options})
        return str(job["submission_id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """Return a job as Ray describes it."""
        details: dict[str, Any] = self.request("GET", f"/api/jobs/{job_id}")
        return details

    def wait_for_state(self, job_id: str, *states: str) -> None:
        """Wait until a job has one of these states, in Ray's words."""
        until(lambda: self.job(job_id)["status"] in states, PATIENCE_SECONDS)

    def stop_all(self) -> None:
        """Stop all jobs, wait for the end of those that run, and have the node back."""
        if self.node_states().get(NODE) != "ALIVE":
            self.start_node()
        for job in self.request("GET", "/api/jobs/"):
            if job["status"] in {"PENDING", "RUNNING"} and job["submission_id"]:
                self.request("POST", f"/api/jobs/{job['submission_id']}/stop")
        until(lambda: all(job["status"] != "RUNNING" for job in self.request("GET", "/api/jobs/")), PATIENCE_SECONDS)

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Send a request to the head and return the answer."""
        token = (self.folder / "token").read_text(encoding="ascii")
        text = "" if body is None else json.dumps(body)
        words = [sys.executable, "-c", _REQUEST, method, f"http://{HEAD}:{_PORT}{path}", token, text]
        done = subprocess.run([*self.enter, *words], capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, f"{path}: {done.stderr}"
        return json.loads(done.stdout)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Have clients not reach the head during the block."""
        self._set_address("delete", _FRONT)
        try:
            yield
        finally:
            self._set_address("add", _FRONT)

    def make_command(self, root: Path) -> Mlrun:
        """Return a command that is in the namespace and knows the token."""
        mlrun = Mlrun(root)
        mlrun.command = [*self.enter, str(COMMAND)]
        mlrun.environment.update(self.environment)
        return mlrun

    def list_pids(self) -> list[int]:
        """Return the pids of all processes in the namespace."""
        done = subprocess.run(["ip", "netns", "pids", self.namespace], capture_output=True, text=True, check=False)
        return [int(pid) for pid in done.stdout.split()]

    def close(self) -> None:
        """Kill all processes in the namespace, and remove it."""
        while pids := self.list_pids():
            for pid in pids:
                _kill(pid)
            time.sleep(0.01)
        _ip("netns", "delete", self.namespace)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _set_address(self, verb: str, address: str) -> None:
        _ip("-n", self.namespace, "address", verb, f"{address}/32", "dev", "lo")

    def _start(self, address: str, clear: Callable[[], None], *options: str) -> None:
        """Start a node, again if Ray gives it up, as it does on a machine that is busy."""
        for _ in range(_MAX_STARTS - 1):
            if self._try_to_start(address, *options).returncode == 0:
                return
            clear()
        done = self._try_to_start(address, *options)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"

    def _try_to_start(self, address: str, *options: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
        path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
        state = self._get_state_folder(address)
        return subprocess.run(
            [
                *(*self.enter, *self._mounts.get(address, ())),
                *(str(PROGRAMS / "python"), "-c", _START, "start", "--disable-usage-stats"),
                *(f"--node-ip-address={address}", f"--num-cpus={CPUS}", f"--temp-dir={state}"),
                *(f"--object-store-memory={_STORE_BYTES}", "--include-log-monitor=false", *options),
            ],
            cwd=self.folder,
            env={**inherited, **self.environment, **_PATIENCE, **_THRIFT, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE_SECONDS,
            check=False,
        )

    def _get_state_folder(self, address: str) -> Path:
        return self.folder / ("head" if address == HEAD else "node")


def why_not() -> str | None:
    """Return the reason why Ray cannot be started on this machine, or None if it can."""
    if os.geteuid() != 0:
        return "a network namespace has to be made by root"
    if not (PROGRAMS / "ray").exists():
        return "Ray is not installed: tests/run does that"
    if shutil.which("ip") is None:
        return "not installed: ip"
    name = f"ray-{secrets.token_hex(4)}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode != 0:
        return "network namespaces cannot be made here"
    _ip("netns", "delete", name)
    return None


@contextmanager
def share_cluster(folder: Path) -> Iterator[Ray]:
    """Return the cluster of all processes that share a folder: the first starts it, and the last ends it."""
    record = folder / "ray.json"
    users = os.open(folder / "ray.users", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with lock(folder / "ray.lock"):
            if _try_lock(users, fcntl.LOCK_EX):
                cluster = start_cluster()
                record.write_text(json.dumps([str(cluster.folder), cluster.namespace]), encoding="utf-8")
            fcntl.flock(users, fcntl.LOCK_SH)
            place, namespace = json.loads(record.read_text(encoding="utf-8"))
        cluster = Ray(Path(place), namespace)
        try:
            yield cluster
        finally:
            with lock(folder / "ray.lock"):
                if _try_lock(users, fcntl.LOCK_EX):
                    cluster.close()
                # Whoever waits for the lock starts a cluster then.
                fcntl.flock(users, fcntl.LOCK_UN)
    finally:
        os.close(users)


def start_cluster(mounts: Mapping[str, Sequence[str]] | None = None) -> Ray:
    """Start a cluster, with nodes in mount namespaces as for `Ray`."""
    # A socket's path has to be short.
    cluster = Ray(Path(tempfile.mkdtemp(prefix="ray-")), f"ray-{os.getpid()}", mounts)
    try:
        cluster.start()
    except BaseException:
        cluster.close()
        raise
    return cluster


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _read(pid: int, name: str) -> bytes:
    """Return a file of a process; empty if the process has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _list_descendants(pids: list[int]) -> list[int]:
    """Return processes, and those that they have started and so on, parents first."""
    parents = {
        int(name): int(stat.rpartition(b")")[2].split()[1])
        for name in os.listdir("/proc")
        if name.isdigit() and (stat := _read(int(name), "stat"))
    }
    found = list(pids)
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid and child not in found]
    return found


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
