"""Human-readable details and metrics of runs, for `run show -o table` and `run metrics -o table`."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TextIO

from mlrun_cli.cli.output.columns import Layout, format_local_time, localize_times
from mlrun_cli.cli.output.record_table import Field, build_fields_layout
from mlrun_cli.cli.output.runs_table import format_run_duration, format_status, format_tags, get_shown_tags
from mlrun_cli.runs.resources import Resources, describe_resources
from mlrun_cli.wire.bookkeeping_tags import SWEEP_RUN
from mlrun_cli.wire.run_error import describe_error
from mlrun_cli.wire.run_output import make_printable

LABEL_WIDTH = 13
_NARROWEST, _WIDEST = 20, 120
_COPIED = frozenset({"Run", "Script", "Web view"})
_DIGITS = 6
_STATUS_COLOURS = {"Completed": "\033[32m", "Failed": "\033[31m", "NotResponding": "\033[31m", "Canceled": "\033[33m"}
_SYSTEM_PROPERTIES = frozenset(
    {
        *("ContentSnapshotId", "ProcessInfoFile"),
        *("ComputeTargetType", "StepType", "mlrun.stepFingerprint", "runSource", "runType"),
    }
)
_SWEEP_PROPERTIES = frozenset(
    {
        *("best_child_run_id", "best_data_container_id", "best_metric_status", "score"),
        *("platform", "primary_metric_config", "resume_from", "runTemplate", "space_size"),
    }
)
_METRIC_FIELDS = (
    Field("Metric", "name", 12),
    Field("Last", "last", 10),
    Field("Min", "min"),
    Field("Max", "max"),
    Field("Count", "count", 1),
    Field("Run", "run", 12, keeps_end=True),
)


def print_run(
    record: Mapping[str, Any], *, file: TextIO, width: int | None, now: datetime, colour: bool = False
) -> None:
    """Print the fields of a `run show` record that have a value, each with a label.

    Sentences and lists are wrapped at `width`; values that a person may copy are not. With `colour`, labels are bold.
    """
    encoding = file.encoding or "ascii"
    room = get_value_width(width)
    for label, text in _iterate_fields(record, encoding, now):
        lines = [text] if label in _COPIED else [line for each in text.splitlines() for line in _wrap_text(each, room)]
        for number, line in enumerate(filter(None, lines)):
            shown = make_printable(line).encode(encoding, "replace").decode(encoding)
            label_text = f"{label if number == 0 else '':<{LABEL_WIDTH}}"
            if colour and number == 0:
                shown = f"{_get_colour(label, record)}{shown}\033[0m"
                label_text = f"\033[1m{label_text}\033[0m"
            file.write(f"{label_text}{shown}\n")


def get_value_width(terminal_width: int | None) -> int:
    """Return the width of the values' column in a terminal of the given width, or in a file if that is None."""
    return max(_NARROWEST, (terminal_width or _WIDEST) - LABEL_WIDTH)


def build_metrics_layout(metrics: Mapping[str, Mapping[str, Any]]) -> Layout:
    """Return a table with a line for each metric of runs, or for each column of a metric logged as rows or tables."""
    several = len(metrics) > 1
    records = [
        {"name": name, **_summarize_values(values), **({"run": run_id} if several else {})}
        for run_id, of_run in metrics.items()
        for name, values in _flatten_metrics(of_run)
    ]
    return build_fields_layout(records, _METRIC_FIELDS)


def _iterate_fields(record: Mapping[str, Any], encoding: str, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield the label and the text of each field of a run that has a value."""
    definition = record.get("run_definition") or {}
    script = record.get("script_name") or definition.get("script")
    texts = {
        "Run": record["run_id"],
        "Name": record.get("display_name"),
        "Description": record.get("description"),
        "Experiment": record.get("_experiment_name"),
        "Status": _format_status(record, encoding),
        "Waits for": localize_times(record.get("waiting_for") or ""),
        "Error": describe_error(record.get("error")),
        "Created": format_local_time(record.get("created_utc")),
        "Started": format_local_time(record.get("start_time_utc")),
        "Ended": format_local_time(record.get("end_time_utc")),
        "Duration": format_run_duration(record, now),
        "Attempts": _describe_attempts(record.get("attempts") or ()),
        "Target": record.get("target"),
        "Script": None if script is None else shlex.join([script, *map(str, definition.get("arguments") or [])]),
        "Parameters": ", ".join(f"{name} = {value}" for name, value in (record.get("parameters") or {}).items()),
        "Resources": _describe_resources(record.get("resources")),
        "Parent": record.get("parent_run_id"),
        "Tags": format_tags(get_shown_tags(record)),
        "Properties": format_tags(
            {
                key: value
                for key, value in (record.get("properties") or {}).items()
                if not _is_system_property(key, record.get("run_type"))
            }
        ),
    }
    yield from ((label, text) for label, text in texts.items() if text)
    yield from (("Warning", warning["message"]) for warning in record.get("warnings") or ())
    if record.get("web_view"):
        yield "Web view", record["web_view"]


def _get_colour(label: str, record: Mapping[str, Any]) -> str:
    """Return the escape sequence that starts a field's colour, or an empty string if the field has none."""
    if label == "Error":
        return "\033[31m"
    if label == "Warning":
        return "\033[33m"
    return _STATUS_COLOURS.get(record["status"], "\033[36m") if label == "Status" else ""


def _wrap_text(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)


def _format_status(record: Mapping[str, Any], encoding: str) -> str:
    how = f" (signal {record['signal']})" if record.get("signal") else ""
    if record.get("exit_code"):
        how = f" (exit code {record['exit_code']})"
    return f"{format_status(record, encoding)}{how}"


def _describe_attempts(attempts: Sequence[Mapping[str, Any]]) -> str:
    """Return the number of attempts and how all but the last ended, as text; empty for a single attempt."""
    ends = [
        f"signal {each['signal']}" if each.get("signal") else f"exit code {each.get('exit_code', 'unknown')}"
        for each in attempts[:-1]
    ]
    return f"{len(attempts)}, after {', '.join(ends)}" if ends else ""


def _describe_resources(resources: Mapping[str, Any] | None) -> str | None:
    """Return the resources that a run has used as one line of text, or None if they were not measured."""
    return None if resources is None else describe_resources(Resources(**resources))


def _is_system_property(property_name: str, run_type: str | None) -> bool:
    """Return whether a property is set by the system and not by a user."""
    names = _SYSTEM_PROPERTIES | _SWEEP_PROPERTIES if run_type == SWEEP_RUN else _SYSTEM_PROPERTIES
    return property_name.startswith(("azureml.", "_azureml.", "mlflow.")) or property_name in names


def _flatten_metrics(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the name and the values of each metric, with the columns of a table as metrics of their own."""
    for name, value in metrics.items():
        columns = {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, Mapping) else {name: value}
        for key, one in columns.items():
            yield key, one if isinstance(one, list) else [one]


def _summarize_values(values: Sequence[Any]) -> dict[str, str]:
    """Return a metric's last value and, if it has several values, their count and range, as texts keyed by heading."""
    numbers = [value for value in values if type(value) in {int, float}]
    comparable = [number for number in numbers if number == number]  # noqa: PLR0124 - NaN differs from itself
    has_range = len(comparable) > 1
    return {
        "last": format_value(values[-1]) if values else "",
        "min": format_value(min(comparable)) if has_range else "",
        "max": format_value(max(comparable)) if has_range else "",
        "count": str(len(values)) if len(values) != 1 else "",
    }


def format_value(value: object) -> str:
    """Return a value as text, with floats rounded to six significant digits."""
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)
