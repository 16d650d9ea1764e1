"""The gallery's sweep, pipeline and batch on real clusters, with their controllers killed and jobs canceled there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.engines.ray import PATIENCE_SECONDS
from tests.engines.slurm import Slurm
from tests.running import Mlrun, find_processes, kill, until, words_of

_GALLERY = Path(__file__).parents[2] / "runconfigs"


class Cluster(NamedTuple):
    """A command with a target.

    Attributes:
        mlrun: the command.
        target: the name of the target, which is also that of its engine.
    """

    mlrun: Mlrun
    target: str

    def copy(self, name: str, *files: str) -> None:
        """Copy a folder of the gallery, with the target in place of `local` in some of its files."""
        shutil.copytree(
            _GALLERY / name, self.mlrun.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("config.json")
        )
        for file in files:
            path = self.mlrun.folder / file
            text = path.read_text(encoding="utf-8")
            assert ": local" in text
            path.write_text(text.replace(": local", f": {self.target}"), encoding="utf-8")

    def list_steps(self, run_id: str) -> dict[str, str]:
        """Return the statuses of the child runs of a run, by name."""
        found = self.mlrun.json("run", "list", "--parent-run-id", run_id, "--query", "[].[display_name, status]")
        return dict(found)

    def get_job_count(self, run_id: str) -> int:
        """Return the number of different jobs of the child runs of a run."""
        children = self.mlrun.json("run", "list", "--parent-run-id", run_id)
        names = {"slurm_job_id", "ray_submission_id"}
        return len({text for child in children for name, text in child["properties"].items() if name in names})

    def kill_controller(self) -> None:
        """Kill the controller of the only run that has one, once it is there."""
        kill(*until(self._list_controllers))

    def _list_controllers(self) -> list[int]:
        mine = find_processes("MLRUN_HOME", str(self.mlrun.home))
        return [pid for pid in mine if any(word.endswith("controller/__main__.py") for word in words_of(pid))]


@pytest.fixture
def slurm_target(slurm: Slurm, slurm_mlrun: Mlrun) -> Iterator[Cluster]:
    """Return a command with a target `slurm`."""
    shared = str(slurm_mlrun.folder.parent / "shared")
    slurm_mlrun("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", shared, "--no-check")
    yield Cluster(slurm_mlrun, "slurm")
    slurm.cancel_all()


@pytest.fixture(params=["slurm", pytest.param("ray", marks=pytest.mark.ray)])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Return a command with a target on a Slurm or Ray cluster."""
    if request.param == "ray":
        return Cluster(request.getfixturevalue("ray_mlrun"), "ray")
    found: Cluster = request.getfixturevalue("slurm_target")
    return found


def wait(mlrun: Mlrun, run_id: str) -> str:
    """Wait for the end of a run with children, and return its status."""
    done = mlrun("run", "wait", "-r", run_id, check=False, timeout=3 * PATIENCE_SECONDS)
    status: str = json.loads(done.stdout)[0]["status"]
    return status


def start_sweep(cluster: Cluster, *words: str) -> str:
    """Start a sweep of two runs, of which the second learns better."""
    cluster.copy("sweep")
    grid = ("--grid", "learning-rate=0.001,1", "--maximize", "accuracy", "--concurrent", "2")
    line = ("run", "sweep", "--ct", cluster.target, "--async", *grid, "train.py", *words)
    run_id: str = cluster.mlrun.json(*line)["run_id"]
    return run_id


@pytest.mark.kill
def test_a_sweep_whose_controller_is_killed_names_its_best_run(cluster: Cluster) -> None:
    sweep = start_sweep(cluster)
    cluster.kill_controller()
    assert wait(cluster.mlrun, sweep) == "Completed"
    assert cluster.mlrun.show(sweep)["properties"]["best_child_run_id"] == f"{sweep}_1"
    assert cluster.get_job_count(sweep) == 2


def test_a_pipeline_uses_results_again(cluster: Cluster) -> None:
    cluster.copy("pipeline", "pipeline.yml")
    first = cluster.mlrun.json("run", "submit-pipeline", "-y", "pipeline.yml")["run_id"]
    assert wait(cluster.mlrun, first) == "Completed"
    assert cluster.mlrun.metrics(first) == {"rmse": pytest.approx(0.21, abs=0.1)}
    assert cluster.get_job_count(first) == 3
    second = cluster.mlrun.json("run", "submit-pipeline", "-y", "pipeline.yml", "-p", "degree=5")["run_id"]
    assert wait(cluster.mlrun, second) == "Completed"
    assert cluster.get_job_count(second) == 2


def test_a_batch_is_worked_on_by_the_nodes_of_a_job(cluster: Cluster) -> None:
    cluster.copy("batch", "pipeline.yml", "parallel_run_config.yml")
    path = cluster.mlrun.folder / "parallel_run_config.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("node_count: 1", "node_count: 2"), encoding="utf-8")
    run_id = cluster.mlrun.json("run", "submit-pipeline", "-y", "pipeline.yml")["run_id"]
    assert wait(cluster.mlrun, run_id) == "Completed"
    count, _ = cluster.mlrun.json("run", "list", "--parent-run-id", run_id)
    assert sum(cluster.mlrun.metrics(count["run_id"])["texts"]) == 40
    place = ("-n", "workspaceblobstore", "-d", "found", "-p", f"azureml/{count['run_id']}")
    cluster.mlrun("datastore", "download", *place)
    (counts,) = (cluster.mlrun.folder / "found").rglob("counts.txt")
    lines = counts.read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in lines] == [f"text{number:03d}.txt" for number in range(40)]


@pytest.mark.kill
def test_a_sweep_goes_on_without_the_run_whose_job_was_canceled(slurm: Slurm, slurm_target: Cluster) -> None:
    sweep = start_sweep(slurm_target, "--pause", "1")
    (job,) = until(lambda: slurm("squeue", "-h", "-r", "-t", "running", "-n", sweep, "-o", "%F %K").splitlines()[:1])
    slurm("scancel", f"{job.split()[0]}_0")
    assert wait(slurm_target.mlrun, sweep) == "Completed"
    assert slurm_target.mlrun.show(sweep)["properties"]["best_child_run_id"] == f"{sweep}_1"
    assert [slurm_target.mlrun.show(f"{sweep}_{number}")["status"] for number in (0, 1)] == ["Canceled", "Completed"]


@pytest.mark.kill
@pytest.mark.parametrize("options", [(), ("--force",)], ids=["asked", "forced"])
def test_a_canceled_pipeline_cancels_the_job_of_its_step(
    slurm: Slurm, slurm_target: Cluster, options: tuple[str, ...]
) -> None:
    slurm_target.copy("pipeline", "pipeline.yml")
    slurm_target.mlrun.script("import time\nprint('here', flush=True)\ntime.sleep(600)", "steps/prepare.py")
    run_id = slurm_target.mlrun.json("run", "submit-pipeline", "-y", "pipeline.yml")["run_id"]
    (job_id,) = until(lambda: slurm("squeue", "-h", "-t", "running", "-o", "%i").splitlines())
    slurm_target.mlrun("run", "cancel", "-r", run_id, *options)
    assert wait(slurm_target.mlrun, run_id) == "Canceled"
    assert slurm_target.list_steps(run_id) == {"prepare": "Canceled"}
    until(lambda: slurm.job_state(job_id) not in {"RUNNING", "COMPLETING"})
