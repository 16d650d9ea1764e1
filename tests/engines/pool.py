"""An engine of local processes with its compute target, for tests of what all engines share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.targets.engine import JobEnd
from tests.engines.pool_target import Pool
from tests.running import Mlrun, until

KINDS = {"pool": "PoolTarget"}


class PoolEngine:
    """An engine, and a compute target `pool` that uses it.

    Attributes:
        mlrun: the command of an installation that knows the kind.
        pool: the folder of the engine; see `pool_target` for the options in it.
        shared: the shared folder of the target.
    """

    def __init__(self, root: Path, programs: Path) -> None:
        self.mlrun = Mlrun(root)
        self.mlrun.command = [str(programs / "mlrun")]
        self.pool = Pool(root / "pool")
        self.shared = root / "shared"
        self.pool.folder.mkdir()
        SharedFolder(self.shared).create()
        self._pools = [self.pool]
        self._create_target("pool", self.pool)

    def add_target(self, name: str) -> Pool:
        """Create another target, which has an engine of its own in the same shared folder, and return the engine."""
        pool = Pool(self.pool.folder.with_name(name))
        pool.folder.mkdir()
        self._pools.append(pool)
        self._create_target(name, pool)
        return pool

    def _create_target(self, name: str, pool: Pool) -> None:
        self.mlrun("computetarget", "create", "pool", "-n", name)
        self.mlrun.execute(
            "UPDATE compute_targets SET definition = json_set(definition, '$.properties', json(?)) WHERE name = ?",
            json.dumps({"sharedFolder": str(self.shared), "poolFolder": str(pool.folder)}),
            name,
        )

    def set_option(self, name: str, text: str | None = "") -> None:
        """Set an option of the engine, or unset it if the text is None."""
        self.pool.set_option(name, text)

    def job(self, run_id: str) -> dict[str, Any] | None:
        """Return the job of a run, or None if there is none."""
        return next((row for row in self.pool.list() if row["run_id"] == run_id), None)

    def list_calls(self) -> list[str]:
        """Return the calls of the engine that it has noted."""
        return (self.pool.read_option("calls") or "").split()

    def end_job(self, run_id: str, end: JobEnd) -> None:
        """Kill the processes of a run's job, and let the engine say that it ended so."""
        self.pool.end(until(lambda: self.job(run_id))["id"], end)

    def requeue_job(self, run_id: str) -> None:
        """Kill the processes of a run's job, which then waits for its turn again."""
        self.pool.requeue(until(lambda: self.job(run_id))["id"])

    def run_folder(self, run_id: str) -> Path:
        """Return the path of a run's folder in the shared folder."""
        return self.shared / "runs" / run_id

    def close(self) -> None:
        """End every process of the engine and of the command."""
        for pool in self._pools:
            for row in pool.list():
                pool.end(row["id"], JobEnd.CANCELED)
        self.mlrun.close()
