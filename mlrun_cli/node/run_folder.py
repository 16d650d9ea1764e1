"""The folder of a run as its supervisor on a node sees it."""

from __future__ import annotations

from pathlib import Path

from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.shared_folder import SharedRunFolder


class NodeRunFolder(RunFolder):
    """A folder on the node's disk for locks, sockets and the scratch store's files; all else is in the shared folder.

    Links lead from it to what the script's processes use by the path of this folder.
    """

    def __init__(self, path: Path, shared: SharedRunFolder) -> None:
        super().__init__(path)
        self.disk = shared.path
        self.reserve = shared.reserve
        self.submission = shared.submission
        self.secrets = shared.secrets
        self.outcome = shared.outcome
        self.stdin = shared.stdin
        self.journal = shared.journal
        self.environment_plan = shared.environment_plan
        self.work = shared.work
        self.unfinished_work = shared.unfinished_work
        self.artifacts = shared.artifacts
        self.uploads = shared.uploads
        self.supervisor_log = shared.supervisor_log
        self.environment_log = shared.environment_log
        self.environment_record = shared.environment_record
