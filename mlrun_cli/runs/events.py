"""The events of a run on a node, which its supervisor writes to its shared folder instead of the store.

Each start of the supervisor, an attempt, writes a journal of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from mlrun_cli.core.json_lines import NUMBER, append_lines, iterate_json_lines, list_json_lines_files
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import now
from mlrun_cli.runs.attempt import Documents, append_next_attempt
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.shared_folder import SharedRunFolder
from mlrun_cli.runs.status import RunStatus

FOLDER = "events"


class StartEvent(NamedTuple):
    """A supervisor was started, for the first time or again, on a node.

    Attributes:
        attempt: the number of the start.
        node: the name of the node; of several, the engine's list, as in `n[1-4]`.
        job_id: the id of the job that has started it; empty if the job does not know it.
    """

    attempt: int
    node: str
    job_id: str = ""


class StatusEvent(NamedTuple):
    """Columns were set, along with the status if it was one of `before`; `at` is in microseconds."""

    before: Collection[RunStatus]
    after: RunStatus
    columns: Mapping[str, Any]
    at: int


class PropertiesEvent(NamedTuple):
    """Properties were added to the run."""

    properties: Mapping[str, str]


class FilesEvent(NamedTuple):
    """New files were created in a folder of the run, which other clients of the file system may not see yet."""

    folder: str


class AttemptEvent(NamedTuple):
    """An attempt has ended, and the next one begins.

    Attributes:
        started_at: the time at which its script was started, in microseconds.
        outcome: its outcome.
        journal_sizes: the sizes of the run's journals at its end in bytes, by name; empty from older versions.
    """

    started_at: int
    outcome: Outcome
    journal_sizes: Mapping[str, int] = MappingProxyType({})


class OutcomeEvent(NamedTuple):
    """The run has ended.

    Attributes:
        outcome: the outcome.
        journal_sizes: the final sizes of the run's journals in bytes, by name.
        is_final: False if the supervisor was told to end, as at a requeue, so that another attempt may follow.
    """

    outcome: Outcome
    journal_sizes: Mapping[str, int]
    is_final: bool


Event = StartEvent | StatusEvent | PropertiesEvent | FilesEvent | AttemptEvent | OutcomeEvent


class EventWriter:
    """A writer of the events of one attempt to its journal."""

    def __init__(self, folder: SharedRunFolder) -> None:
        """Create the writer of a new attempt, numbered after those whose journals exist.

        Raises:
            OSError: the folder cannot be read.
        """
        self.attempt = get_last_attempt_number(folder) + 1
        name = f"{self.attempt:06d}-{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        self._path = folder.events / name
        self._count = 0
        self._failed: tuple[Event, dict[str, Any]] | None = None
        """The event that could not be written, with its line."""

    def write(self, event: Event) -> None:
        """Append an event, and wait until it is durable (on the file server if the folder is shared).

        After an error, the caller may call again with the same event object: readers take it once, even if they have
        seen the first line.

        Raises:
            OSError: it cannot be written, or it is written and may not be durable.
        """
        if self._failed is None or self._failed[0] is not event:
            self._count += 1
            self._failed = event, {**_to_json(event), NUMBER: self._count}
        append_lines(self._path, [self._failed[1]], durable=True)
        self._failed = None


def get_last_attempt_number(folder: SharedRunFolder) -> int:
    """Return the number of the last attempt that was started, or 0 if there was none."""
    numbers = (path.name.partition("-")[0] for path in list_json_lines_files(folder.events))
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def find_outcome(folder: SharedRunFolder) -> OutcomeEvent | None:
    """Return the event with a run's final outcome, or None if there is none."""
    for path in list_json_lines_files(folder.events):
        for document in iterate_json_lines(path):
            event = parse_event(document)
            if isinstance(event, OutcomeEvent) and event.is_final:
                return event
    return None


def read_attempts(folder: SharedRunFolder) -> Documents:
    """Read a run's attempts from its events, in the store's format; the last one may be unfinished."""
    attempts: Documents = ()
    for path in list_json_lines_files(folder.events):
        for document in iterate_json_lines(path):
            event = parse_event(document)
            if isinstance(event, AttemptEvent):
                attempts = append_next_attempt(attempts, event.started_at, event.outcome)
            elif isinstance(event, StatusEvent) and len(event.columns.get("attempts", ())) == len(attempts) > 0:
                attempts = event.columns["attempts"]
    return attempts


def _to_json(event: Event) -> dict[str, Any]:
    if isinstance(event, StartEvent):
        return {"event": "start", "at": now(), **event._asdict()}
    if isinstance(event, StatusEvent):
        before = sorted(status.value for status in event.before)
        return {"event": "status", **event._asdict(), "before": before, "after": event.after.value}
    if isinstance(event, PropertiesEvent):
        return {"event": "properties", "properties": dict(event.properties)}
    if isinstance(event, FilesEvent):
        return {"event": "files", "folder": event.folder}
    if isinstance(event, AttemptEvent):
        sizes = dict(event.journal_sizes)
        outcome = event.outcome.to_json()
        return {"event": "attempt", "started_at": event.started_at, "outcome": outcome, "journal_sizes": sizes}
    return {"event": "outcome", **event._asdict(), "outcome": event.outcome.to_json()}


def is_attempt_event(document: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is an event at which an attempt ends and the next one begins."""
    return document.get("event") == "attempt"


def parse_event(document: Mapping[str, Any]) -> Event | None:
    """Return the event from a JSON object, or None if it is invalid or of a newer version."""
    try:
        return _PARSERS[document["event"]](document)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _parse_status_event(document: Mapping[str, Any]) -> StatusEvent:
    before = {RunStatus(status) for status in document["before"]}
    return StatusEvent(before, RunStatus(document["after"]), dict(document["columns"]), int(document["at"]))


def _parse_attempt_event(document: Mapping[str, Any]) -> AttemptEvent:
    sizes = _parse_journal_sizes(document.get("journal_sizes", {}))
    return AttemptEvent(int(document["started_at"]), Outcome.from_json(document["outcome"]), sizes)


def _parse_journal_sizes(document: Mapping[str, Any]) -> Mapping[str, int]:
    return {str(name): int(size) for name, size in document.items()}


def _parse_outcome_event(document: Mapping[str, Any]) -> OutcomeEvent:
    sizes = _parse_journal_sizes(document["journal_sizes"])
    return OutcomeEvent(Outcome.from_json(document["outcome"]), sizes, bool(document["is_final"]))


_PARSERS: Mapping[str, Callable[[Mapping[str, Any]], Event]] = {
    "start": lambda document: StartEvent(
        int(document["attempt"]), str(document["node"]), str(document.get("job_id", ""))
    ),
    "status": _parse_status_event,
    "properties": lambda document: PropertiesEvent(dict(document["properties"])),
    "files": lambda document: FilesEvent(str(document["folder"])),
    "attempt": _parse_attempt_event,
    "outcome": _parse_outcome_event,
}
