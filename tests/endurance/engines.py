"""The engines of the campaign of kills, each with the faults that it may have."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from mlrun_cli.targets.engine import JobEnd
from tests.endurance.engine_kills import Engine
from tests.engines.pool import KINDS, PoolEngine
from tests.engines.slurm import Slurm
from tests.installation import make_installation
from tests.running import Mlrun, processes, until, words_of

_AWAY_SECONDS = 3.0
_LOSING = frozenset({"job", "node"})


class Pool:
    """The engine of local processes."""

    target = "pool"

    def __init__(self, engine: PoolEngine) -> None:
        self.mlrun = engine.mlrun
        self._engine = engine
        self._lock = threading.Lock()

    def list_node_programs(self, run_id: str) -> list[int]:
        """Return the pids of the supervisors of a run."""
        return _list_node_programs(self._engine.run_folder(run_id))

    def list_faults(self) -> dict[str, Callable[[str], object]]:
        """Return the faults: the job or its node dies, the job starts again, the engine is away."""
        return {
            "job": lambda run_id: self._engine.end_job(run_id, JobEnd.NODE_LOST),
            "requeue": self._requeue,
            "engine": lambda _: self._take_engine_away(),
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
def open_pool(folder: Path) -> Iterator[Engine]:
    """Start the engine of local processes."""
    programs = make_installation(folder / "venv", Path(__file__).parents[1] / "engines" / "pool_target.py", KINDS)
    (folder / "work place").mkdir()
    engine = PoolEngine(folder / "work place", programs)
    engine.set_option("slots", "3")
    try:
        yield Pool(engine)
    finally:
        engine.close()


class SlurmCluster:
    """Slurm with two nodes."""

    target = "slurm"

    def __init__(self, slurm: Slurm, mlrun: Mlrun, shared: Path) -> None:
        self.mlrun = mlrun
        self._slurm = slurm
        self._shared = shared
        self._lock = threading.Lock()

    def list_node_programs(self, run_id: str) -> list[int]:
        """Return the pids of the supervisors of a run."""
        return _list_node_programs(self._shared / "runs" / run_id)

    def list_faults(self) -> dict[str, Callable[[str], object]]:
        """Return the faults: slurmstepd or a node's daemon dies, the controller and the job are started again."""
        return {
            "stepd": lambda run_id: self._slurm.kill_job_daemon(self._find_job(run_id)),
            "requeue": lambda run_id: self._requeue(self._find_job(run_id)),
            "controller": lambda _: self._restart_controller(),
            "node daemon": lambda _: self._restart_node(),
        }

    def may_lose_job(self, fault: str) -> bool:
        """Return whether a run may end otherwise than its script after this fault."""
        return fault == "stepd"

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
    slurm = Slurm(folder / "slurm")
    try:
        (folder / "work place").mkdir()
        mlrun = Mlrun(folder / "work place")
        mlrun.environment.update(slurm.environment)
        shared = folder / "work place" / "shared"
        attach = ("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", str(shared))
        mlrun(*attach, "--sbatch-option=--requeue")
        try:
            yield SlurmCluster(slurm, mlrun, shared)
        finally:
            mlrun.close()
    finally:
        slurm.close()


def _list_node_programs(folder: Path) -> list[int]:
    """Return the pids of the supervisors of the run in a shared folder."""
    return [pid for pid, _ in processes() if words_of(pid)[-1:] == [str(folder)] and "python" in words_of(pid)[0]]


ENGINES: Mapping[str, Callable[[Path], AbstractContextManager[Engine]]] = {"pool": open_pool, "slurm": open_slurm}
