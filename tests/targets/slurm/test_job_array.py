"""The job arrays that the jobs of several runs become, and what keeps them apart."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.engine import JobRequest
from mlrun_cli.targets.slurm.job_array import JobArray
from mlrun_cli.targets.slurm.options import SlurmSettings, build_sbatch_options


def make_request(run_id: str, folder: Path = Path("/s h/50%/runs")) -> JobRequest:
    run_folder = folder / run_id
    words = ["sh", "-c", 'echo "$0 in $(pwd)"', str(run_folder)]
    return JobRequest(run_id, "w", words, Demand(1, 0, 600.0), run_folder / "logs" / "supervisor.log")


def test_an_array_has_the_options_of_its_jobs() -> None:
    requests = [make_request(f"HD_1_{number}")._replace(is_low=True) for number in (3, 10)]
    array = JobArray.from_requests(requests)
    assert array is not None
    assert (array.name, list(array.task_numbers)) == ("HD_1", [3, 10])
    settings = SlurmSettings(partition="gpu", sbatch_options=("--constraint=big",))
    options, single = array.build_options(settings), build_sbatch_options(settings, requests[0])
    assert [option for option in options if option not in single] == [
        "--job-name=HD_1",
        "--array=3,10",
        "--output=/s h/50%%/runs/HD_1_%a/logs/supervisor.log",
        "--chdir=/s h/50%/runs",
    ]
    different = ("--job-name=", "--output=", "--chdir=")
    assert [option for option in single if not option.startswith(different)] == [
        option for option in options if not option.startswith((*different, "--array="))
    ]


def test_each_task_starts_its_run_in_the_folder_of_its_log(tmp_path: Path) -> None:
    folder = tmp_path / "it's $HOME" / "runs"
    requests = [make_request(f"HD_1_{number}", folder) for number in (3, 10)]
    for request in requests:
        request.log.parent.mkdir(parents=True)
    array = JobArray.from_requests(requests)
    assert array is not None
    for request, number in zip(requests, array.task_numbers, strict=True):
        script = array.build_script(SlurmSettings(setup=("cd ..", "export A=1")))
        variables = {"SLURM_ARRAY_TASK_ID": str(number), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(["bash"], input=script, env=variables, capture_output=True, text=True, check=True)
        run_folder = request.log.parent.parent
        assert done.stdout == f"{run_folder} in {run_folder}\n"


@pytest.mark.parametrize(
    "change",
    [
        {"demand": Demand(1, 1, 600.0)},
        {"demand": Demand(1, 0, 601.0)},
        {"is_low": True},
        {"begin_at": 5},
        {"workspace": "other"},
        {"command": ["python3", "/s h/50%/runs/HD_1_4"]},
        {"log": Path("/s h/50%/runs/HD_1_4/other.log")},
        {"log": Path("/logs/HD_1_4")},
    ],
)
def test_jobs_that_differ_are_not_put_together(change: dict[str, Any]) -> None:
    assert JobArray.from_requests([make_request("HD_1_3"), make_request("HD_1_4")._replace(**change)]) is None


@pytest.mark.parametrize("run_ids", [("HD_1_3", "HD_2_4"), ("HD_1_3", "exp_ab12"), ("HD_1_03", "HD_1_4"), ("3", "4")])
def test_runs_whose_ids_are_not_those_of_one_array_are_not_put_together(run_ids: tuple[str, str]) -> None:
    assert JobArray.from_requests([make_request(run_id) for run_id in run_ids]) is None
