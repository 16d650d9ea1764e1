"""The files and snapshots of a run."""

import os
from typing import Any, Dict, List

from azureml._client.client import get_client
from azureml._wire.run_folder import LOG_FOLDERS
from azureml.core._run_handle import COPY_SECONDS, RunHandle
from azureml.exceptions import UserErrorException


class RunFiles(RunHandle):
    """Base class of `Run` with the methods for files and snapshots."""

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: "str | None" = None) -> None:
        """Store a copy of a file, or of the rest of a stream, in the run under a new name.

        Raises:
            UserErrorException: The name is outside the run or in use, or the file does not exist.
        """
        from azureml._client.uploads import store_upload

        _check_no_datastore(datastore_name)
        client = get_client()
        store_upload(client.get_run_folder(self._names, self._run_id), name, path_or_stream)
        client.hand_over_upload(self._names, self._run_id, name)

    def upload_files(
        self,
        names: List[str],
        paths: List[Any],
        return_artifacts: bool = False,
        timeout_seconds: "int | None" = None,
        datastore_name: "str | None" = None,
    ) -> "Dict[str, str] | None":
        """Store copies of several files; with `return_artifacts`, return artifact URIs keyed by name."""
        del timeout_seconds
        if len(names) != len(paths):
            raise UserErrorException(f"upload_files takes a name for each path, not {len(names)} for {len(paths)}.")
        for name, path in zip(names, paths):
            self.upload_file(name, path, datastore_name)
        if not return_artifacts:
            return None
        return {name: f"aml://artifactId/ExperimentRun/dcid.{self._run_id}/{name}" for name in names}

    def upload_folder(self, name: str, path: Any, datastore_name: "str | None" = None) -> None:
        """Store copies of all files in a folder, using `name` as a prefix of their names."""
        from azureml._client.uploads import list_folder_files

        for inner in list_folder_files(path):
            self.upload_file(f"{name}/{inner}", os.path.join(path, inner), datastore_name)

    def get_file_names(self) -> List[str]:
        """Return the names of the run's files: logs, script outputs and uploads."""
        names: List[str] = self._request("run_files.list")
        return names

    def download_file(self, name: str, output_file_path: Any = None, _validate_checksum: bool = False) -> None:
        """Copy a file of the run to a path or into a folder, by default the working folder.

        Raises:
            UserErrorException: The run has no such file; the message lists its files.
        """
        wanted = os.fspath(output_file_path or os.path.basename(name))
        path = os.path.abspath(wanted)
        if os.path.isdir(path) or wanted.endswith(os.sep):
            path = os.path.join(path, os.path.basename(name))
        self._request("run_files.download_to", name=name, path=path, timeout_seconds=COPY_SECONDS)

    def download_files(
        self,
        prefix: "str | None" = None,
        output_directory: Any = None,
        output_paths: "List[Any] | None" = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: "int | None" = None,
    ) -> None:
        """Copy the run's files whose names start with `prefix`, by default all files, to a folder or to given paths.

        Args:
            prefix: The prefix of the names.
            output_directory: The destination folder, by default the working folder.
            output_paths: A destination path for each file, instead of `output_directory`.
            batch_size: Accepted and ignored.
            append_prefix: Whether the paths below `output_directory` include the prefix; one that is not a folder of
                the run is always included.
            timeout_seconds: Accepted and ignored.
        """
        del batch_size, timeout_seconds
        names = [name for name in self.get_file_names() if name.startswith(prefix or "")]
        if output_paths is not None:
            if len(output_paths) != len(names):
                raise UserErrorException(f"There are {len(names)} files, and {len(output_paths)} output_paths.")
            for name, path in zip(names, output_paths):
                self.download_file(name, path)
            return
        above = "" if append_prefix or not prefix else prefix.rstrip("/") + "/"
        for name in names:
            inner = name[len(above) :] if name.startswith(above) else name
            self.download_file(name, os.path.join(output_directory or "", inner))

    def get_all_logs(self, destination: Any = None) -> List[str]:
        """Copy the run's logs to a folder, by default named after the run, and return the paths of the copies."""
        folder = os.path.abspath(destination or self._run_id)
        tops = (*LOG_FOLDERS, "logs")
        names = [name for name in self.get_file_names() if name.partition("/")[0] in tops]
        if not names:
            return []
        paths: List[str] = self._request("run_files.download", names=names, folder=folder, timeout_seconds=COPY_SECONDS)
        return paths

    def get_snapshot_id(self) -> str:
        """Return the id of the snapshot of the run's source folder; raise UserErrorException if there is none."""
        snapshot_id = self.get_properties().get("ContentSnapshotId")
        if snapshot_id is None:
            raise UserErrorException(f"Run {self._run_id} has no snapshot: it was not submitted from a folder.")
        return snapshot_id

    def restore_snapshot(self, snapshot_id: "str | None" = None, path: Any = None) -> str:
        """Write a snapshot, by default the run's own, as a ZIP archive into a folder and return the archive's path."""
        folder = os.path.abspath(path or ".")
        written: str = self._request(
            "run_files.restore_snapshot", snapshot_id=snapshot_id, folder=folder, timeout_seconds=COPY_SECONDS
        )
        return written

    def take_snapshot(self, file_or_folder_path: Any) -> str:
        """Take a snapshot of a file or folder and return its id; a run without a snapshot gets this one."""
        path = os.path.abspath(file_or_folder_path)
        snapshot_id: str = self._request_for_workspace(
            "run_files.take_snapshot", path=path, timeout_seconds=COPY_SECONDS
        )
        if "ContentSnapshotId" not in self.get_properties():
            self.add_properties({"ContentSnapshotId": snapshot_id})
        return snapshot_id

    def clean(self) -> None:
        """Do nothing, since a run's working folder is only deleted together with the run."""


def _check_no_datastore(datastore_name: "str | None") -> None:
    if datastore_name is not None:
        raise UserErrorException(
            f"datastore_name={datastore_name!r} is not honoured: a run's files are kept in its own folder. "
            "Leave it out, or use Datastore.upload_files to put files into a datastore."
        )
