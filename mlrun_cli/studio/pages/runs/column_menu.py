"""Which columns can be chosen, and what a press in the list of them does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mlrun_cli.metrics.metric import SUMMARIES
from mlrun_cli.runs.order import METRIC, PROPERTY, TAG
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.runs_table.columns import RUN_COLUMNS, Column
from mlrun_cli.workspace import Workspace

_MOST_SHOWN = 30
_MOST_SEARCHED = 20_000


class ColumnGroup(NamedTuple):
    """Columns of one kind that can be added.

    Attributes:
        choices: the name of what is shown, with the columns it can be shown in: more than one of a metric.
        has_more: whether there are more than these; a search finds them.
    """

    title: str
    choices: Sequence[tuple[str, Sequence[Column]]]
    has_more: bool


def column_groups(workspace: Workspace, runs: Sequence[Run], sought: str) -> Sequence[ColumnGroup]:
    """The columns that can be added: all, or those whose name holds what is sought, in either case.

    Without a search the metrics are those of the runs that are shown.
    """
    bound = _MOST_SEARCHED if sought else _MOST_SHOWN + 1
    metrics = workspace.metric_summaries
    names = metrics.all_names(bound) if sought else metrics.names([run.key for run in runs], bound)
    groups = (
        _group("Of each run", RUN_COLUMNS, "{}", sought),
        _group("Metrics", names, f"{METRIC}:{{}}", sought, SUMMARIES),
        _group("Tags", workspace.run_pages.pair_keys(TAG, bound), f"{TAG}:{{}}", sought),
        _group("Properties", workspace.run_pages.pair_keys(PROPERTY, bound), f"{PROPERTY}:{{}}", sought),
    )
    return [group for group in groups if group.choices]


def _group(
    title: str, names: Sequence[str] | Mapping[str, str], form: str, sought: str, whichs: Sequence[str] = ()
) -> ColumnGroup:
    """The columns of some names, which may have other titles; of each name one column, or one of each of `whichs`."""
    titles = names if isinstance(names, Mapping) else {name: name for name in names}
    found = [(title, form.format(name)) for name, title in titles.items() if sought.lower() in title.lower()]
    choices = [
        (title, [column for column in map(Column.find, _columns_of(name, whichs)) if column is not None])
        for title, name in found[:_MOST_SHOWN]
    ]
    return ColumnGroup(title, choices, len(found) > _MOST_SHOWN)


def _columns_of(name: str, whichs: Sequence[str]) -> Sequence[str]:
    return [f"{name}:{which}" for which in whichs] or [name]


def changed_columns(columns: Sequence[Column], presses: Mapping[str, str]) -> Sequence[str]:
    """The names of the columns after a press: `add`, `drop`, `earlier` or `later` with the name of a column."""
    names = [column.name for column in columns]
    for press, name in presses.items():
        place = names.index(name) if name in names else -1
        if press == "add" and place < 0:
            names.append(name)
        elif press == "drop" and place >= 0:
            names.pop(place)
        elif press in {"earlier", "later"} and place >= 0:
            names.pop(place)
            names.insert(max(0, place - 1) if press == "earlier" else place + 1, name)
    return names
