"""Parameters of runs."""

from __future__ import annotations

import time
from typing import Any

from mlrun_cli.errors import StoreError
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import NEWEST_FIRST, PARAMETER, RunOrder
from mlrun_cli.runs.parameters import get_parameter_values
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace

STEP_RUNS = 200
"""The number of runs whose parameters are read at once, while which other processes cannot write."""
PATIENCE_SECONDS = 1.0
"""How long a query by parameter reads the parameters of older runs before it goes on without the rest."""


def get_parameters(workspace: Workspace, run: Run) -> dict[str, Any]:
    """Return the parameters of a run, each a number or a string."""
    return get_parameter_values(workspace.parameters.get(run.key))


def backfill_parameters(workspace: Workspace, max_seconds: float = PATIENCE_SECONDS) -> bool:
    """Store the parameters of runs from older versions; return whether this is done for all of them.

    Every process that depends on them goes on with that for some seconds, the studio until it is done. If the store
    cannot be written, nothing is read.
    """
    if not workspace.parameters.has_unread_runs():
        return True
    deadline = time.monotonic() + max_seconds
    try:
        workspace.reopen_if_replaced()
        while workspace.parameters.store_unread_parameters(STEP_RUNS):
            if time.monotonic() >= deadline:
                return False
    except StoreError:
        return False
    return True


def depends_on_parameters(run_filter: RunFilter, order: RunOrder = NEWEST_FIRST) -> bool:
    """Return whether a query's results may be incomplete until `backfill_parameters` has read all runs."""
    if run_filter.parameters or run_filter.text or order.column.startswith(f"{PARAMETER}:"):
        return True
    if run_filter.where is None:
        return False
    from mlrun_cli.runs.where.condition import iterate_predicates  # noqa: PLC0415 - start-up
    from mlrun_cli.runs.where.value_name import PLAIN  # noqa: PLC0415

    return any(each.name.kind in {PARAMETER, PLAIN} for each in iterate_predicates(run_filter.where))
