"""The engines of the campaign of kills, each with the faults that it may have.

Their shared folders are on a network file system, which this machine and each node have mounted for themselves.
"""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from mlrun_cli.targets.engine import JobEnd
from tests.endurance.engine_kills import Engine, Fault
from tests.engines.network_mount import NetworkMount, Node
from tests.engines.pool import KINDS, PoolEngine
from tests.engines.ray import HEAD, NODE, Ray, start_cluster
from tests.engines.slurm import NODES, Slurm
from tests.engines.sshd import HOST_ALIAS, RemoteMachine
from tests.installation import make_installation
from tests.running import Mlrun, find_processes, kill, list_pids, until, words_of

_AWAY_SECONDS = 3.0
CUT_SECONDS = (2.0, 8.0, 20.0, 50.0)
"""How long a network is cut: within the patience of all, beyond that of some, and for about a minute."""
_REMOUNT_SECONDS = (0.2, 3.0, 15.0)
_CHANCE_OF_CUT = 0.5
_NODE_PROGRAM = "mlrun_cli/node/__main__.py"
_LOSING = frozenset({"job", "node", "remount on node"})


class Network:
    """The mounts of a shared folder, on this machine and on nodes, with the faults of their network."""

    def __init__(
        self, own: NetworkMount, nodes: Mapping[str, NetworkMount], cut_seconds: Sequence[float] = CUT_SECONDS
    ) -> None:
        self.losses = 0
        self._cut_seconds = cut_seconds
        self._own = own
        self._nodes = nodes
        self._lock = threading.Lock()

    def list_faults(self) -> dict[str, Fault]:
        """Return the faults: lines to the file server are cut, and mounts are taken away, for a while."""
        return {
            "cut here": lambda _, chance: self.cut(chance, self._own),
            "cut of nodes": lambda _, chance: self.cut(chance, *self._nodes.values()),
            "cut": lambda _, chance: self.cut(chance, *self.list_mounts()),
            "remount here": lambda _, chance: self._remount_here(chance),
            "remount on node": lambda _, chance: self._remount_on_node(chance),
        }

    def list_mounts(self) -> list[NetworkMount]:
        """Return the mounts of this machine and all nodes."""
        return [self._own, *self._nodes.values()]

    def get_mount(self, node: str) -> NetworkMount:
        """Return the mount of a node."""
        return self._nodes[node]

    def cut(
        self,
        chance: random.Random,
        *mounts: NetworkMount,
        before: Callable[[], object] = lambda: None,
        after: Callable[[], object] = lambda: None,
    ) -> None:
        """Cut the lines of mounts for a while, with what else is to be cut and restored."""
        with self._lock:
            try:
                before()
                for mount in mounts:
                    mount.freeze()
                time.sleep(chance.choice(self._cut_seconds))
            finally:
                for mount in mounts:
                    mount.thaw()
                after()

    def _remount_here(self, chance: random.Random) -> None:
        with self._lock:
            self._remount(chance, self._own)

    @contextmanager
    def count_losses(self) -> Iterator[None]:
        """Count a fault which may end any run during the block, in which no other of the network is caused."""
        with self._lock:
            self.losses += 1
            try:
                yield
            finally:
                self.losses += 1

    def _remount_on_node(self, chance: random.Random) -> None:
        """Remount on a node, where scripts and supervisors cannot be started meanwhile, and scripts not write."""
        with self.count_losses():
            self._remount(chance, self._nodes[chance.choice(sorted(self._nodes))])

    def _remount(self, chance: random.Random, mount: NetworkMount) -> None:
        mount.unmount()
        time.sleep(chance.choice(_REMOUNT_SECONDS))
        mount.mount()


@contextmanager
def _open_network(
    folder: Path, shared: Path, names: Sequence[str], cut_seconds: Sequence[float] = CUT_SECONDS
) -> Iterator[tuple[Network, dict[str, Node]]]:
    """Mount a shared folder on this machine and on nodes."""
    exported = folder / "exported"
    exported.mkdir(mode=0o700)
    with ExitStack() as stack:
        nodes = {}
        for name in names:
            nodes[name] = Node(name)
            stack.callback(nodes[name].close)
        own = NetworkMount(exported, shared, size_seconds=1)
        stack.callback(own.close)
        mounts = {}
        for name, node in nodes.items():
            mounts[name] = NetworkMount(exported, shared, node.enter, size_seconds=1)
            stack.callback(mounts[name].close)
        yield Network(own, mounts, cut_seconds), nodes


