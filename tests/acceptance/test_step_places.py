"""Problems that are found when a step meets the workspace: they name file and line of the pipeline, too."""

from __future__ import annotations

import pytest

from tests.running import Failure, Mlrun

PIPELINE = """
pipeline:
  name: cities
  default_compute: local
  data_references:
    folder: {datastore: workspaceblobstore, path_on_datastore: cities}
    plain: {dataset_name: plain}
    cities: {dataset_name: cities}
  steps:
    Count:
      type: ParallelRunStep
      name: count
      parallel_run_config: batches.yml
      inputs: {files: {source: SOURCE, bind_mode: MODE}}
      outputs: {counts: {destination: counts}}
"""
CONFIG = """
parallel_run_config:
  entry_script: entry.py
  source_directory: src
  error_threshold: 0
  output_action: append_row
  node_count: 1
  process_count_per_node: 1
  partition_keys: [city]
"""
REGISTER = """
import sys
from azureml.core import Dataset, Run
workspace, folder = Run.get_context().experiment.workspace, sys.argv[1]
Dataset.File.from_files(folder).register(workspace, "plain")
Dataset.File.from_files(f"{folder}/**/*.txt", partition_format="/{city}/*.txt").register(workspace, "cities")
"""


@pytest.fixture
def ready(mlrun: Mlrun) -> Mlrun:
    for city in ("bonn", "ulm"):
        mlrun.script("", f"cities/{city}/a.txt")
    mlrun.script("def run(paths):\n    return [path.split('/')[-2] for path in paths]\n", "src/entry.py")
    mlrun.script(CONFIG, "batches.yml")
    mlrun.script(REGISTER, "register.py")
    mlrun("run", "submit-script", "register.py", str(mlrun.folder / "cities"))
    return mlrun


def write_pipeline(mlrun: Mlrun, source: str, mode: str) -> None:
    mlrun.script(PIPELINE.replace("SOURCE", source).replace("MODE", mode), "p.yml")


def fail(mlrun: Mlrun, *words: str, exit_code: int = 2) -> Failure:
    """Submit the pipeline, which is refused without a run, and return the error."""
    failure = mlrun.fails("run", "submit-pipeline", "-y", "p.yml", "-n", "refused", *words, exit_code=exit_code)
    assert not [run for run in mlrun.json("run", "list", "--all-experiments") if run["_experiment_name"] == "refused"]
    return failure


@pytest.mark.parametrize(
    ("source", "mode", "fact"),
    [
        ("folder", "mount", "no partition key city"),
        ("plain", "direct", "no partition key city"),
        ("cities", "mount", "bind_mode: direct"),
    ],
)
def test_partition_keys_are_refused_where_the_paths_of_the_files_have_none(
    ready: Mlrun, source: str, mode: str, fact: str
) -> None:
    write_pipeline(ready, source, mode)
    failure = fail(ready)
    assert failure.file is not None
    assert (failure.file.endswith("batches.yml"), failure.line) == (True, 9)
    assert "Step 'count'" in failure.text and fact in failure.text


def test_files_with_the_keys_in_their_paths_are_batches(ready: Mlrun) -> None:
    write_pipeline(ready, "cities", "direct")
    assert ready.json("run", "submit-pipeline", "-y", "p.yml", "--stream")["status"] == "Completed"


def test_partition_keys_are_names_and_leave_no_room_for_a_size(ready: Mlrun) -> None:
    write_pipeline(ready, "cities", "direct")
    ready.script(CONFIG.replace("[city]", "[[city]]"), "batches.yml")
    assert fail(ready).line == 9
    ready.script(CONFIG + "  mini_batch_size: 5\n", "batches.yml")
    assert "mini_batch_size" in fail(ready).text


def test_the_error_about_a_target_names_the_line_of_the_step_or_of_the_default(ready: Mlrun) -> None:
    write_pipeline(ready, "cities", "direct")
    text = (ready.folder / "p.yml").read_text(encoding="utf-8")
    ready.script(text.replace("default_compute: local", "default_compute: gpus"), "p.yml")
    failure = fail(ready, exit_code=3)
    assert (failure.file, failure.line) == ("p.yml", 4)
    assert failure.target == "gpus"
    ready.script(text.replace("      name: count", "      compute: tpus"), "p.yml")
    assert fail(ready, exit_code=3).line == 12


@pytest.mark.parametrize(
    ("setting", "exit_code"),
    [
        ("mini_batch_size: 1.5MB", 2),
        ("compute_target_name: tpus", 3),
        ("environment_name: nowhere", 3),
    ],
)
def test_an_error_about_a_setting_of_the_batches_names_their_file(ready: Mlrun, setting: str, exit_code: int) -> None:
    write_pipeline(ready, "cities", "direct")
    ready.script(CONFIG.replace("partition_keys: [city]", setting), "batches.yml")
    failure = fail(ready, exit_code=exit_code)
    assert failure.file is not None
    assert (failure.file.endswith("batches.yml"), failure.line) == (True, 9)
