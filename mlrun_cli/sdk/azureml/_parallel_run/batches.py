"""Mini batches: the files or the table rows that are passed to one call of `run`."""

import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from azureml._parallel_run.options import DEFAULT_BATCH_BYTES, DEFAULT_BATCH_FILES, Options
from azureml._parallel_run.sources import Source, Table, resolve_input


class MiniBatch(NamedTuple):
    """A batch, as the driver sends it to a worker.

    Attributes:
        number: its position among all batches.
        size: the number of its files or rows.
        source: the position of the input that it is of.
        files: the paths of its files; empty for rows.
        file: the position of the file that the rows are in; None if they are those of a partition, or of a table that
            is read as a whole.
        first_row: the position of the first row in that file or table.
        partition: the values of the partition keys, by key.
        columns: the columns of the whole table, each a `CommonColumn`, where the files alone would have others.
    """

    number: int
    size: int
    source: int
    files: Sequence[str] = ()
    file: Optional[int] = None
    first_row: int = 0
    partition: Optional[Dict[str, Any]] = None
    columns: Optional[List[Any]] = None


class NoItems(Exception):
    """The inputs contain no files and no rows."""


def build_batches(options: Options) -> List[MiniBatch]:
    """Return the mini-batches of all inputs; no batch spans two inputs or two files of a table.

    Raises:
        NoItems: there is nothing to run on.
        UserErrorException: the files of a dataset cannot be read.
    """
    batches: list[MiniBatch] = []
    for position, value in enumerate(options.inputs):
        source = resolve_input(value, options.tables.get(str(position)))
        for batch in _split_source(source, options):
            batches.append(batch._replace(number=len(batches), source=position))
    if not batches:
        raise NoItems("The inputs have no files and no rows: {}".format(", ".join(options.inputs)))
    return batches


class BatchReader:
    """A reader of batches in a worker, which caches the rows of the most recently read file."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._tables: dict[int, Table] = {}
        self._key: Any = None
        self._frame: Any = None

    def read(self, batch: MiniBatch) -> Any:
        """Return the items of a batch as a list of paths or a pandas data frame."""
        if batch.files:
            return list(batch.files)
        if batch.source not in self._tables:
            value = self._options.inputs[batch.source]
            table = resolve_input(value, self._options.tables.get(str(batch.source))).table
            assert table is not None
            self._tables[batch.source] = table
        if self._key != (batch.source, batch.file):
            table = self._tables[batch.source]
            self._frame = table.read() if batch.file is None else table.read_file(batch.file, batch.columns)
            self._key = (batch.source, batch.file)
        frame = self._frame
        if batch.partition is None:
            return frame.iloc[batch.first_row : batch.first_row + batch.size].reset_index(drop=True)
        wanted = tuple(batch.partition.values())
        rows = [values == wanted for values in _list_key_values(frame, list(batch.partition))]
        return frame[rows].reset_index(drop=True)


def _split_source(source: Source, options: Options) -> Iterator[MiniBatch]:
    """Yield the mini-batches of one input, by files, rows or partition keys."""
    if source.table is None:
        if options.partition_keys:
            return _split_files_by_keys(source, options.partition_keys)
        return _split_files(source.files, options.mini_batch_size or DEFAULT_BATCH_FILES)
    if options.partition_keys:
        return _split_by_keys(source.table, options.partition_keys)
    return _split_rows(source.table, options.mini_batch_size or DEFAULT_BATCH_BYTES)


def _split_files(files: List[str], batch_file_count: int) -> Iterator[MiniBatch]:
    for start in range(0, len(files), batch_file_count):
        piece = files[start : start + batch_file_count]
        yield MiniBatch(0, len(piece), 0, piece)


def _split_files_by_keys(source: Source, partition_keys: List[str]) -> Iterator[MiniBatch]:
    """Yield a batch for each combination of key values in the paths of files, in the order of their first files."""
    if source.key_values is None:
        raise NoItems("partition_keys need a table, or a dataset of files with a partition_format that is not mounted.")
    groups: dict[tuple[Any, ...], list[str]] = {}
    for path, values in zip(source.files, source.key_values):
        missing = [key for key in partition_keys if key not in values]
        if missing:
            raise NoItems("The partition_format of the files has no {}.".format(", ".join(missing)))
        groups.setdefault(tuple(_to_json_value(values[key]) for key in partition_keys), []).append(path)
    for key, files in groups.items():
        yield MiniBatch(0, len(files), 0, files, partition=dict(zip(partition_keys, key)))


def _split_rows(table: Table, batch_bytes: int) -> Iterator[MiniBatch]:
    """Yield batches of rows that correspond to about `batch_bytes` bytes of their files."""
    if table.needs_all_files:
        yield from _split_part(MiniBatch(0, 0, 0), table.files, len(table.read()), batch_bytes)
        return
    counts, columns = table.inspect()
    for index, (file, count) in enumerate(zip(table.files, counts)):
        yield from _split_part(MiniBatch(0, 0, 0, file=index, columns=columns), [file], count, batch_bytes)


def _split_part(part: MiniBatch, files: "List[Any]", row_count: int, batch_bytes: int) -> Iterator[MiniBatch]:
    """Yield batches of `row_count` rows read from files, each a copy of `part` with a range of the rows."""
    try:
        file_bytes = sum(os.path.getsize(file.source) for file in files)
    except OSError:  # a URL
        file_bytes = 0
    count = max(1, row_count * batch_bytes // file_bytes) if file_bytes else max(1, row_count)
    for start in range(0, row_count, count):
        yield part._replace(size=min(count, row_count - start), first_row=start)


def _split_by_keys(table: Table, partition_keys: List[str]) -> Iterator[MiniBatch]:
    """Yield a batch for each combination of key values, including missing values, in order of first appearance."""
    sizes: dict[tuple[Any, ...], int] = {}
    for values in _list_key_values(table.read(), partition_keys):
        sizes[values] = sizes.get(values, 0) + 1
    for values, size in sizes.items():
        yield MiniBatch(0, size, 0, partition=dict(zip(partition_keys, values)))


def _list_key_values(frame: Any, partition_keys: Sequence[str]) -> "list[tuple[Any, ...]]":
    """Return a tuple for each row, with its JSON values in the partition key columns."""
    return list(zip(*[[_to_json_value(value) for value in frame[name]] for name in partition_keys]))


def _to_json_value(value: Any) -> Any:
    """Convert a table's value to JSON: NumPy numbers to Python's, missing values to None, other types to strings."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT are the values that differ from themselves
        return None
    return value if isinstance(value, (bool, int, float, str)) else str(value)
