"""Locations of a run's data: datasets, folders of datastores, and copies in the run's folder."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from mlrun_cli.actions.datasets import get_dataset, get_dataset_by_id, normalize_dataset_definition
from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.home import get_file_system_type, is_network_file_system, make_private_folder
from mlrun_cli.data.binding import MOUNT, InputBinding
from mlrun_cli.data.copies import copy_or_link_files, get_path_in_copy
from mlrun_cli.data.dataset import FILE_KIND, TABULAR_KIND, Dataset, Definition
from mlrun_cli.data.datastore import Datastore
from mlrun_cli.data.files import DataFile, DataFiles, FindDatastore, find_files, find_single_path
from mlrun_cli.errors import DataNotFound, OperatingSystemError, Unsupported, UsageError
from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.submit.run_data import RunData
from mlrun_cli.targets.base import Target
from mlrun_cli.targets.errors import PathNotShared
from mlrun_cli.workspace import Workspace

_Found = TypeVar("_Found")


class DataLocator:
    """A locator of a run's data, which also creates copies and folders and adds notes and new datasets to `data`.

    In a preview nothing is created.
    """

    def __init__(
        self,
        workspace: Workspace,
        run_id: str,
        source: Path,
        environ: Mapping[str, str],
        data: RunData,
        *,
        target: Target | None,
        is_preview: bool,
    ) -> None:
        self._workspace = workspace
        self._run_id = run_id
        self._source = source
        self._environment = environ
        self._data = data
        self._target = target
        self._is_preview = is_preview

    def resolve_dataset(self, error_context: str, binding: InputBinding) -> Dataset:
        """Return the dataset of an input; one that is not yet in the workspace is also added to the run's data."""
        workspace = self._workspace
        if binding.dataset_id:
            dataset_id = binding.dataset_id
            return _get_registered_dataset(
                error_context, lambda: get_dataset_by_id(workspace, dataset_id, self._environment)
            )
        if binding.dataset_name:
            name = binding.dataset_name
            return _get_registered_dataset(error_context, lambda: get_dataset(workspace, name, binding.dataset_version))
        definition = binding.definition or {"kind": FILE_KIND, "paths": [self._build_location(binding)]}
        checked = call_with_error_context(error_context, lambda: normalize_dataset_definition(workspace, definition))
        if self._is_preview:
            return _create_unnamed_dataset("{dataset-id}", checked)
        new = self._data.datasets
        found = workspace.datasets.find_unnamed_dataset(checked) or next(
            (one for one in new if one.definition == checked), None
        )
        if found is None:
            found = _create_unnamed_dataset(generate_guid(), checked)
            new.append(found)
        return found

    def _build_location(self, binding: InputBinding) -> dict[str, str]:
        """Return the location of an input's data: a path in a datastore, a URL, or a path on this machine."""
        if binding.datastore:
            return {"datastore": binding.datastore, "path": binding.path or ""}
        uri = binding.uri or ""
        if "://" in uri:
            return {"url": uri}
        return {"path": str(self._source / Path(uri).expanduser())}

    def resolve_input_path(self, error_context: str, binding: InputBinding, dataset: Dataset) -> Path:
        """Return the path of an input's files, creating copies or links in the run's folder if needed."""
        if dataset.definition["kind"] == TABULAR_KIND:
            raise Unsupported(
                f"{error_context} is a table, and only files can be mounted or downloaded.",
                hint="Let its mechanism be 'direct', or make it a dataset of files with Dataset.File.from_files.",
            )
        if binding.mechanism == MOUNT:
            whole = call_with_error_context(
                error_context, lambda: find_single_path(dataset.definition, self._datastore_finder)
            )
            if whole is not None:
                self.check_accessible_to_nodes(error_context, whole)
                return whole
        files = call_with_error_context(error_context, lambda: find_files(dataset.definition, self._datastore_finder))
        if not files.files:
            raise DataNotFound(
                f"{error_context}: none of the files of its dataset is left after take, skip or random_split."
            )
        if binding.mechanism == MOUNT:  # links to the files
            for file in files.files:
                if not file.is_remote:
                    self.check_accessible_to_nodes(error_context, Path(file.source))
        return self.copy_or_link(files, binding.name, binding.mechanism)

    def copy_or_link(self, files: DataFiles, input_name: str, mechanism: str) -> Path:
        """Copy files into the run's folder or, if they are mounted, link them; return the path for the script."""
        folder = self.get_input_folder(input_name)
        return get_path_in_copy(files, folder) if self._is_preview else copy_or_link_files(files, folder, mechanism)

    def create_folder(self, error_context: str, path: Path, datastore: Datastore) -> None:
        """Create a missing folder of a datastore, unless this is a preview."""
        if not self._is_preview:
            _create_folder(error_context, path, datastore)

    @property
    def _datastore_finder(self) -> FindDatastore:
        return lambda name: get_datastore(self._workspace, name)

    def get_input_folder(self, input_name: str) -> Path:
        """Return the folder for the copies of an input."""
        # The name is from outside, and may not lead out of the run's folder.
        return self.get_copies_folder(self._run_id) / (input_name.replace("/", "_").lstrip(".") or "_")

    def get_copies_folder(self, run_id: str) -> Path:
        """Return the folder that contains the copies of a run's data."""
        shared = None if self._target is None else self._target.shared_folder
        if shared is not None and self._is_preview:  # there is no run that has a link to it
            return shared.get_run_folder(run_id).inputs
        return self._workspace.get_run_folder(run_id).inputs

    def check_accessible_to_nodes(self, error_context: str, path: Path) -> None:
        """Raise if the script would run on nodes that cannot access this path.

        Raises:
            PathNotShared: it is on another file system than the shared folder, and on no network file system.
        """
        shared = None if self._target is None else self._target.shared_folder
        if self._target is None or shared is None or _is_accessible_to_nodes(path, shared):
            return
        if shared.is_mirror:
            raise PathNotShared(
                f"{error_context}: {path} is on this machine, and '{self._target.name}' is another.",
                hint="Have it downloaded ('as_download()', or 'mode: download'): it is copied there with the run.",
                target=path,
            )
        raise PathNotShared(
            f"{error_context}: the nodes of '{self._target.name}' do not see {path}: it is on a disk of this machine.",
            hint=f"Put the data below {shared.path} or on another network file system, or have it downloaded.",
            target=path,
        )

    def find_files(self, error_context: str, path: Path, datastore: Datastore, relative_path: str) -> DataFiles:
        """Return the files at a path of a datastore, or no files for a missing folder of a built-in datastore."""
        definition = {"kind": FILE_KIND, "paths": [{"datastore": datastore.name, "path": relative_path}]}
        try:
            return call_with_error_context(error_context, lambda: find_files(definition, self._datastore_finder))
        except DataNotFound as error:
            if not datastore.is_own or _looks_like_file(path):
                place = f" -u {shlex.quote(relative_path)}" if relative_path else ""
                words = f"mlrun datastore upload -n {datastore.name} -p FOLDER{place}"
                error.hint = f"Correct pathOnDataStore, or put files there: '{words}'."
                raise
        self._add_note_if_empty(error_context, path, datastore)
        return DataFiles([], None)

    def check_mount(
        self, error_context: str, path: Path, datastore: Datastore, *, may_be_written_before: bool = False
    ) -> None:
        """Raise if a path to be mounted is missing, unless the script or another step may still create it.

        Args:
            error_context: the name of the entry.
            path: the path in the datastore.
            datastore: the datastore; a script may fill folders of a built-in one.
            may_be_written_before: whether another step, which has not run yet, may write a file there.
        """
        if os.path.exists(path):  # `Path.exists` raises where one may not look
            return
        if datastore.is_own and _looks_like_file(path):
            relative = path.relative_to(datastore.folder)
            if may_be_written_before:
                self._data.notes.append(
                    f"{error_context}: {relative} is not yet in datastore '{datastore.name}': a step before has to "
                    "write it."
                )
                return
            place = "" if relative.parent == Path() else f" -u {shlex.quote(str(relative.parent))}"
            raise DataNotFound(
                f"{error_context}: There is no file {relative} in datastore '{datastore.name}'.",
                hint=f"Put it there: 'mlrun datastore upload -n {datastore.name} -p {shlex.quote(path.name)}{place}'. "
                "A folder that the script is to fill is made with 'mode: upload'.",
            )
        if not datastore.is_own:
            raise DataNotFound(
                f"{error_context}: There is no file or folder {path}, in datastore '{datastore.name}', to be mounted.",
                hint="Correct pathOnDataStore. A folder that the script is to fill is made with 'mode: upload'.",
            )
        self._add_note_if_empty(error_context, path, datastore)

    def _add_note_if_empty(self, error_context: str, path: Path, datastore: Datastore) -> None:
        is_there = os.path.exists(path)
        what = f"no file is yet at {path}," if is_there else f"{path.relative_to(datastore.folder)} is not yet"
        self._data.notes.append(
            f"{error_context}: {what} in datastore '{datastore.name}': the script is given an empty folder."
        )

    def get_input_paths(self, input_name: str, path: Path) -> tuple[Path, Path]:
        """Return the folder to use for `pathOnCompute` and the path of the data; a single file gets its own folder.

        As in Azure, a single file is the only one in its folder; a file that was not downloaded is therefore linked
        into a new folder.
        """
        folder = self.get_input_folder(input_name)
        if not path.is_file() and path.parent != folder:
            return path, path
        if path.parent != folder and not self._is_preview:
            copy_or_link_files(DataFiles([DataFile(path.name, str(path))], path), folder, MOUNT)
        return folder, folder / path.name


