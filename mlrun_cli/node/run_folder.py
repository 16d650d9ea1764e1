"""The run folder from the point of view of a supervisor on a node."""

from __future__ import annotations

from pathlib import Path

from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.shared_folder import SharedRunFolder


class NodeRunFolder(RunFolder):
    """A folder on the node's disk for locks, sockets and the scratch store; other files are in the shared folder."""

    def __init__(self, path: Path, shared: SharedRunFolder) -> None:
        super().__init__(path, shared.path)
        self.reserve = shared.reserve
        self.submission = shared.submission
        self.secrets = shared.secrets
        self.outcome = shared.outcome
        self.stdin = shared.stdin
        self.environment_plan = shared.environment_plan
