"""The menus of filter values."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.status import ACTIVE, RunStatus
from mlrun_cli.studio.runs_table.view import RunsView
from mlrun_cli.workspace import Workspace

_MAX_VALUES = 50
_COLUMNS = (("target", "Target"), ("submitter", "Submitter"), ("type", "Type"))


class FilterMenu(NamedTuple):
    """A menu.

    Attributes:
        name: the parameter of the URL.
        values: those that occur, up to a limit, and the selected ones.
        has_more: whether more occur.
    """

    name: str
    title: str
    values: Sequence[str]
    has_more: bool


def build_filter_menus(workspace: Workspace, view: RunsView, *, all_experiments: bool) -> Sequence[FilterMenu]:
    """Build the menus that have values."""
    list_values = workspace.run_pages.list_values
    menus = [
        _build_menu("status", "Status", [ACTIVE, *list_values("status"), RunStatus.NOT_RESPONDING.value], view),
        *(_build_menu(name, title, list_values(name, _MAX_VALUES + 1), view) for name, title in _COLUMNS),
    ]
    if all_experiments:
        names = [experiment.name for experiment in workspace.experiments.list()]
        menus.insert(1, _build_menu("experiment", "Experiment", names, view))
    return [menu for menu in menus if menu.values]


def _build_menu(name: str, title: str, values: Sequence[str], view: RunsView) -> FilterMenu:
    shown = dict.fromkeys([*values[:_MAX_VALUES], *getattr(view, name)])
    return FilterMenu(name, title, list(shown), len(values) > _MAX_VALUES)
