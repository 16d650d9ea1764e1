"""The filter and the sort order of a page of runs, parsed from its view."""

from __future__ import annotations

from collections.abc import Mapping

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import UsageError
from mlrun_cli.runs.filter import Fault, RunFilter, parse_filter
from mlrun_cli.runs.order import NEWEST_FIRST, RunOrder
from mlrun_cli.studio.runs_table.view import RunsView


class ViewFilter(NamedTuple):
    """The filter and the sort order of a view, and the errors in invalid parameters.

    Attributes:
        which: a filter with all valid conditions.
        order: the order, or the default order if it is not valid.
        faults: the errors, keyed by URL parameter.
    """

    which: RunFilter
    order: RunOrder
    faults: Mapping[str, Fault]


def parse_view_filter(view: RunsView, experiment_name: str | None, now: int) -> ViewFilter:
    """Parse the filter and the sort order of a view.

    Args:
        view: the view of the page.
        experiment_name: the experiment of the page; None for all experiments.
        now: the current time, in microseconds.
    """
    which, faults = parse_filter(
        {word: texts for word, texts in view.filters.items() if word != "experiment" or experiment_name is None},
        now,
    )
    is_flat = view.children and not view.is_tree()
    which = which._replace(experiment_name=experiment_name, include_children=which.include_children or is_flat)
    try:
        order = RunOrder.parse(view.sort)
    except UsageError as error:
        return ViewFilter(which, NEWEST_FIRST, {**faults, "sort": Fault(view.sort, error)})
    return ViewFilter(which, order, faults)
