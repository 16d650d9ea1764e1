"""A workspace with sweeps: real controllers, dispatchers and scripts, and what is stored of them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from mlrun_cli.actions.compute_targets import create_compute_target
from mlrun_cli.compute.compute_target import AML_COMPUTE
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.sweep import submit_sweep
from mlrun_cli.sweeps.definition import definition_from_json
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace
from tests.running import kill, list_pids, until, words_of

SCRIPT = """
import os, sys, time
from azureml.core import Run
run = Run.get_context()
values = dict(zip(sys.argv[1::2], sys.argv[2::2]))
lr = float(values["--lr"])
run.tag("argv", " ".join(sys.argv[1:]))
for epoch in range(int(values.get("--epochs", "1"))):
    run.log("acc", lr * (epoch + 1))
    until = values.get("--until") if lr < float(values.get("--below", "1")) else None
    while until and not os.path.exists(until):
        time.sleep(0.01)
if values.get("--fail") and lr >= float(values["--fail"]):
    sys.exit("failed on purpose")
"""


class Child(NamedTuple):
    """What is stored of a child run and does not depend on times."""

    status: str
    sampled: str | None
    argv: str | None
    values: Any


class SweepWorld:
    """A workspace in a home of its own; `close` ends all processes of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = root / "my folder"
        self.source.mkdir()
        self.write_script(SCRIPT)
        self.gate = root / "gate"
        self.locator = locate_workspace(root / "home", WorkspaceIdentity("s", "g", "w"))
        self.workspace = Workspace.open(self.locator, create=True, redactor=Redactor())

    def write_script(self, text: str) -> None:
        """Write the script that the runs of later sweeps start."""
        (self.source / "train.py").write_text(text, encoding="utf-8")

    def add_target(self, name: str, nodes: int) -> None:
        """Create a target of this machine with a limited number of nodes."""
        create_compute_target(self.workspace, name, AML_COMPUTE, properties={"scaleSettings": {"maxNodeCount": nodes}})

    def build_request(self, *arguments: str, **fields: Any) -> SubmitRequest:
        """Return the request for the runs of a sweep, whose script gets these fixed arguments."""
        environment = {"PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]}
        plain: dict[str, Any] = {"path": self.source, "experiment_name": "exp", "environment": environment}
        return SubmitRequest(**{**plain, "script": "train.py", "arguments": arguments, **fields})

    def submit(
        self, *arguments: str, request: Mapping[str, Any] | None = None, run_id: str | None = None, **definition: Any
    ) -> str:
        """Submit a sweep over `lr` with 4 runs at a time, and return its id.

        `request` has fields of the request, and `definition` replaces keys of the definition.
        """
        document = {
            "generator_config": {
                "name": "RANDOM",
                "parameter_space": {"lr": ["uniform", [0, 1]]},
                "properties": {"seed": 7},
            },
            "primary_metric_config": {"name": "acc", "goal": "maximize"},
            "max_total_jobs": 4,
            "max_concurrent_jobs": 4,
            **definition,
        }
        with Interruptions() as interruptions:
            submitted = submit_sweep(
                self.workspace,
                self.build_request(*arguments, **(request or {})),
                definition_from_json(document),
                interruptions,
                run_id=run_id,
            )
        return submitted.run.run_id

    def open_gate(self) -> None:
        """Let the scripts go on that wait for the file after `--until`."""
        self.gate.touch()

    def get(self, run_id: str) -> Run:
        """Return a run as it is stored, after a look that starts what is missing."""
        reconcile(self.workspace)
        return self.workspace.runs.get(run_id)

    def ended(self, run_id: str, patience_seconds: float = 180.0) -> Run:
        """Wait for the end of a run and return it."""

        def look() -> Run | None:
            run = self.get(run_id)
            return run if run.status.is_terminal else None

        return until(look, patience_seconds)

    def wait_for_children(self, run_id: str, count: int, *statuses: str) -> None:
        """Wait until a sweep has this many child runs with one of these statuses."""

        def look() -> bool:
            reconcile(self.workspace)
            return sum(status in statuses for status in self.statuses(run_id)) >= count

        until(lambda: look() or None)

    def statuses(self, run_id: str) -> Sequence[str]:
        """Return the statuses of the child runs of a sweep in the order of their creation."""
        parent = self.workspace.runs.find_key(run_id)
        assert parent is not None
        return [child.status.value for child in self.workspace.child_runs.list_children(parent)]

    def children(self, run_id: str) -> Mapping[str, Child]:
        """Return what is stored of the child runs of a sweep, by the end of their ids."""
        parent = self.workspace.runs.get(run_id)
        found = {}
        for child in self.workspace.child_runs.list_children(parent.key):
            run = self.workspace.runs.get(child.run_id)
            found[child.run_id.removeprefix(f"{run_id}_")] = Child(
                run.status.value,
                parent.tags.get(run.run_id),
                run.tags.get("argv"),
                self.workspace.metrics.get(run.key).get("acc"),
            )
        return found

    def log(self, run_id: str) -> str:
        """Return the log of a sweep."""
        return (self.workspace.get_run_folder(run_id).artifacts / "azureml-logs/hyperdrive.txt").read_text(
            encoding="utf-8"
        )

    def controllers(self, run_id: str = "") -> Sequence[int]:
        """Return the pids of the controllers of a run, or of all runs."""
        return self._find_programs("controller/__main__.py", run_id)

    def dispatchers(self) -> Sequence[int]:
        """Return the pids of all dispatchers."""
        return self._find_programs("scheduler/dispatcher.py", "")

    def supervisors(self) -> Sequence[int]:
        """Return the pids of all supervisors."""
        return self._find_programs("supervisor/__main__.py", "")

    def _find_programs(self, program: str, last: str) -> Sequence[int]:
        folder = str(self.locator.folder)
        found = [(pid, words_of(pid)) for pid in list_pids()]
        return [
            pid
            for pid, words in found
            if folder in words and any(word.endswith(program) for word in words) and words[-1].endswith(last)
        ]

    def kill(self, pids: Sequence[int]) -> None:
        """Kill processes and wait until they are gone."""
        kill(*pids)

    @contextmanager
    def without_controller(self, run_id: str) -> Iterator[None]:
        """Kill the controller of a run and hold its lock, so that nobody starts another one meanwhile."""
        with closing(OwnerLock.open(self.workspace.get_run_folder(run_id).lock)) as lock:

            def take_over() -> bool:
                self.kill(self.controllers(run_id))
                return lock.try_acquire()

            until(take_over)
            yield

    def close(self) -> None:
        """End everything of this workspace, whatever starts whatever again."""
        home = str(self.root / "home")
        with suppress(OSError):
            (self.root / "home").rename(self.root / "closed")
        while pids := [pid for pid in list_pids() if pid != os.getpid() and self._is_of(pid, home)]:
            kill(*pids)
        self.workspace.close()
        shutil.rmtree(self.root / "closed", ignore_errors=True)

    def _is_of(self, pid: int, home: str) -> bool:
        try:
            texts = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        except OSError:
            return False
        return any(home.encode() in text for text in texts)