class Pool:
    """The engine of local processes."""

    target = "pool"
    sweep_size = 1

    def __init__(self, engine: PoolEngine, network: Network) -> None:
        self.mlrun = engine.mlrun
        self._engine = engine
        self._network = network
        self._lock = threading.Lock()

    @property
    def losses(self) -> int:
        """A number that changes with each fault which may end any run."""
        return self._network.losses

    @property
    def marks(self) -> Path:
        """A folder outside of the shared folder that scripts write to."""
        return self.mlrun.folder.parent / "work"

    def list_node_programs(self, run_id: str) -> list[int]:
        """Return the pids of the supervisors of a run."""
        return _list_node_programs(run_id)

    def list_faults(self) -> Mapping[str, Fault]:
        """Return the faults: the job or its node dies, the job starts again, the engine or the network is away."""
        return {
            "job": lambda run_id, _: self._engine.end_job(run_id, JobEnd.NODE_LOST),
            "requeue": lambda run_id, _: self._requeue(run_id),
            "engine": lambda *_: self._take_engine_away(),
            **self._network.list_faults(),
        }

    def may_lose_job(self, fault: str) -> bool:
        """Return whether a run may end otherwise than its script after this fault."""
        return fault in _LOSING

    def _requeue(self, run_id: str) -> None:
        job = self._engine.job(run_id)
        if job is not None and job["state"] != "ended":
            self._engine.requeue_job(run_id)

    def _take_engine_away(self) -> None:
        with self._lock:
            self._engine.set_option("away")
            time.sleep(_AWAY_SECONDS)
            self._engine.set_option("away", None)


@contextmanager
def open_pool(folder: Path, cut_seconds: Sequence[float] = CUT_SECONDS) -> Iterator[Engine]:
    """Start the engine of local processes, which are all on one node."""
    programs = make_installation(folder / "venv", Path(__file__).parents[1] / "engines" / "pool_target.py", KINDS)
    work = folder / "work place"
    work.mkdir()
    with _open_network(folder, work / "shared", ("node1",), cut_seconds) as (network, nodes):
        engine = PoolEngine(work, programs)
        engine.set_option("slots", "3")
        engine.set_option("prefix", json.dumps(nodes["node1"].enter))
        try:
            yield Pool(engine, network)
        finally:
            engine.close()


class SlurmCluster:
    """Slurm with two nodes."""

    target = "slurm"
    sweep_size = 3

    def __init__(self, slurm: Slurm, mlrun: Mlrun, network: Network) -> None:
        self.mlrun = mlrun
        self._slurm = slurm
        self._network = network
        self._lock = threading.Lock()

    @property
    def losses(self) -> int:
        """A number that changes with each fault which may end any run."""
        return self._network.losses

    @property
    def marks(self) -> Path:
        """A folder outside of the shared folder that scripts write to."""
        return self.mlrun.folder.parent / "work"

    def list_node_programs(self, run_id: str) -> list[int]:
        """Return the pids of the supervisors of a run."""
        return _list_node_programs(run_id)

    def list_faults(self) -> Mapping[str, Fault]:
        """Return the faults of the cluster, and of its network.

        The daemon of a job or a node dies, the controller and the job are started again, the controller or a node
        cannot be reached.
        """
        return {
            "stepd": lambda run_id, _: self._slurm.kill_job_daemon(self._find_job(run_id)),
            "requeue": lambda run_id, _: self._requeue(self._find_job(run_id)),
            "controller": lambda *_: self._restart_controller(),
            "node daemon": lambda *_: self._restart_node(),
            "controller cut": lambda _, chance: self._cut_controller(chance),
            "cut of all": lambda _, chance: self._cut_controller(chance, *self._network.list_mounts()),
            "node cut": lambda _, chance: self._cut_node(chance),
            **self._network.list_faults(),
        }

    def may_lose_job(self, fault: str) -> bool:
        """Return whether a run may end otherwise than its script after this fault."""
        return fault in {"stepd", *_LOSING}

    def _cut_controller(self, chance: random.Random, *mounts: NetworkMount) -> None:
        with self._lock:
            self._network.cut(
                chance,
                *mounts,
                before=lambda: self._slurm.signal_controller(signal.SIGSTOP),
                after=lambda: self._slurm.signal_controller(signal.SIGCONT),
            )

    def _cut_node(self, chance: random.Random) -> None:
        """Cut a node from the controller, which starts its jobs elsewhere if that is long, and the file server."""
        name = chance.choice(NODES)
        with self._lock:
            self._network.cut(
                chance,
                self._network.get_mount(name),
                before=lambda: self._slurm.signal_node(name, signal.SIGSTOP),
                after=lambda: self._slurm.signal_node(name, signal.SIGCONT),
            )

    def _find_job(self, run_id: str) -> str:
        sql = "SELECT value FROM run_properties JOIN runs USING (run_key) WHERE run_id = ? AND key = 'slurm_job_id'"
        ((job_id,),) = self.mlrun.stored(sql, run_id)
        return str(job_id)

    def _requeue(self, job_id: str) -> None:
        self._slurm("scontrol", "requeue", job_id, check=False)
        # Slurm lets a requeued job wait for two minutes, and does not start it in the second in which it was stopped.
        until(lambda: self._slurm.job_state(job_id) not in {"RUNNING", "COMPLETING"})
        self._slurm("scontrol", "update", f"jobid={job_id}", "starttime=now+3", check=False)

    def _restart_controller(self) -> None:
        with self._lock:
            self._slurm.stop_controller()  # killed, it loses jobs that it has accepted a moment before
            time.sleep(_AWAY_SECONDS)
            self._slurm.start_controller()

    def _restart_node(self) -> None:
        with self._lock:
            self._slurm.kill_node("n1", jobs=False)
            time.sleep(_AWAY_SECONDS)
            self._slurm.start_node("n1")


