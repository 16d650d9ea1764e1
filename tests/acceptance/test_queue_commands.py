"""`queue list`: what runs and what waits on each target."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.installed import installed
from tests.running import until

WAIT = "import os, time\nwhile not os.path.exists(os.environ['GO']): time.sleep(0.02)"


def test_the_queue_has_what_runs_and_what_waits_for_what_on_each_target(tmp_path: Path) -> None:
    with installed(tmp_path) as mlrun:
        mlrun.environment.update(GO=str(tmp_path / "go"), COLUMNS="200")
        mlrun("computetarget", "create", "amlcompute", "-n", "cpu-cluster", "--max-nodes", "1")
        mlrun.script(WAIT)
        first, *others = (mlrun.submit("--ct", "cpu-cluster", "train.py") for _ in range(3))
        mlrun.wait_for_status(first, "Running")
        records = mlrun.json("queue", "list")
        assert [(record["target"], record.get("run_id"), record.get("position")) for record in records] == [
            ("local", None, None),
            ("cpu-cluster", first, None),
            ("cpu-cluster", others[0], 1),
            ("cpu-cluster", others[1], 2),
        ]
        assert records[3]["waiting_for"] == "1 run before it, 1 of the 1 node of 'cpu-cluster' taken"
        assert (records[1]["busy_nodes"], records[1]["max_nodes"], records[1]["waiting_count"]) == (1, 1, 2)
        idle, running, *waiting = mlrun("queue", "list", "-o", "table").stdout.splitlines()[1:]
        assert idle.split() == ["local", "0", "idle"]
        assert running.split()[:5] == ["cpu-cluster", "1", "●", "Running", first]
        assert [line.split()[2] for line in waiting] == ["1", "2"]
        assert mlrun("queue", "list", "--ct", "local", "-o", "csv").stdout.splitlines()[1] == "local,,0,0" + "," * 10
        assert mlrun.fails("queue", "list", "--ct", "gpu-cluster", exit_code=3).code == "ComputeTargetNotFound"
        Path(mlrun.environment["GO"]).touch()
        until(lambda: all("run_id" not in record for record in mlrun.json("queue", "list")))
