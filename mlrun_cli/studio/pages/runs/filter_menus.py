"""The menus for choosing filter values."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.status import ACTIVE, RunStatus
from mlrun_cli.studio.runs_table.view import RunsView
from mlrun_cli.workspace import Workspace

_MAX_VALUES = 50
_COLUMNS = (("target", "Target"), ("submitter", "Submitter"), ("type", "Type"))


class FilterMenu(NamedTuple):
    """A menu of filter values.

    Attributes:
        name: the name of the URL parameter.
        values: the values of runs, up to a limit, and the selected values.
        has_more: whether runs have further values.
    """

    name: str
    title: str
    values: Sequence[str]
    has_more: bool


def build_filter_menus(workspace: Workspace, view: RunsView, *, all_experiments: bool) -> Sequence[FilterMenu]:
    """Build the filter menus of a page, omitting empty ones; only pages of all experiments have an experiment menu."""
    list_values = workspace.run_pages.list_values
    menus = [
        _build_menu("status", "Status", [ACTIVE, *list_values("status"), RunStatus.NOT_RESPONDING.value], view),
        *(_build_menu(name, title, list_values(name, _MAX_VALUES + 1), view) for name, title in _COLUMNS),
    ]
    if all_experiments:
        names = [experiment.name for experiment in workspace.experiments.list()]
        menus.insert(1, _build_menu("experiment", "Experiment", names, view))
    return [menu for menu in menus if menu.values]


def _build_menu(parameter_name: str, title: str, values: Sequence[str], view: RunsView) -> FilterMenu:
    shown = dict.fromkeys([*values[:_MAX_VALUES], *getattr(view, parameter_name)])
    return FilterMenu(parameter_name, title, list(shown), len(values) > _MAX_VALUES)
