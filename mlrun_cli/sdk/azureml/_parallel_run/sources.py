"""The sources of a step's items: the files of a folder or dataset, or the rows of a table."""

import fnmatch
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_STEPS_BY_PLACE = ("take", "skip", "part")
"""Steps of a dataset that choose rows by their places in the whole table."""


class Table(NamedTuple):
    """A table in files.

    Attributes:
        files: the files, each a `DataFile`.
        options, steps: how they are read, as in a dataset's definition.
    """

    files: List[Any]
    options: Dict[str, Any]
    steps: List[Any]

    @property
    def needs_all_files(self) -> bool:
        """True if the rows of a file cannot be read alone, since they depend on the files before it."""
        is_headless = self.options.get("header") == "ONLY_FIRST_FILE_HAS_HEADERS"
        return is_headless or any(step[0] in _STEPS_BY_PLACE for step in self.steps)

    def read(self) -> Any:
        """Return the rows of all files as a pandas data frame."""
        from azureml.data._tables import read_table

        return read_table(self.files, self.options, self.steps)

    def read_file(self, file_index: int, columns: "Optional[List[Any]]") -> Any:
        """Return the rows of the file at this position; `columns` are what `inspect` has found."""
        from azureml.data._common_columns import CommonColumn
        from azureml.data._tables import read_table_file

        common = None if columns is None else [CommonColumn(*column) for column in columns]
        return read_table_file(self.files[file_index], self.options, self.steps, common)

    def inspect(self) -> "Tuple[List[int], Optional[List[Any]]]":
        """Return each file's row count, and the columns of the whole table if files alone have others."""
        from azureml.data._tables import inspect_table

        return inspect_table(self.files, self.options, self.steps)


class Source(NamedTuple):
    """An input: the paths of its files, or a table.

    Attributes:
        files: the paths.
        table: the table; None for files.
        key_values: the values that a dataset's partition format finds in the path of each file, in their order; None
            if there is no partition format.
    """

    files: List[str]
    table: Optional[Table] = None
    key_values: Optional[List[Dict[str, Any]]] = None


def resolve_input(input_value: str, table_options: "Optional[Dict[str, Any]]") -> Source:
    """Return the files or the table of a step's input, given as a path or a dataset id.

    Args:
        input_value: the path of a file or folder, or the id of a dataset.
        table_options: how the files of a path are read as a table; None if they are files.

    Raises:
        UserErrorException: the files of a dataset cannot be read.
        DatasetExecutionError: the path of a file does not have the partition format.
    """
    from azureml.data._sources import DataFile
    from azureml.data.tabular_dataset import TabularDataset

    folder = input_value
    if _GUID.fullmatch(input_value) and not os.path.exists(input_value):
        dataset = _get_dataset(input_value)
        if isinstance(dataset, TabularDataset):
            definition = dataset._definition
            return Source([], Table(dataset._list_files().files, definition["options"], definition["steps"]))
        mount = dataset.mount()
        mount.start()
        folder = mount.mount_point
        partition_format = dataset._definition["options"].get("partition_format")
        if partition_format is not None:
            return _build_partitioned_source(dataset._list_files().files, folder, partition_format)
    if table_options is None:
        return Source(_list_files(folder))
    files = [path for path in _list_files(folder) if _matches_glob(path, folder, table_options.get("glob"))]
    found = [DataFile(os.path.relpath(path, folder), path) for path in files]
    return Source([], Table(found, table_options["options"], table_options["steps"]))


def _build_partitioned_source(files: List[Any], folder: str, partition_format: str) -> Source:
    """Return the files of a dataset mounted at a folder, with the partition values from their original paths."""
    from azureml.data._partitions import PartitionFormat

    form = PartitionFormat(partition_format)
    values = [form.parse_path(file.source.partition("?")[0]) for file in files]
    return Source([os.path.join(folder, file.name) for file in files], key_values=values)


def _get_dataset(dataset_id: str) -> Any:
    from azureml.core.dataset import Dataset
    from azureml.core.run import Run

    return Dataset.get_by_id(Run.get_context().experiment.workspace, dataset_id)


def _list_files(path: str) -> List[str]:
    if not os.path.isdir(path):
        return [path]
    found: list[str] = []
    for folder, _, names in os.walk(path, followlinks=True):
        found.extend(os.path.join(folder, name) for name in names)
    return sorted(found)


def _matches_glob(path: str, root: str, glob: "Optional[str]") -> bool:
    name = os.path.relpath(path, root)
    return glob is None or fnmatch.fnmatch(name, glob) or fnmatch.fnmatch(name, glob.replace("**/", "", 1))
