"""The filter and the order that a page of runs describes."""

from __future__ import annotations

from collections.abc import Mapping

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import UsageError
from mlrun_cli.runs.filter import Fault, RunFilter, parse_filter
from mlrun_cli.runs.order import NEWEST_FIRST, RunOrder
from mlrun_cli.studio.runs_table.view import FILTERS, RunsView


class ViewFilter(NamedTuple):
    """The valid filters of a view, its order, and its problems.

    Attributes:
        faults: problems of the other filters and of the order, by the parameter of the URL.
    """

    which: RunFilter
    order: RunOrder
    faults: Mapping[str, Fault]


def parse_view_filter(view: RunsView, experiment_name: str | None, now: int) -> ViewFilter:
    """Parse the filters and the order of a view.

    Args:
        view: as its URL describes it.
        experiment_name: of the page; None for all experiments.
        now: the present time, in microseconds.
    """
    which, faults = parse_filter(
        {
            word: [text] if isinstance(text := getattr(view, word), str) and text else text
            for word in FILTERS
            if word != "experiment" or experiment_name is None
        },
        now,
    )
    is_flat = view.children and not view.is_tree()
    which = which._replace(experiment_name=experiment_name, include_children=which.include_children or is_flat)
    try:
        order = RunOrder.parse(view.sort)
    except UsageError as error:
        return ViewFilter(which, NEWEST_FIRST, {**faults, "sort": Fault(view.sort, error)})
    return ViewFilter(which, order, faults)
