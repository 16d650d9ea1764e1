"""Listing of runs, newest first, requested page by page during iteration."""

from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Union

from azureml._client.client import get_client
from azureml.core._text_pairs import convert_values_to_strings, to_tag_keys

if TYPE_CHECKING:
    from azureml._client.client import WorkspaceNames
    from azureml.core.run import Run

KeyValueFilter = Union[Dict[str, Any], List[str], str, None]

_FIRST_PAGE = 20
_LARGEST_PAGE = 1000


def build_filter_arguments(
    type: "str | None",
    tags: KeyValueFilter,
    properties: KeyValueFilter,
    status: "str | list[str] | None",
) -> "dict[str, Any]":
    """Return the arguments of the request `runs.list` for the runs that match a filter.

    `tags` and `properties` are either a dict, or one or several keys, which match any value; `status` is one
    status or several.

    Raises:
        UserErrorException: A key is not a string, or a filter value cannot be converted to one.
    """
    chosen: dict[str, Any] = {"run_type": type}
    for name, keys, wanted in (("tags", "tag_keys", tags), ("properties", "property_keys", properties)):
        if isinstance(wanted, dict):
            chosen[name] = convert_values_to_strings(wanted, name)
        elif wanted is not None:
            chosen[keys] = to_tag_keys(wanted)
    if status is not None:
        chosen["status"] = [status] if isinstance(status, str) else list(status)
    return chosen


def iterate_runs(workspace: "WorkspaceNames", filter_arguments: "dict[str, Any]") -> "Iterator[Run]":
    """Yield the runs that match the filter arguments, except those created after the first page was read."""
    from azureml.core.run import Run

    return (Run._from_record(workspace, record) for record in iterate_records(workspace, filter_arguments))


def iterate_records(workspace: "WorkspaceNames", filter_arguments: "dict[str, Any]") -> "Iterator[dict[str, Any]]":
    """Yield the records of the runs that match the filter arguments, like `iterate_runs`."""
    before, limit = None, _FIRST_PAGE
    while True:
        page = get_client().request("runs.list", workspace=workspace, limit=limit, before=before, **filter_arguments)
        yield from page["runs"]
        before = page["next"]
        if before is None:
            return
        limit = min(limit * 4, _LARGEST_PAGE)
