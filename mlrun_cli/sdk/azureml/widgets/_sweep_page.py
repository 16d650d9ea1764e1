"""The view of a sweep in a notebook: its progress, its best runs, their curves and parallel coordinates."""

from html import escape as html
from typing import Any, Dict, List

from azureml.widgets._page import RunPage, format_number, format_table
from azureml.widgets._sweep_drawings import draw_curves, draw_parallel_coordinates

_MAX_RUNS = 20
_CURVE_POINTS = 60
_MINUTE, _HOUR = 60, 3600


class SweepPage(RunPage):
    """A view of a sweep in its last known state."""

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self._sweep: Dict[str, Any] | None = None

    def read(self) -> Dict[str, Any]:
        """Read the state of the sweep and return the record of its run."""
        record = super().read()
        self._sweep = self._run._request("runs.sweep", limit=_MAX_RUNS, curve_points=_CURVE_POINTS)
        return record

    def _build_children_html(self) -> "List[str]":
        """Return the parts of the page, in HTML, about the sweep's runs."""
        sweep = self._sweep
        if sweep is None:  # its tags were removed
            return super()._build_children_html()
        metric = sweep["definition"]["primary_metric_config"]["name"]
        parameters = list(sweep["definition"]["generator_config"]["parameter_space"])
        parts = [f"<p>{html(_describe_progress(sweep))}</p>"]
        runs = sweep["runs"]
        if not runs:
            return parts
        heads = ("Run", *(name.lstrip("-") for name in parameters), f"Best {metric}", "Last", "Values", "Status", "")
        rows = [
            (
                run["run_id"] if run["number"] is None else run["number"],
                *(_format_value(run["values"].get(name)) for name in parameters),
                format_number(run["best"]),
                format_number(run["last"]),
                run["value_count"],
                run["status"],
                run["reason"] or "",
            )
            for run in runs
        ]
        parts.append(format_table(heads, rows, sweep["run_count"]))
        parts.append(draw_curves(runs, metric))
        parts.append(draw_parallel_coordinates(runs, parameters, metric))
        return parts


def _describe_progress(sweep: "Dict[str, Any]") -> str:
    """Return a sentence on how many runs have ended, in which statuses, and on the estimated remaining time."""
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(sweep["statuses"].items()))
    told = f"{sweep['ended']} of {sweep['total']} runs have ended"
    told += f" ({statuses})" if statuses else ""
    seconds = sweep["remaining_seconds"]
    return told if seconds is None else f"{told}; about {_format_seconds(seconds)} left"


def _format_seconds(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < _HOUR else f"{seconds / _HOUR:.1f} h"


def _format_value(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