@contextmanager
def open_slurm(folder: Path) -> Iterator[Engine]:
    """Start a Slurm cluster, and attach it."""
    (folder / "slurm").mkdir()
    work = folder / "work place"
    work.mkdir()
    with _open_network(folder, work / "shared", NODES) as (network, nodes):
        slurm = Slurm(folder / "slurm", enter={name: node.enter for name, node in nodes.items()})
        try:
            mlrun = Mlrun(work)
            mlrun.environment.update(slurm.environment)
            attach = ("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", str(work / "shared"))
            mlrun(*attach, "--sbatch-option=--requeue")
            try:
                yield SlurmCluster(slurm, mlrun, network)
            finally:
                mlrun.close()
        finally:
            slurm.close()


class Remote:
    """Another machine, reached by ssh."""

    target = "box"
    sweep_size = 1

    def __init__(self, machine: RemoteMachine, mlrun: Mlrun) -> None:
        self.mlrun = mlrun
        self.marks = machine.marks
        self.losses = 0
        self._machine = machine
        self._lock = threading.Lock()

    def list_node_programs(self, run_id: str) -> list[int]:
        """Return the pids of the supervisors of a run."""
        return _list_node_programs(run_id)

    def list_faults(self) -> Mapping[str, Fault]:
        """Return the faults: programs there, sshd, connections, the network or the machine end or are away."""
        return {
            "job": lambda run_id, _: kill(*self._list_there("job", run_id)),
            "serving program": lambda *_: kill(*self._list_there("serve")),
            "ssh": lambda *_: kill(*self._list_clients()),
            "sshd": lambda _, chance: self._restart_sshd(chance),
            "connections": lambda *_: self._cut_connections(),
            "network": lambda _, chance: self._cut_network(chance),
            "power": lambda *_: self._cut_power(),
        }

    def may_lose_job(self, fault: str) -> bool:
        """Return whether a run may end otherwise than its script after this fault."""
        return fault in {"job", "power"}

    def _list_there(self, *words: str) -> list[int]:
        """Return the pids of programs of the queue there, by words of their command lines."""
        found = ((pid, words_of(pid)) for pid in list_pids())
        programs = (
            (pid, line) for pid, line in found if any(word.endswith("node/remote/__main__.py") for word in line)
        )
        return [pid for pid, line in programs if set(words) <= set(line)]

    def _list_clients(self) -> list[int]:
        """Return the pids of ssh and rsync on this machine, and of what keeps their connection."""
        mine = find_processes("MLRUN_HOME", str(self.mlrun.home))
        return [pid for pid in mine if "".join(words_of(pid)[:1]).startswith(("/usr/bin/ssh", "ssh", "rsync"))]

    def _restart_sshd(self, chance: random.Random) -> None:
        with self._lock:
            self._machine.stop_sshd(cut=chance.random() < _CHANCE_OF_CUT)
            time.sleep(_AWAY_SECONDS)
            self._machine.start_sshd()

    def _cut_network(self, chance: random.Random) -> None:
        with self._lock, self._machine.without_network():
            time.sleep(chance.choice(CUT_SECONDS))

    def _cut_connections(self) -> None:
        with self._lock:
            self._machine.cut_connections()

    def _cut_power(self) -> None:
        with self._lock:
            self.losses += 1
            self._machine.power_off()
            time.sleep(_AWAY_SECONDS)
            self._machine.power_on()
            self.losses += 1


