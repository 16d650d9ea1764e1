"""What runs have logged."""

from __future__ import annotations

from typing import Any

from mlrun_cli.domain.run import Run
from mlrun_cli.errors import NotFound
from mlrun_cli.workspace import Workspace


def get_metrics(workspace: Workspace, run: Run, *, name: str | None, last: bool) -> dict[str, Any]:
    """Metrics by name, in the shape of `Run.get_metrics()`, or with `last` the newest value of each.

    Raises:
        NotFound: the run has not logged a metric of this name; lists those that it has.
    """
    read = workspace.metrics.get_last if last else workspace.metrics.get
    metrics = read(run.key, name)
    if name is not None and not metrics:
        logged = ", ".join(f"'{known}'" for known in workspace.metrics.get_last(run.key)) or "none yet"
        raise NotFound(f"The run '{run.run_id}' has no metric '{name}'.", hint=f"There are: {logged}.")
    return metrics
