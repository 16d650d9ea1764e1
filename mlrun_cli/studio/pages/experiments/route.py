"""The route of the list of experiments, with the outcomes of their runs."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from mlrun_cli.actions.experiments import list_experiment_outcomes
from mlrun_cli.experiments.outcomes import ExperimentOutcomes
from mlrun_cli.studio.page_request import PageRequest

_BAR_WIDTH = 120.0


def show(page: PageRequest) -> Response:
    """Show the experiments that match the search, most recently active first."""
    search = page.get_query_parameter("search").strip()
    experiments = list_experiment_outcomes(page.workspace, search or None)
    return page.render(
        "pages/experiments/template.html",
        overviews=[(outcomes, _build_outcome_bar(outcomes)) for outcomes in experiments],
        search=search,
        topic=page.build_topic("runs"),
    )


def _build_outcome_bar(outcomes: ExperimentOutcomes) -> Sequence[tuple[str, float, float]]:
    """Return the colour class, start and width of each segment of the outcome bar."""
    counts = (
        ("good", outcomes.completed),
        ("bad", outcomes.failed),
        ("off", outcomes.canceled),
        ("active", outcomes.active),
    )
    parts = []
    start = 0.0
    for kind, count in counts:
        if count:
            width = _BAR_WIDTH * count / outcomes.total_runs
            parts.append((kind, round(start, 2), round(width, 2)))
            start += width
    return parts
