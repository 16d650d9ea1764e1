"""Pipelines whose steps are jobs of a real Slurm cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.batch_pipeline import BatchPipeline
from tests.engines.slurm import Slurm
from tests.running import Mlrun

PIPELINE = """
pipeline:
  name: onslurm
  default_compute: slurm
  steps:
    Write:
      type: PythonScriptStep
      script_name: step.py
      arguments: [--out, 'output:a']
      outputs: {a: {destination: a, datastore: near, bind_mode: upload}}
    Read:
      type: PythonScriptStep
      script_name: step.py
      arguments: [--in, 'input:a', --out, 'output:b']
      inputs: {a: {source: a}}
      outputs: {b: {destination: b, datastore: near}}
"""
SCRIPT = """
import os, sys
values = dict(zip(sys.argv[1::2], sys.argv[2::2]))
text = open(os.path.join(values["--in"], "text")).read() if "--in" in values else "from"
os.makedirs(values["--out"], exist_ok=True)
open(os.path.join(values["--out"], "text"), "w").write(text + " " + os.environ["SLURM_JOB_ID"])
"""


@pytest.fixture
def cluster(slurm: Slurm, slurm_mlrun: Mlrun) -> Iterator[Mlrun]:
    """Return a command with a target `slurm`, and a datastore that its nodes see."""
    shared = slurm_mlrun.folder.parent / "shared"
    slurm_mlrun("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", str(shared), "--no-check")
    (shared / "data").mkdir()
    slurm_mlrun("datastore", "attach-local", "near", str(shared / "data"))
    yield slurm_mlrun
    slurm.cancel_all()


def test_steps_are_jobs_that_read_what_earlier_ones_wrote(cluster: Mlrun) -> None:
    cluster.script(SCRIPT, "step.py")
    cluster.script(PIPELINE, "p.yml")
    done = cluster("run", "submit-pipeline", "-y", "p.yml", "--stream", timeout=300.0)
    run = json.loads(done.stdout)
    assert run["status"] == "Completed", done.stderr
    read, write = cluster.json("run", "list", "--parent-run-id", run["run_id"])
    jobs = [step["properties"]["slurm_job_id"] for step in (write, read)]
    text = (cluster.folder.parent / "shared" / "data" / "azureml" / read["run_id"] / "b" / "text").read_text("utf-8")
    assert text == f"from {jobs[0]} {jobs[1]}"
    again = cluster.json("run", "submit-pipeline", "-y", "p.yml", "--stream")
    steps = cluster.json("run", "list", "--parent-run-id", again["run_id"])
    assert {step["properties"]["azureml.reusedrunid"] for step in steps} == {read["run_id"], write["run_id"]}


def test_the_batches_of_a_lost_node_are_done_by_the_other(cluster: Mlrun, slurm: Slurm) -> None:
    pipeline = BatchPipeline(cluster, cluster.folder.parent / "shared" / "batches", "slurm")
    run_id, step_id = pipeline.submit()
    pipeline.read_stuck()
    job = cluster.show(step_id)["properties"]["slurm_job_id"]
    assert "NodeList=n[1-2]" in slurm("scontrol", "show", "job", job).split()
    slurm.kill_node("n2")
    slurm.mark_node_down("n2")
    pipeline.let_go()
    record = cluster.wait(run_id)
    assert record["status"] == "Completed", cluster.show(step_id)
    assert pipeline.read_rows(step_id) == [[f"{number}.txt", "0"] for number in range(6)]
