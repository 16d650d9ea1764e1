"""The menus of values that runs can be filtered by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mlrun_cli.runs.status import ACTIVE, RunStatus
from mlrun_cli.studio.runs_table.view import RunsView
from mlrun_cli.workspace import Workspace

_MOST_VALUES = 50
_COLUMNS = (("target", "Target"), ("submitter", "Submitter"), ("type", "Type"))


class FilterMenu(NamedTuple):
    """A menu.

    Attributes:
        name: the parameter of the address.
        values: those that occur, the first of them, and those that are chosen.
        has_more: whether more occur.
    """

    name: str
    title: str
    values: Sequence[str]
    has_more: bool


def filter_menus(workspace: Workspace, view: RunsView, *, of_all_experiments: bool) -> Sequence[FilterMenu]:
    """The menus that offer a choice."""
    values_of = workspace.run_pages.values_of
    menus = [
        _menu("status", "Status", [ACTIVE, *values_of("status"), RunStatus.NOT_RESPONDING.value], view),
        *(_menu(name, title, values_of(name, _MOST_VALUES + 1), view) for name, title in _COLUMNS),
    ]
    if of_all_experiments:
        names = [experiment.name for experiment in workspace.experiments.list()]
        menus.insert(1, _menu("experiment", "Experiment", names, view))
    return [menu for menu in menus if menu.values]


def _menu(name: str, title: str, values: Sequence[str], view: RunsView) -> FilterMenu:
    shown = dict.fromkeys([*values[:_MOST_VALUES], *getattr(view, name)])
    return FilterMenu(name, title, list(shown), len(values) > _MOST_VALUES)
