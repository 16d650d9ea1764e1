"""The menu for choosing the columns of a table of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.metrics.metric import SUMMARIES
from mlrun_cli.runs.order import METRIC, PARAMETER, PROPERTY, TAG
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.runs_table.columns import RUN_COLUMNS, Column
from mlrun_cli.workspace import Workspace

_MAX_SHOWN = 30
_MAX_SEARCHED = 20_000


class ColumnGroup(NamedTuple):
    """A group of columns that can be added, of one kind.

    Attributes:
        choices: titles with their columns, several for a metric.
        has_more: whether there are further columns, which a search can find.
    """

    title: str
    choices: Sequence[tuple[str, Sequence[Column]]]
    has_more: bool


def build_column_groups(workspace: Workspace, runs: Sequence[Run], search: str) -> Sequence[ColumnGroup]:
    """Return the groups of columns that can be added, filtered by a case-insensitive search.

    Without a search, only parameters and metrics of the given runs are included.
    """
    bound = _MAX_SEARCHED if search else _MAX_SHOWN + 1
    metrics = workspace.metric_summaries
    names = metrics.list_all_names(bound) if search else metrics.list_names([run.key for run in runs], bound)
    parameters = _list_parameter_names(workspace, runs, bound, is_searched=bool(search))
    groups = (
        _build_group("Of each run", RUN_COLUMNS, "{}", search),
        _build_group("Parameters", parameters, f"{PARAMETER}:{{}}", search),
        _build_group("Metrics", names, f"{METRIC}:{{}}", search, SUMMARIES),
        _build_group("Tags", workspace.run_pages.list_tag_keys(bound), f"{TAG}:{{}}", search),
        _build_group("Properties", workspace.run_pages.list_property_keys(bound), f"{PROPERTY}:{{}}", search),
    )
    return [group for group in groups if group.choices]


def _list_parameter_names(workspace: Workspace, runs: Sequence[Run], limit: int, *, is_searched: bool) -> Sequence[str]:
    """Return the names of all parameters in the workspace or, without a search, of the given runs' parameters."""
    if is_searched:
        return workspace.parameters.list_all_names(limit)
    found = workspace.parameters.get_for_runs([run.key for run in runs])
    return sorted({name for parameters in found.values() for name in parameters})[:limit]


def _build_group(
    title: str,
    names: Sequence[str] | Mapping[str, str],
    column_pattern: str,
    search: str,
    summaries: Sequence[str] = (),
) -> ColumnGroup:
    """Build a group of columns from names, with one column per name, or one for each of `summaries`."""
    titles = names if isinstance(names, Mapping) else {name: name for name in names}
    found = [(title, column_pattern.format(name)) for name, title in titles.items() if search.lower() in title.lower()]
    choices = [
        (title, [column for column in map(Column.find, _list_column_names(name, summaries)) if column is not None])
        for title, name in found[:_MAX_SHOWN]
    ]
    return ColumnGroup(title, choices, len(found) > _MAX_SHOWN)


def _list_column_names(metric_name: str, summaries: Sequence[str]) -> Sequence[str]:
    return [f"{metric_name}:{which}" for which in summaries] or [metric_name]


def apply_column_changes(columns: Sequence[Column], changes: Mapping[str, str]) -> Sequence[str]:
    """Return column names after changes, given as `add`, `drop`, `earlier` or `later` with a column's name."""
    names = [column.name for column in columns]
    for change, name in changes.items():
        place = names.index(name) if name in names else -1
        if change == "add" and place < 0:
            names.append(name)
        elif change == "drop" and place >= 0:
            names.pop(place)
        elif change in {"earlier", "later"} and place >= 0:
            names.pop(place)
            names.insert(max(0, place - 1) if change == "earlier" else place + 1, name)
    return names
