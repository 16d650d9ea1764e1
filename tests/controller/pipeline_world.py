"""A workspace with pipelines: real controllers, dispatchers and scripts, and what is stored of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.pipelines.graph import Graph
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.run import Run
from mlrun_cli.submit.pipeline import PipelineRequest, SubmittedPipeline, submit_pipeline
from tests.controller.sweep_world import SweepWorld
from tests.running import list_pids, words_of

SCRIPT = """
import os, sys, time
from azureml.core import Run
run = Run.get_context()
options = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
print("begins", sys.argv[1:], flush=True)
while "until" in options and not os.path.exists(options["until"]):
    time.sleep(0.01)
time.sleep(float(options.get("wait", "0")))
if "fail" in options:
    sys.exit(options["fail"])
texts = [open(os.path.join(options[name], "text")).read() for name in sorted(options) if name.startswith("in")]
for name in (name for name in sorted(options) if name.startswith("out")):
    os.makedirs(options[name], exist_ok=True)
    with open(os.path.join(options[name], "text"), "w") as file:
        file.write("+".join([*texts, options.get("text", "")]))
run.tag("argv", " ".join(sys.argv[1:]))
run.log("steps", 1 + len(texts))
os.makedirs("outputs", exist_ok=True)
open("outputs/result.txt", "w").write(run.id)
"""


def build_step(key: str, name: str, source: Path, *arguments: Any, **fields: Any) -> dict[str, Any]:
    """Return the document of a step that runs the script `step.py`."""
    return {
        "key": key,
        "name": name,
        "kind": "PythonScriptStep",
        "source_directory": str(source),
        "script": "step.py",
        "arguments": list(arguments),
        **fields,
    }


def read_output(key: str, step: str, name: str = "out", **fields: Any) -> dict[str, Any]:
    """Return the `inputs` of a step with one input, from an output of another step."""
    return {key: {"source": {"output": {"step": step, "name": name}}, **fields}}


def name_input(key: str) -> dict[str, Any]:
    """Return an argument that names an input for the script."""
    return {"join": [f"in_{key}=", {"input": key}]}


def name_output(key: str = "out") -> dict[str, Any]:
    """Return an argument that names an output for the script."""
    return {"join": [f"out_{key}=", {"output": key}]}


class PipelineWorld(SweepWorld):
    """A workspace in a home of its own; `close` ends all processes of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        (self.source / "step.py").write_text(SCRIPT, encoding="utf-8")

    def step(self, key: str, name: str, *arguments: Any, **fields: Any) -> dict[str, Any]:
        """Return the document of a step; `key` is one digit."""
        return build_step(key * 8, name, self.source, *arguments, **fields)

    def submit_steps(self, *steps: Mapping[str, Any], graph: Mapping[str, Any] | None = None, **fields: Any) -> str:
        """Submit a pipeline of some steps, and return the id of its run."""
        return self.submit_graph({"steps": list(steps), **(graph or {})}, **fields).run.run_id

    def submit_graph(self, document: Mapping[str, Any], **fields: Any) -> SubmittedPipeline:
        """Submit a pipeline; `fields` are fields of the request."""
        environment = {"PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]}
        request = PipelineRequest(
            **{
                "graph": Graph.from_json(document),
                "experiment_name": "exp",
                "path": self.source,
                "environment": environment,
                **fields,
            }
        )
        with Interruptions() as interruptions:
            return submit_pipeline(self.workspace, request, interruptions)

    def steps(self, run_id: str) -> dict[str, Run]:
        """Return the runs of the steps of a pipeline by their names, in the order of their creation."""
        parent = self.workspace.runs.get(run_id)
        children = [
            self.workspace.runs.get(child.run_id) for child in self.workspace.child_runs.list_children(parent.key)
        ]
        return {str(run.display_name): run for run in children}

    def supervisors(self) -> Sequence[int]:
        """Return the pids of the supervisors of all runs."""
        found = [(pid, words_of(pid)) for pid in list_pids()]
        return [
            pid
            for pid, words in found
            if any(word.endswith("supervisor/__main__.py") for word in words)
            and any(self.workspace.runs.find_key(word) is not None for word in words[3:] if word)
        ]

    def scripts(self) -> Sequence[int]:
        """Return the pids of all scripts of steps."""
        home = str(self.root / "home")
        return [pid for pid in list_pids() if words_of(pid)[1:2] == ["step.py"] and self._is_of(pid, home)]

    def read_data(self, path: str, datastore: str | None = None) -> str:
        """Return the content of a file in a datastore."""
        return get_datastore(self.workspace, datastore).resolve_path(path).read_text(encoding="utf-8")

    def pipeline_log(self, run_id: str, name: str = "executionlogs") -> str:
        """Return a log of a pipeline."""
        return (self.workspace.get_run_folder(run_id).artifacts / f"logs/azureml/{name}.txt").read_text(
            encoding="utf-8"
        )
