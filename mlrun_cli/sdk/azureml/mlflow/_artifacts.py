"""MLflow's repository of a run's files: it lists all of them, and what MLflow writes is among the uploaded ones."""

import os
import posixpath
import shutil
from importlib import import_module
from typing import Any, Dict, List

from azureml._client.client import get_client
from azureml._client.uploads import list_folder_files, remove_uploads, replace_upload
from azureml._wire.run_folder import UPLOADS
from azureml._wire.tracking_uri import parse_artifact_uri, parse_workspace
from azureml.mlflow._errors import convert_errors, create_error

_Base: Any = import_module("mlflow.store.artifact.artifact_repo").ArtifactRepository


class _Listing(list):  # type: ignore[type-arg]
    """Files, to which MLflow 3 adds those of the run's models, which are among them already."""

    def __add__(self, other: Any) -> Any:
        known = {each.path for each in self}
        return _Listing([*self, *(each for each in other if each.path not in known)])


class ArtifactRepository(_Base):  # type: ignore[misc]
    """The files of a run, or those below a folder of it, by their URI."""

    def __init__(self, artifact_uri: str) -> None:
        super().__init__(artifact_uri)
        try:
            self._names = parse_workspace(artifact_uri)
            self._run_id, self._top = parse_artifact_uri(artifact_uri)
        except ValueError as error:
            raise create_error(str(error)) from error

    def log_artifact(self, local_file: str, artifact_path: "str | None" = None) -> None:
        """Store a copy of a file, replacing an artifact with the same name."""
        name = posixpath.join(self._top, artifact_path or "", os.path.basename(os.fspath(local_file)))
        with convert_errors():
            replace_upload(self._get_run_folder(), name, local_file)

    def log_artifacts(self, local_dir: str, artifact_path: "str | None" = None) -> None:
        """Store copies of all files in a folder, replacing artifacts with the same names."""
        with convert_errors():
            run_folder = self._get_run_folder()
            for name in list_folder_files(local_dir):
                stored = posixpath.join(self._top, artifact_path or "", name)
                replace_upload(run_folder, stored, os.path.join(local_dir, name))

    def list_artifacts(self, path: "str | None" = None) -> "List[Any]":
        """Return the files and folders in a folder, sorted by path; empty if the path is a file."""
        info: Any = import_module("mlflow.entities").FileInfo
        above = posixpath.normpath(path) if path else ""
        start = "" if above in ("", ".") else f"{above}/"
        found: Dict[str, Any] = {}
        for name, size in self._measure_files().items():
            if name.startswith(start):
                first, slash, _ = name[len(start) :].partition("/")
                found[start + first] = info(start + first, bool(slash), None if slash else size)
        return _Listing(found[name] for name in sorted(found))

    def delete_artifacts(self, artifact_path: "str | None" = None) -> None:
        """Delete uploaded files; files that the script wrote to its output folder remain."""
        with convert_errors():
            remove_uploads(self._get_run_folder(), posixpath.join(self._top, artifact_path or "").strip("/"))

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        name = posixpath.join(self._top, remote_file_path)
        uploaded = os.path.join(self._get_run_folder(), UPLOADS, name)
        if os.path.isfile(uploaded):  # a node has what it has uploaded
            shutil.copyfile(uploaded, local_path)
            return
        with convert_errors():
            get_client().request(
                "run_files.download_to",
                workspace=self._names,
                patience_seconds=24 * 3600.0,
                run_id=self._run_id,
                name=name,
                path=os.path.abspath(local_path),
            )

    def _measure_files(self) -> "Dict[str, int]":
        """Return the sizes of the files in this repository, keyed by relative path."""
        with convert_errors():
            sizes: Dict[str, int] = get_client().request("tracking.files", workspace=self._names, run_id=self._run_id)
        start = f"{self._top}/" if self._top else ""
        return {name[len(start) :]: size for name, size in sizes.items() if name.startswith(start)}

    def _get_run_folder(self) -> str:
        folder: str = get_client().get_run_folder(self._names, self._run_id)
        return folder
