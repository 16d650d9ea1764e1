"""What the filters and the order of a page of runs mean, and what is wrong with those that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mlrun_cli.errors import UsageError
from mlrun_cli.runs.filter import TERMS, Fault, RunFilter, parse_filter
from mlrun_cli.runs.order import NEWEST_FIRST, RunOrder
from mlrun_cli.studio.runs_table.view import RunsView


class ViewFilter(NamedTuple):
    """The runs that a view shows, by those of its filters that mean something.

    Attributes:
        faults: what is wrong with the others, and with the order, by the parameter of the address.
    """

    which: RunFilter
    order: RunOrder
    faults: Mapping[str, Fault]


def view_filter(view: RunsView, experiment_name: str | None, now: int) -> ViewFilter:
    """Return what a view shows: of one experiment, or of all.

    Args:
        view: as its address has it.
        experiment_name: of the page; None where it shows all experiments.
        now: the present time, in microseconds.
    """
    which, faults = parse_filter(
        {
            word: [text] if isinstance(text := getattr(view, word, ()), str) and text else text
            for word in TERMS
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
