"""File datasets."""

import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

from azureml.data._sources import DataFile, fetch_file, link_file
from azureml.data.abstract_dataset import AbstractDataset
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from types import TracebackType

    from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

__all__ = ["FileDataset"]


class FileDataset(AbstractDataset):
    """A dataset of files, defined by paths, patterns and URLs."""

    _kind = "file"

    def to_path(self) -> "list[str]":
        """Return the paths of the files relative to the dataset's root, each with a leading slash."""
        return [f"/{file.name}" for file in self._list_files().files]

    def download(
        self, target_path: "str | None" = None, overwrite: bool = False, ignore_not_found: bool = False
    ) -> "list[str]":
        """Copy the files to a folder, by default a temporary one, and return the paths of the copies.

        Raises:
            UserErrorException: A file exists and `overwrite` is False, or a file cannot be copied and
                `ignore_not_found` is False.
        """
        target = os.path.abspath(target_path) if target_path else tempfile.mkdtemp()
        places = [(file, os.path.join(target, file.name)) for file in self._list_files().files]
        if not overwrite:
            for _, place in places:
                if os.path.lexists(place):
                    raise UserErrorException(f"{place} is there already; overwrite=True replaces it.")
        return [place for file, place in places if _fetch(file, place, ignore_not_found)]

    def mount(self, mount_point: "str | None" = None, **kwargs: Any) -> "_MountContext":
        """Return a context manager that makes the files available in a folder; it also has `start()` and `stop()`.

        Without a `mount_point`, a dataset that is a folder is used directly; others get a temporary folder.
        """
        return _MountContext(self, mount_point)

    def as_mount(self, path_on_compute: "str | None" = None) -> "DatasetConsumptionConfig":
        """Return the dataset as a run input in mount mode: the script gets the path of the original files."""
        return self.as_named_input(f"input_{os.urandom(4).hex()}").as_mount(path_on_compute)

    def as_download(self, path_on_compute: "str | None" = None) -> "DatasetConsumptionConfig":
        """Return the dataset as a run input in download mode: the script gets the path of copied files."""
        return self.as_named_input(f"input_{os.urandom(4).hex()}").as_download(path_on_compute)

    def as_hdfs(self) -> "DatasetConsumptionConfig":
        """Return the dataset as a run input in HDFS mode for Spark; submitting a run with it is refused."""
        return self.as_named_input(f"input_{os.urandom(4).hex()}").as_hdfs()

    def as_cache(self, datacache_store: object) -> Any:
        """Raise UserErrorException, since files on this machine need no cache."""
        raise self._create_unsupported_error("as_cache", "Use as_mount, which gives the script the files themselves")

    def hydrate(self, datacache_store: object, replica_count: "int | None" = None) -> Any:
        """Raise UserErrorException, since files on this machine need no cache."""
        raise self._create_unsupported_error("hydrate", "Leave it out: the files are on this machine")

    def file_metadata(self, col: str) -> Any:
        """Raise UserErrorException, since file expressions are not supported."""
        raise self._create_unsupported_error("file_metadata", "Use os.stat on the files of a mount")

    def _to_input(self) -> "DatasetConsumptionConfig":
        if self._input is None:
            self._input = self.as_mount()
        return self._input


class _MountContext:
    """A folder that contains the files of a dataset between `start` and `stop`."""

    def __init__(self, dataset: FileDataset, mount_point: "str | None") -> None:
        self._files = dataset._list_files()
        self._made: str | None = None
        self._wants_folder = mount_point is not None
        whole = self._files.whole
        if mount_point is None and whole is not None and os.path.isdir(whole):
            self._mount_point = whole
        else:
            self._wants_folder = True
            self._mount_point = os.path.abspath(mount_point) if mount_point else tempfile.mkdtemp()

    @property
    def mount_point(self) -> str:
        """The folder that contains the files after `start`."""
        return self._mount_point

    def start(self) -> None:
        """Create links to the files in an empty mount folder; do nothing if the dataset's own folder is used.

        Raises:
            UserErrorException: The folder is not empty.
        """
        if not self._wants_folder or self._made is not None:
            return
        os.makedirs(self._mount_point, exist_ok=True)
        if os.listdir(self._mount_point):
            raise UserErrorException(f"{self._mount_point} is not empty; mount to an empty folder or to a new one.")
        self._made = self._mount_point
        for file in self._files.files:
            link_file(file, os.path.join(self._mount_point, file.name))

    def stop(self) -> None:
        """Remove the mount folder if `start` has created links in it; the dataset's files are kept."""
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)
            self._made = None

    def __enter__(self) -> "_MountContext":
        self.start()
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.stop()


def _fetch(file: DataFile, destination: str, ignore_not_found: bool) -> bool:
    """Copy or download a file and return True; on failure return False if `ignore_not_found` is true, or else raise."""
    try:
        fetch_file(file, destination)
    except UserErrorException:
        if ignore_not_found:
            return False
        raise
    return True