@contextmanager
def open_remote(folder: Path) -> Iterator[Engine]:
    """Start another machine, and attach it."""
    work = folder / "work place"
    work.mkdir()
    machine = RemoteMachine(work)
    try:
        mlrun = Mlrun(work)
        machine.install_client(mlrun)
        attach = ("computetarget", "attach", "remote", "-n", "box", "--address", HOST_ALIAS, "--python", machine.python)
        mlrun(*attach, "--max-nodes", "3")
        try:
            yield Remote(machine, mlrun)
        finally:
            mlrun.close()
    finally:
        machine.close()


class RayCluster:
    """Ray with a head and another node."""

    target = "ray"
    sweep_size = 1

    def __init__(self, ray: Ray, mlrun: Mlrun, network: Network) -> None:
        self.mlrun = mlrun
        self._ray = ray
        self._network = network
        self._lock = threading.Lock()

    @property
    def losses(self) -> int:
        """A number that changes with each fault which may end any run."""
        return self._network.losses

    @property
    def marks(self) -> Path:
        """A folder outside of the shared folder that scripts write to."""
        return self.mlrun.folder.parent / "work"

    def list_node_programs(self, run_id: str) -> list[int]:
        """Return the pids of the supervisors of a run."""
        return _list_node_programs(run_id)

    def list_faults(self) -> Mapping[str, Fault]:
        """Return the faults of the cluster, and of its network.

        A job is stopped, the head or the node loses its power, the head cannot be reached.
        """
        return {
            "job": lambda run_id, _: self._stop_job(run_id),
            "head": lambda *_: self._restart_head(),
            "node": lambda *_: self._restart_node(self._ray.kill_node),
            "raylet": lambda *_: self._restart_node(self._ray.kill_raylet),
            "head cut": lambda _, chance: self._cut_head(chance),
            **self._network.list_faults(),
        }

    def may_lose_job(self, fault: str) -> bool:
        """Return whether a run may end otherwise than its script after this fault."""
        return fault in {"head", "raylet", *_LOSING}

    def _stop_job(self, run_id: str) -> None:
        with self._lock, suppress(AssertionError):  # the head has forgotten it
            self._ray.request("POST", f"/api/jobs/{run_id}/stop")

    def _restart_head(self) -> None:
        """Kill the head, which forgets all jobs, and start another one with its node."""
        with self._lock, self._network.count_losses():
            self._ray.kill_head()
            self._ray.kill_node()
            time.sleep(_AWAY_SECONDS)
            self._ray.start_head()
            self._ray.start_node()

    def _restart_node(self, kill_it: Callable[[], object]) -> None:
        with self._lock, self._network.count_losses():
            kill_it()
            time.sleep(_AWAY_SECONDS)
            self._ray.kill_node()
            self._ray.start_node()

    def _cut_head(self, chance: random.Random) -> None:
        with self._lock, self._ray.away():
            time.sleep(chance.choice(CUT_SECONDS))


@contextmanager
def open_ray(folder: Path) -> Iterator[Engine]:
    """Start a Ray cluster, and attach it."""
    work = folder / "work place"
    work.mkdir()
    with _open_network(folder, work / "shared", ("head", "node")) as (network, nodes):
        ray = start_cluster({HEAD: nodes["head"].enter, NODE: nodes["node"].enter})
        try:
            mlrun = ray.make_command(work)
            place = ("--address", ray.address, "--shared-folder", str(work / "shared"))
            mlrun("computetarget", "attach", "ray", "-n", "ray", *place)
            try:
                yield RayCluster(ray, mlrun, network)
            finally:
                mlrun.close()
        finally:
            ray.close()


def _list_node_programs(run_id: str) -> list[int]:
    """Return the pids of the supervisors of a run on its nodes."""
    found = ((pid, words_of(pid)) for pid in list_pids())
    programs = ((pid, words) for pid, words in found if any(word.endswith(_NODE_PROGRAM) for word in words))
    return [pid for pid, words in programs if any(Path(word).name == run_id for word in words)]


ENGINES: Mapping[str, Callable[[Path], AbstractContextManager[Engine]]] = {
    "pool": open_pool,
    "ray": open_ray,
    "remote": open_remote,
    "slurm": open_slurm,
}
