"""The one gateway of a process: what is said of runs, and what is asked about all that a workspace holds."""

import os
from threading import RLock
from typing import Any, Callable, Tuple

from azureml._gateway.in_process import InProcessGateway
from azureml._gateway.journal import Journal
from azureml._gateway.lines import line_for
from azureml._gateway.questions import PATIENCE_SECONDS, Questions
from azureml.exceptions import UserErrorException

WorkspaceNames = Tuple[str, str, str]
"""Subscription, resource group and name of a workspace."""


class SubmittedGateway:
    """Inside a run that was submitted: by the journal in its folder, and by its supervisor.

    Attributes:
        run_id, experiment_name, workspace: the run that this process belongs to.
    """

    def __init__(self, run_id: str, run_folder: str) -> None:
        self.run_id = run_id
        self.experiment_name = os.environ.get("AZUREML_ARM_PROJECT_NAME", "")
        self.workspace: WorkspaceNames = (
            os.environ.get("AZUREML_ARM_SUBSCRIPTION", ""),
            os.environ.get("AZUREML_ARM_RESOURCEGROUP", ""),
            os.environ.get("AZUREML_ARM_WORKSPACE_NAME", ""),
        )
        self._folder = run_folder
        self._journal = Journal(run_folder)
        self._questions = Questions(run_folder)

    def is_of(self, run_id: str, run_folder: str) -> bool:
        """Whether it is the gateway of this run."""
        return (self.run_id, self._folder) == (run_id, run_folder)

    def writer(self, workspace: WorkspaceNames, run_id: str) -> Callable[[str], None]:
        """What keeps a line about a run for good before it returns; it refuses lines about runs of other workspaces."""
        if tuple(workspace) != self.workspace:
            return lambda _: self._refuse(workspace, run_id)
        if run_id == self.run_id:
            return self._journal.append
        return lambda line: self._journal.append(line_for(run_id, line))

    def ask(
        self,
        call: str,
        workspace: "WorkspaceNames | None" = None,
        patience_seconds: float = PATIENCE_SECONDS,
        **arguments: Any,
    ) -> Any:
        """Answer to `call`, as JSON gives it; it knows of all that this process has written before.

        Raises:
            AzureMLException: The answer is an error; the class is the one it names.
            ServiceException: Nobody answers.
        """
        return self._questions.ask(call, workspace, arguments, patience_seconds)

    def run_folder(self, workspace: WorkspaceNames, run_id: str) -> str:
        """Where the files of a run lie."""
        if tuple(workspace) == self.workspace:
            return os.path.join(os.path.dirname(self._folder), run_id)
        return os.path.join(self.ask("workspaces.describe", workspace=workspace)["folder"], "runs", run_id)

    def _refuse(self, workspace: WorkspaceNames, run_id: str) -> None:
        raise UserErrorException(
            f"Run {run_id} is in workspace {workspace[2]!r}, and this script is a run of {self.workspace[2]!r}: "
            "inside a run, what is logged and tagged is of runs of its own workspace."
        )


_submitted: "SubmittedGateway | None" = None
_in_process: "InProcessGateway | None" = None
_making = RLock()


def submitted_run() -> "SubmittedGateway | None":
    """The run that this process belongs to, one gateway for all who ask; None outside a run."""
    global _submitted  # noqa: PLW0603 - a process has one journal
    run_folder = os.environ.get("MLRUN_RUN_FOLDER")
    run_id = os.environ.get("AZUREML_RUN_ID")
    if not run_folder or not run_id or not os.path.isdir(run_folder):
        return None
    if _submitted is None or not _submitted.is_of(run_id, run_folder):
        _submitted = SubmittedGateway(run_id, run_folder)
    return _submitted


def gateway() -> Any:
    """The gateway of this process, inside a run or outside: both have `writer`, `ask` and `run_folder`."""
    global _in_process  # noqa: PLW0603 - a process has one
    inside = submitted_run()
    if inside is not None:
        return inside
    if _in_process is None:
        with _making:
            if _in_process is None:
                _in_process = InProcessGateway()
    return _in_process
