"""Schedule files, which `az ml pipeline create-schedule` reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.documents.read import read_document
from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import InvalidFile, InvalidValue
from mlrun_cli.pipelines.json_reader import JsonReader
from mlrun_cli.pipelines.recurrence import Recurrence
from mlrun_cli.pipelines.validation import find_similar_name

_TOP = "Schedule"
_NONE = ("None", "none")
_FIELDS: Mapping[str, str] = {
    "description": "description",
    "pipeline_parameters": "parameters",
    "datastore_name": "datastore",
    "polling_interval": "polling_minutes",
    "data_path_parameter_name": "data_path_parameter",
    "continue_on_step_failure": "continue_on_step_failure",
    "path_on_datastore": "path_on_datastore",
}
"""The keys of a file, with the fields of `ScheduleSettings`."""
_IGNORED = ("wait_for_provisioning", "wait_timeout", "recurrence")
_RECURRENCE_KEYS = ("frequency", "interval", "start_time", "time_zone", "hours", "minutes", "time_of_day", "week_days")


def read_schedule_file(path: Path) -> dict[str, Any]:
    """Read a schedule file and return its fields as in the JSON of `ScheduleSettings`.

    Raises:
        InvalidFile: it cannot be read, or has no key `Schedule`.
        SeveralProblems: there are several wrong keys.
    """
    root = read_document(path)
    if not isinstance(root.content, dict) or _TOP not in root.content:
        raise root.build_error(f"there is no key '{_TOP}'", hint="A schedule is described below this key.")
    keys = root.as_mapping()[_TOP].as_mapping()
    problems = Problems()
    found: dict[str, Any] = {}
    for key, node in keys.items():
        with problems.collect_errors():
            if key not in _FIELDS and key not in _IGNORED:
                raise _build_unknown_key_error(node, "schedule", key, (*_FIELDS, *_IGNORED))
            if key in _FIELDS and not _is_none(node):
                found[_FIELDS[key]] = _read_value(key, node)
    recurrence = keys.get("recurrence")
    if recurrence is not None and not _is_none(recurrence):
        with problems.collect_errors():
            found["recurrence"] = _read_recurrence(recurrence)
    problems.raise_if_any()
    return found


def _build_unknown_key_error(node: Node, noun: str, key: str, known_keys: Collection[str]) -> InvalidFile:
    nearest = find_similar_name(key, known_keys)
    guess = f"Did you mean '{nearest}'? " if nearest else ""
    return node.build_error(f"a {noun} has no such key", hint=f"{guess}It has: {', '.join(known_keys)}.")


def _is_none(node: Node) -> bool:
    return node.is_null or node.content in _NONE


def _read_value(key: str, node: Node) -> Any:
    if key == "pipeline_parameters":
        node.as_mapping()
        return node.to_plain()
    if key == "polling_interval":
        return node.as_integer()
    return node.as_boolean() if key == "continue_on_step_failure" else node.as_text()


def _read_recurrence(node: Node) -> dict[str, Any]:
    """Return a recurrence as a JSON-compatible dict; errors contain the line of the invalid key."""
    for key, one in node.as_mapping().items():
        if key not in _RECURRENCE_KEYS:
            raise _build_unknown_key_error(one, "recurrence", key, _RECURRENCE_KEYS)
    keys = {key: one for key, one in node.as_mapping().items() if not _is_none(one)}
    document: dict[str, Any] = {
        key: one.as_text() if key in {"start_time", "time_zone", "time_of_day"} else one.to_plain()
        for key, one in keys.items()
    }
    time_of_day = document.pop("time_of_day", None)
    if time_of_day is not None:
        if "hours" in keys or "minutes" in keys:
            raise keys["time_of_day"].build_error("a recurrence has time_of_day, or hours and minutes, not both")
        document |= _parse_time_of_day(keys["time_of_day"], time_of_day)
    try:
        return Recurrence.from_json(JsonReader(document, "recurrence")).to_json()
    except InvalidValue as error:
        key = (error.target or "").rpartition(".")[2]
        place = keys.get("time_of_day" if key in {"hours", "minutes"} and time_of_day is not None else key, node)
        reason = error.message.partition(": ")[2].rstrip(".") or error.message.rstrip(".")
        raise place.build_error(reason, hint=error.hint) from error


def _parse_time_of_day(node: Node, text: str) -> dict[str, list[int]]:
    hour, _, minute = text.partition(":")
    if not (hour.isdecimal() and minute.isdecimal() and len(minute) == 2):
        raise node.build_error("expected a time as hh:mm, in quotes", hint="Write time_of_day: '15:30'.")
    return {"hours": [int(hour)], "minutes": [int(minute)]}
