"""A pipeline whose only step works on batches on two nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.running import Mlrun, until

_PIPELINE = """
pipeline:
  name: batches
  default_compute: {target}
  data_references:
    files: {{datastore: batches, path_on_datastore: in}}
  steps:
    Count:
      type: ParallelRunStep
      name: count
      parallel_run_config: batches.yml
      arguments: [--marks, '{marks}']
      inputs: {{files: {{source: files}}}}
      outputs: {{counts: {{destination: counts, datastore: batches}}}}
"""
_CONFIG = """
parallel_run_config:
  entry_script: entry.py
  source_directory: src
  mini_batch_size: "1"
  error_threshold: 0
  output_action: append_row
  node_count: 2
  process_count_per_node: 1
  run_max_try: 1
  run_invocation_timeout: 600
"""
_ENTRY = """
import argparse, os, time
parser = argparse.ArgumentParser()
parser.add_argument("--marks")
marks = parser.parse_known_args()[0].marks
node = os.environ["NODE_RANK"]
def run(batch):
    stuck = os.path.join(marks, "stuck")
    if node == "1" and not os.path.exists(stuck):
        with open(stuck + ".tmp", "w") as file:
            file.write(str(os.getpid()))
        os.rename(stuck + ".tmp", stuck)
        time.sleep(600)
    while not os.path.exists(os.path.join(marks, "go")):
        time.sleep(0.02)
    return ["%s %s" % (os.path.basename(path), node) for path in batch]
"""
_COUNT = 6


class BatchPipeline:
    """The pipeline: the first batch of its second node hangs, and all others wait to be let go."""

    def __init__(self, mlrun: Mlrun, data: Path, target: str) -> None:
        """Write its files, and attach a datastore in a folder that all nodes see."""
        self._mlrun = mlrun
        self._data = data
        self._marks = data / "marks"
        self._marks.mkdir(parents=True)
        (data / "in").mkdir()
        for number in range(_COUNT):
            (data / "in" / f"{number}.txt").touch()
        mlrun("datastore", "attach-local", "batches", str(data))
        mlrun.script(_PIPELINE.format(target=target, marks=self._marks), "p.yml")
        mlrun.script(_CONFIG, "batches.yml")
        mlrun.script(_ENTRY, "src/entry.py")

    def submit(self) -> tuple[str, str]:
        """Submit it; return the ids of its run and of the run of its step."""
        run_id: str = self._mlrun.json("run", "submit-pipeline", "-y", "p.yml")["run_id"]
        steps: list[dict[str, Any]] = until(lambda: self._mlrun.json("run", "list", "--parent-run-id", run_id))
        return run_id, steps[0]["run_id"]

    def read_stuck(self) -> int:
        """Return the pid of the process on the second node that hangs, once it does."""
        path = self._marks / "stuck"
        return until(lambda: int(path.read_text(encoding="utf-8")) if path.exists() else None)

    def let_go(self) -> None:
        """Let all batches go on, except for the one that hangs."""
        (self._marks / "go").touch()

    def read_rows(self, step_run_id: str) -> list[list[str]]:
        """Return the rows: a file's name and the node that has worked on it."""
        path = self._data / "azureml" / step_run_id / "counts" / "parallel_run_step.txt"
        return [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
