"""Runs as a pandas data frame with the columns of `mlrun run list -o csv`."""

from typing import TYPE_CHECKING, Any, Dict, List

from azureml._wire.bookkeeping_tags import drop_bookkeeping_tags
from azureml._wire.flat_records import RUN_COLUMNS, flatten_record, list_columns
from azureml.core._run_listing import iterate_records
from azureml.data._tables import import_pandas
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml._client.client import WorkspaceNames

_WORDS_OF_LISTS = {"metrics": "best", "parameters": "differing"}
_TIMES = ("created_utc", "start_time_utc", "end_time_utc")


def build_data_frame(workspace: "WorkspaceNames", filter_arguments: "Dict[str, Any]") -> Any:
    """Return a data frame of the runs, newest first, that match a filter given as arguments of the request `runs.list`.

    Times are timestamps in UTC. A column with numbers and texts is text, so that files of one type per column, such as
    Parquet, can take it.

    Raises:
        UserErrorException: pandas is not installed, or the choice of metrics or parameters depends on all runs.
    """
    for name, word in _WORDS_OF_LISTS.items():
        if filter_arguments[name] == word:
            raise UserErrorException(f"{name} is 'all', None or names, not {word!r}: choose such columns with pandas.")
    pandas = import_pandas()
    rows = [flatten_record(_drop_bookkeeping_tags(record)) for record in iterate_records(workspace, filter_arguments)]
    columns = list_columns(rows, RUN_COLUMNS, is_sorted=True)
    frame = pandas.DataFrame({name: _unify_types([row.get(name) for row in rows]) for name in columns}, columns=columns)
    for name in _TIMES:
        frame[name] = pandas.to_datetime(frame[name], utc=True)
    return frame


def _drop_bookkeeping_tags(record: "Dict[str, Any]") -> "Dict[str, Any]":
    """Return a run's record without the tags in which sweeps and pipelines store their own data."""
    return {**record, "tags": drop_bookkeeping_tags(record["run_type"], record["run_id"], record["tags"])}


def _unify_types(column: "List[Any]") -> "List[Any]":
    """Return the values of a column, with all except None converted to strings if some, but not all, are strings."""
    if len({isinstance(value, str) for value in column if value is not None}) < 2:
        return column
    return [value if value is None else str(value) for value in column]
