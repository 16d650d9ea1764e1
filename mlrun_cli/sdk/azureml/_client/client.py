"""The client of a process, which writes journals of runs and sends requests about workspaces."""

import os
from threading import RLock
from typing import TYPE_CHECKING, Any, Callable, Tuple

from azureml._client.journal import Journal
from azureml._wire.journal_lines import wrap_line_for_run
from azureml._wire.run_folder import EVENTS
from azureml.exceptions import AzureMLException, UserErrorException

if TYPE_CHECKING:
    from azureml._client.in_process import InProcessClient
    from azureml._client.rpc_client import RpcClient

WorkspaceNames = Tuple[str, str, str]
"""Subscription, resource group and name of a workspace."""

_UPLOAD_SECONDS = 24 * 3600.0
_INTERRUPTED = "RequestInterrupted"
_REPEATABLE = frozenset(
    (
        "experiments.list",
        "experiments.make",
        "run_files.list",
        "run_files.take_upload",
        "runs.children",
        "runs.details",
        "runs.get",
        "runs.metrics",
        "runs.properties",
        "runs.tags",
        "runs.update",
        "tracking.deleted_runs",
        "tracking.files",
        "tracking.metric_history",
        "tracking.run",
        "tracking.runs",
        "tracking.set_times",
    )
)
"""Requests that are sent again if the process that handles those of a node died, since twice is as once."""


class SubmittedRunClient:
    """The client in a submitted run, with the journal in its folder and the socket of its supervisor.

    Attributes:
        run_id, experiment_name, workspace: The run that this process belongs to.
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
        self._rpc: RpcClient | None = None

    def belongs_to(self, run_id: str, run_folder: str) -> bool:
        """Return whether this client belongs to the run with this id and folder."""
        return (self.run_id, self._folder) == (run_id, run_folder)

    def create_writer(self, workspace: WorkspaceNames, run_id: str) -> Callable[[str], None]:
        """Return a function that durably writes a run's journal lines, or raises if the run is in another workspace."""
        if tuple(workspace) != self.workspace:
            return lambda _: self._raise_other_workspace_error(workspace, run_id)
        if run_id == self.run_id:
            return self._journal.append
        return lambda line: self._journal.append(wrap_line_for_run(run_id, line))

    def request(
        self,
        call: str,
        workspace: "WorkspaceNames | None" = None,
        timeout_seconds: "float | None" = None,
        **arguments: Any,
    ) -> Any:
        """Send a request and return its result, which reflects all journal lines written by this process.

        Raises:
            AzureMLException: The response is an error, which determines the exception class.
            ServiceException: There is no response.
        """
        if self._rpc is None:
            with _creation_lock:
                if self._rpc is None:
                    from azureml._client.rpc_client import RpcClient

                    # A run folder on a network file system has its sockets on a local disk.
                    self._rpc = RpcClient(os.environ.get("MLRUN_SOCKET_FOLDER") or self._folder)
        while True:
            try:
                return self._rpc.request(call, workspace, arguments, timeout_seconds)
            except AzureMLException as error:
                if getattr(error, "mlrun_code", None) != _INTERRUPTED or call not in _REPEATABLE:
                    raise

    def get_run_folder(self, workspace: WorkspaceNames, run_id: str) -> str:
        """Return the path of a run's folder."""
        if tuple(workspace) == self.workspace:
            return os.path.join(os.path.dirname(self._folder), run_id)
        return os.path.join(self.request("workspaces.describe", workspace=workspace)["folder"], "runs", run_id)

    def hand_over_upload(
        self, workspace: WorkspaceNames, run_id: str, upload_name: str, replaces: bool = False
    ) -> None:
        """Move an upload stored on this node to the workspace; do nothing if this node has access to the run's folder.

        On a node, only a run that a script has opened lacks a folder; that of a run with a job is in the shared folder.
        """
        if run_id == self.run_id or not os.path.isdir(os.path.join(self._folder, EVENTS)):
            return
        folder = self.get_run_folder(workspace, run_id)
        if not os.path.isdir(os.path.join(folder, EVENTS)):
            arguments = {"run_id": run_id, "name": upload_name, "folder": folder, "replaces": replaces}
            self.request("run_files.take_upload", workspace, timeout_seconds=_UPLOAD_SECONDS, **arguments)

    def _raise_other_workspace_error(self, workspace: WorkspaceNames, run_id: str) -> None:
        """Raise UserErrorException, since the run is in a different workspace than this script's run."""
        raise UserErrorException(
            f"Run {run_id} is in workspace {workspace[2]!r}, and this script is a run of {self.workspace[2]!r}: "
            "inside a run, what is logged and tagged is of runs of its own workspace."
        )


_submitted: "SubmittedRunClient | None" = None
_in_process: "InProcessClient | None" = None
_creation_lock = RLock()


def find_submitted_run_client() -> "SubmittedRunClient | None":
    """Return the shared client of the run that this process belongs to, or None outside of a run."""
    global _submitted  # noqa: PLW0603 - a process has one journal
    run_folder = os.environ.get("MLRUN_RUN_FOLDER")
    run_id = os.environ.get("AZUREML_RUN_ID")
    if not run_folder or not run_id:
        return None
    # A network file system may be away for a while; the folder of sockets is on a local disk, and ends with the run.
    if not os.path.isdir(run_folder) and not os.path.isdir(os.environ.get("MLRUN_SOCKET_FOLDER", "")):
        return None
    if _submitted is None or not _submitted.belongs_to(run_id, run_folder):
        _submitted = SubmittedRunClient(run_id, run_folder)
    return _submitted


def get_client() -> Any:
    """Return this process's client: the client of its submitted run or, outside of a run, the in-process client."""
    global _in_process  # noqa: PLW0603 - a process has one
    inside = find_submitted_run_client()
    if inside is not None:
        return inside
    if _in_process is None:
        with _creation_lock:
            if _in_process is None:
                from azureml._client.in_process import InProcessClient

                _in_process = InProcessClient()
    return _in_process
