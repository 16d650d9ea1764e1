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
from tests.installation import make_installation
from tests.running import processes, words_of

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
        folder = str(self._engine.run_folder(run_id))
        return [pid for pid, _ in processes() if words_of(pid)[-1:] == [folder] and "python" in words_of(pid)[0]]

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


ENGINES: Mapping[str, Callable[[Path], AbstractContextManager[Engine]]] = {"pool": open_pool}
