"""The values of runs for charts with one value per run: statistics of metrics, and parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.metrics.metric import MetricSummary
from mlrun_cli.runs.parameters import Parameters
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.chart import Chart, Measure
from mlrun_cli.workspace import Workspace


class RunValues(NamedTuple):
    """The values of some runs.

    Attributes:
        summaries: the summaries of metrics, keyed by the key of a run and the name of the metric.
        parameters: the parameters of runs, keyed by the keys of the runs.
    """

    summaries: Mapping[tuple[int, str], MetricSummary]
    parameters: Mapping[int, Parameters] = {}

    @classmethod
    def read(cls, workspace: Workspace, runs: Sequence[Run], charts: Iterable[Chart]) -> RunValues:
        """Read those metrics and parameters of runs that the given charts show."""
        keys = [run.key for run in runs]
        names = {name for chart in charts for name in chart.metric_names}
        uses_parameters = any(chart.uses_parameters for chart in charts)
        return cls(
            workspace.metric_summaries.get_for_runs(keys, list(names)) if names else {},
            workspace.parameters.get_for_runs(keys) if uses_parameters else {},
        )

    def find(self, run: Run, measure: Measure) -> float | str | None:
        """Return the value of a metric or parameter, as a number or text, or None if the run has none."""
        if measure.is_parameter:
            parameter = self.parameters.get(run.key, {}).get(measure.name)
            return None if parameter is None else parameter.number if parameter.number is not None else parameter.text
        summary = self.summaries.get((run.key, measure.name))
        return None if summary is None else summary.get_statistic(measure.which)

    def find_number(self, run: Run, measure: Measure) -> float | None:
        """Return the value of a metric or parameter if it is a number, or None otherwise."""
        value = self.find(run, measure)
        return None if isinstance(value, str) else value


def order_categories(values: Iterable[float | str]) -> Sequence[float | str]:
    """Return distinct values as categories of an axis: sorted numbers, then sorted strings."""
    return sorted(set(values), key=lambda value: (isinstance(value, str), value))
