"""The text boxes and menus of filters, as `runs/filter.py` declares them."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.filter import TERMS
from mlrun_cli.runs.status import ACTIVE, RunStatus
from mlrun_cli.studio.runs_table.view import RunsView
from mlrun_cli.workspace import Workspace

TEXT_BOXES = {word: term for word, term in TERMS.items() if term.example}
"""The terms of the filter language that are typed, keyed by word."""
_MAX_VALUES = 50


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
    menus = []
    for word, term in TERMS.items():
        if term.has_menu and (word != "experiment" or all_experiments):
            values = _list_values(workspace, word)
            shown = dict.fromkeys([*values[:_MAX_VALUES], *view.get_filter_values(word)])
            menus.append(FilterMenu(word, term.label, list(shown), len(values) > _MAX_VALUES))
    return [menu for menu in menus if menu.values]


def _list_values(workspace: Workspace, word: str) -> Sequence[str]:
    """Return the values for a filter menu, including at least one more than it shows if there are more."""
    if word == "status":
        return [ACTIVE, *workspace.run_pages.list_values(word), RunStatus.NOT_RESPONDING.value]
    if word == "experiment":
        return [experiment.name for experiment in workspace.experiments.list()]
    return workspace.run_pages.list_values(word, _MAX_VALUES + 1)
