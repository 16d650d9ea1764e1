"""Dry runs of pipelines: what would run and what would be reused, before anything is started or stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline_files import PARAMETERS, SECRET
from tests.running import Mlrun, find_paths

STEP = """
import os, sys
os.makedirs(sys.argv[1], exist_ok=True)
open(os.path.join(sys.argv[1], "rows"), "w").write(sys.argv[2])
"""
PIPELINE = (
    PARAMETERS
    + """  data_references:
    where: {datastore: workspaceblobstore, path_on_datastore: in}
  steps:
    Train:
      type: PythonScriptStep
      script_name: train.py
      source_directory: train
      arguments: ['output:model', 'input:points', '--password', 'parameter:password']
      parameters: {password: {source: password}}
      inputs: {points: {source: out}}
      outputs: {model: {destination: model}}
    Prepare:
      type: PythonScriptStep
      script_name: prepare.py
      source_directory: prepare
      arguments: ['output:out', 'parameter:rows', 'input:where']
      parameters: {rows: {source: rows}, password: {source: password}}
      inputs: {where: {source: where}}
      outputs: {out: {destination: out}}
"""
)
FILE = ("run", "submit-pipeline", "-y", "pipeline.yml", "-n", "exp", "-p", f"password={SECRET}")


@pytest.fixture
def ready(mlrun: Mlrun) -> Mlrun:
    mlrun.script(STEP, "prepare/prepare.py")
    mlrun.script(STEP, "train/train.py")
    mlrun.script(PIPELINE, "pipeline.yml")
    mlrun.json("datastore", "upload", "-n", "workspaceblobstore", "-p", "prepare", "-u", "in")
    return mlrun


def list_files(mlrun: Mlrun) -> list[Path]:
    """Return all files of the home but logs and those of the database."""
    home = Path(mlrun.environment["MLRUN_HOME"])
    names = (path for path in find_paths(home) if path.is_file() and ".db" not in path.name)
    return sorted(path for path in names if "logs" not in path.parts)


def dry_run(mlrun: Mlrun, *words: str) -> dict[str, Any]:
    """Return the record of a dry run, which must not change anything."""
    before, runs = list_files(mlrun), mlrun.json("run", "list", "--all-experiments")
    record: dict[str, Any] = mlrun.json(*words, "--dry-run")
    assert (list_files(mlrun), mlrun.json("run", "list", "--all-experiments")) == (before, runs)
    assert SECRET not in json.dumps(record)
    return record


def list_reused(record: dict[str, Any]) -> dict[str, bool]:
    return {step["name"]: step["is_reused"] for step in record["steps"]}


def test_steps_are_shown_in_the_order_in_which_they_run_with_their_data(ready: Mlrun) -> None:
    record = dry_run(ready, *FILE)

    prepare, train = record["steps"]
    assert (prepare["name"], prepare["runs_after"]) == ("prepare.py", [])
    assert (train["name"], train["runs_after"]) == ("train.py", ["prepare.py"])
    assert prepare["inputs"]["where"] == {"mode": "mount", "datastore": "workspaceblobstore", "path": "in"}
    assert prepare["outputs"]["out"]["path"] == "azureml/<run of prepare.py>/out"
    assert train["inputs"]["points"]["step"] == "prepare.py"
    assert train["run"]["arguments"][1].endswith("azureml/<run of prepare.py>/out")
    assert prepare["run"]["arguments"][1] == "3"
    assert prepare["run"]["environment"]["interpreter"].endswith("python")
    assert record["experiment_name"] == "exp"
    assert record["parameters"] == {"rows": 3, "password": "***"}
    assert list_reused(record) == {"prepare.py": False, "train.py": False}
    assert "no step of this name" in prepare["reason"]


def test_a_dry_run_says_beforehand_what_the_submission_reuses_and_why_not(ready: Mlrun) -> None:
    first = ready.json(*FILE, "--stream")
    steps = {one["display_name"]: one for one in ready.json("run", "list", "--parent-run-id", first["run_id"])}

    same = dry_run(ready, *FILE)
    assert list_reused(same) == {"prepare.py": True, "train.py": True}
    prepare_id = steps["prepare.py"]["run_id"]
    assert same["steps"][0]["reused_run_id"] == prepare_id
    assert same["steps"][0]["outputs"]["out"]["path"] == f"azureml/{prepare_id}/out"

    changed = dry_run(ready, *FILE, "-p", "rows=4")
    assert list_reused(changed) == {"prepare.py": False, "train.py": False}
    assert "parameter 'rows' is '4', and was '3'" in changed["steps"][0]["reason"]
    assert "'prepare.py'" in changed["steps"][1]["reason"]

    ready.script("print('changed')", "train/train.py")
    edited = dry_run(ready, *FILE)
    assert list_reused(edited) == {"prepare.py": True, "train.py": False}
    assert "file train.py has changed" in edited["steps"][1]["reason"]
    assert edited["steps"][1]["run"]["arguments"][1].endswith(f"azureml/{prepare_id}/out")
    again = ready.json(*FILE, "--stream")
    told = {
        one["display_name"]: one["properties"]["mlrun.reuse"]
        for one in ready.json("run", "list", "--parent-run-id", again["run_id"])
    }
    assert told == {step["name"]: step["reason"] for step in edited["steps"]}

    forced = dry_run(ready, *FILE, "--regenerate-outputs")
    assert list_reused(forced) == {"prepare.py": False, "train.py": False}


def test_rerun_shows_what_it_would_do_with_a_pipeline(ready: Mlrun) -> None:
    first = ready.json(*FILE, "--stream")
    ready.script("print('changed')", "train/train.py")
    words = ("run", "rerun", "-r", first["run_id"], "--set", f"password={SECRET}")

    assert list_reused(dry_run(ready, *words)) == {"prepare.py": True, "train.py": True}
    assert list_reused(dry_run(ready, *words, "--set", "rows=9")) == {"prepare.py": False, "train.py": False}
    assert list_reused(dry_run(ready, *words, "--current-code")) == {"prepare.py": True, "train.py": False}


def test_the_table_names_steps_reuse_data_and_environment(ready: Mlrun) -> None:
    ready.json(*FILE, "--stream")
    ready.script("print('changed')", "train/train.py")
    text = ready(*FILE, "--dry-run", "-o", "table").stdout
    for fact in (
        "Step 1       prepare.py",
        "Reused: ",
        "Step 2       train.py (PythonScriptStep), after 'prepare.py'",
        "file train.py has changed",
        "reads where: workspaceblobstore/in",
        "reads points: out of 'prepare.py'",
        "in the interpreter ",
    ):
        assert fact in text, text
    assert SECRET not in text


def test_a_dry_run_tells_the_problems_of_all_steps(ready: Mlrun) -> None:
    for name in ("train", "prepare"):
        ready.script(STEP, f"{name}.py")
    text = PIPELINE.replace("source_directory: train", "compute: gpus").replace(
        "source_directory: prepare", "compute: tpus"
    )
    (ready.folder / "pipeline.yml").write_text(text)
    failure = ready.fails(*FILE, "--dry-run", exit_code=3)
    assert "gpus" in failure.text and "tpus" in failure.text
    assert ready.json("run", "list", "--all-experiments") == []
