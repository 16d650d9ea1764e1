"""The start of a new run's supervisor, which the target may prepare while the run is being submitted."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack

from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.errors import TargetKindNotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.runtime.queue import get_node_limit
from mlrun_cli.runtime.supervisor_start import start_supervisor
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.targets.base import Target
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.workspace import Workspace


class SupervisorStart:
    """A context for starting the supervisor of one new run; unused preparations are discarded when it exits.

    Attributes:
        run_id: the id of the new run.
    """

    def __init__(self, workspace: Workspace, request: SubmitRequest, *, prepares: bool) -> None:
        """Initialize the context; preparing begins when it is entered or `prepare` is called.

        Args:
            workspace: the workspace of the run.
            request: the request for the run.
            prepares: whether to prepare the start as soon as the target is known.
        """
        self.run_id = f"{request.experiment_name}_{int(time.time())}_{os.urandom(4).hex()}"
        self._workspace = workspace
        self._request = request
        self._prepares = prepares and not request.gpu_count
        self._target: Target | None = None
        self._stack = ExitStack()

    def __enter__(self) -> SupervisorStart:
        if _may_start_early(self._request):
            self.prepare(self._request.target or LOCAL_TARGET)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def prepare(self, target_name: str) -> None:
        """Prepare the start of the run on a target, unless the start is already prepared or the run will be queued."""
        if not self._prepares or self._target is not None:
            return
        if get_node_limit(self._workspace, target_name) is None:
            try:
                target = get_target(self._workspace, target_name)
            except TargetKindNotFound:  # the run is refused for it
                return
            self._stack.enter_context(target.prepare_supervisor(self.run_id))
            self._target = target

    def start(self, run: Run, lock_fds: Sequence[int]) -> None:
        """Start the supervisor of a recorded run, which inherits the open locks, the owner lock first.

        Raises:
            OSError: no process could be started.
            MlrunError: the engine refuses the run, or the store cannot be written.
        """
        target = self._target
        if target is None or target.name != run.target:
            target = get_target(self._workspace, run.target)
        start_supervisor(target, run, lock_fds)


def _may_start_early(request: SubmitRequest) -> bool:
    """Return whether a request that is not yet resolved is likely to start a run on the target that it names."""
    if request.runconfig_name is not None or request.configuration is not None or request.script is None:
        return False
    script = os.path.join(request.source_directory or request.path, request.script)
    return request.earlier is None and os.path.isfile(script)  # unlike that of a Path, it never raises