def _looks_like_file(path: Path) -> bool:
    """Return whether a missing path looks like a file: its extension starts with a letter, unlike that of `v1.0`."""
    return re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]*", path.suffix) is not None


def _is_accessible_to_nodes(path: Path, shared_folder: SharedFolder) -> bool:
    """Return whether nodes can access a path: if it is in a mirrored shared folder, or else by its file system."""
    if shared_folder.is_mirror:
        return path.is_relative_to(shared_folder.path)
    there = next(each for each in (path, *path.parents) if os.path.exists(each))
    return os.stat(there).st_dev == os.stat(shared_folder.path).st_dev or is_network_file_system(
        get_file_system_type(there)
    )


def _create_unnamed_dataset(dataset_id: str, definition: Definition) -> Dataset:
    return Dataset(0, dataset_id, None, None, definition, None, {}, 0)


def _create_folder(error_context: str, path: Path, datastore: Datastore) -> None:
    """Create a missing folder, private in built-in datastores and with default permissions in other datastores."""
    if datastore.is_own and not path.exists():
        make_private_folder(path)
        return
    try:
        if not path.is_file():
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatingSystemError(f"{error_context}: {path} cannot be made: {error.strerror}.") from error


def call_with_error_context(error_context: str, find: Callable[[], _Found]) -> _Found:
    """Call a function and return its result; messages of its errors are prefixed with `error_context`."""
    try:
        return find()
    except (DataNotFound, UsageError) as error:
        error.add_context(error_context)
        raise


def _get_registered_dataset(error_context: str, find: Callable[[], Dataset]) -> Dataset:
    """Return a registered dataset; the error for a missing one gets a hint on references to datasets in a runconfig."""
    try:
        return call_with_error_context(error_context, find)
    except DataNotFound as error:
        place = "dataPath: {datastoreName: workspaceblobstore, relativePath: FOLDER}"
        error.hint = f"{error.hint or ''} Or say where it lies, in {error_context}.dataLocation: '{place}'.".lstrip()
        raise
