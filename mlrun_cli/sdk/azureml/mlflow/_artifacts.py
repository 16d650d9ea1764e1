"""MLflow's artifact repository of a run, which lists all of its files and stores new artifacts as uploads."""

import os
import posixpath
import shutil
from importlib import import_module
from typing import Any, Dict, List

from azureml._client.client import get_client
from azureml._client.uploads import list_folder_files, remove_uploads, replace_upload
from azureml._wire.run_folder import UPLOADS
from azureml._wire.tracking_uri import ARTIFACTS, parse_run_uri, parse_workspace
from azureml.mlflow._errors import DOES_NOT_EXIST, convert_errors, create_error

_Base: Any = import_module("mlflow.store.artifact.artifact_repo").ArtifactRepository


class _Listing(list):  # type: ignore[type-arg]
    """A list of files that already includes the files of the run's models, which MLflow 3 would add again."""

    def __add__(self, other: Any) -> Any:
        known = {each.path for each in self}
        return _Listing([*self, *(each for each in other if each.path not in known)])


class ArtifactRepository(_Base):  # type: ignore[misc]
    """The artifact repository for the URI of a run, or of a folder in a run.

    The URI of the run itself, which MLflow makes of that of its files to download them, is a folder `artifacts`.
    """

    def __init__(self, artifact_uri: str) -> None:
        super().__init__(artifact_uri)
        try:
            self._names = parse_workspace(artifact_uri)
            self._run_id, self._top = parse_run_uri(artifact_uri)
        except ValueError as error:
            raise create_error(str(error)) from error

    def log_artifact(self, local_file: str, artifact_path: "str | None" = None) -> None:
        """Store a copy of a file, replacing an artifact with the same name."""
        name = self._get_file_name_in_run(artifact_path or "", os.path.basename(os.fspath(local_file)))
        with convert_errors(run_id=self._run_id):
            self._replace_upload(name, local_file)

    def log_artifacts(self, local_dir: str, artifact_path: "str | None" = None) -> None:
        """Store copies of all files in a folder, replacing artifacts with the same names."""
        with convert_errors(run_id=self._run_id):
            for name in list_folder_files(local_dir):
                self._replace_upload(
                    self._get_file_name_in_run(artifact_path or "", name), os.path.join(local_dir, name)
                )

    def list_artifacts(self, path: "str | None" = None) -> "List[Any]":
        """Return the files and folders in a folder, sorted by path; empty if the path is a file."""
        info: Any = import_module("mlflow.entities").FileInfo
        above = posixpath.normpath(path) if path else ""
        start = "" if above in ("", ".") else f"{above}/"
        found: Dict[str, Any] = {}
        for name, size in self._get_file_sizes().items():
            if name.startswith(start):
                first, slash, _ = name[len(start) :].partition("/")
                found[start + first] = info(start + first, bool(slash), None if slash else size)
        return _Listing(found[name] for name in sorted(found))

    def delete_artifacts(self, artifact_path: "str | None" = None) -> None:
        """Delete an uploaded file or folder, by default all of them; files that the script wrote itself remain."""
        with convert_errors(run_id=self._run_id):
            remove_uploads(self._get_run_folder(), self._get_file_name_in_run(artifact_path or ""))

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        name = self._get_file_name_in_run(remote_file_path)
        uploaded = os.path.join(self._get_run_folder(), UPLOADS, name)
        if os.path.isfile(uploaded):  # a node has what it has uploaded
            shutil.copyfile(uploaded, local_path)
            return
        with convert_errors(run_id=self._run_id):
            get_client().request(
                "run_files.download_to",
                workspace=self._names,
                timeout_seconds=24 * 3600.0,
                run_id=self._run_id,
                name=name,
                path=os.path.abspath(local_path),
            )

    def _get_file_sizes(self) -> "Dict[str, int]":
        """Return the sizes of the files in this repository, keyed by relative path."""
        with convert_errors(run_id=self._run_id):
            sizes: Dict[str, int] = get_client().request("tracking.files", workspace=self._names, run_id=self._run_id)
        start = f"{self._top}/" if self._top else ""
        paths = {f"{ARTIFACTS}/{name}": size for name, size in sizes.items()}
        return {path[len(start) :]: size for path, size in paths.items() if path.startswith(start)}

    def _get_file_name_in_run(self, *parts: str) -> str:
        """Return the path, relative to the run's files, of a file or folder in this repository."""
        if any(part.startswith("/") for part in parts):
            raise create_error(f"The path {posixpath.join(*parts)!r} is absolute. Give one below the run's files.")
        first, _, name = posixpath.join(self._top, *parts).partition("/")
        if first != ARTIFACTS:
            raise create_error(f"{posixpath.join(*parts)!r} is not among the run's files.", DOES_NOT_EXIST)
        return name.strip("/")

    def _replace_upload(self, name: str, path: str) -> None:
        replace_upload(self._get_run_folder(), name, path)
        get_client().hand_over_upload(self._names, self._run_id, name, replaces=True)

    def _get_run_folder(self) -> str:
        folder: str = get_client().get_run_folder(self._names, self._run_id)
        return folder
