"""Attempts: the successive starts of a run's script, which is restarted when it fails."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import format_iso
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.retry_policy import find_inner_error_code
from mlrun_cli.wire.run_folder import STD_LOG

Documents = Sequence[Mapping[str, Any]]
"""The attempts of a run as JSON objects, as its row has them: empty if its script was not started again."""

_ATTEMPT_LINE = r"^--- attempt \d+ on .* ---$"
_KINDS: Mapping[str, tuple[type, ...]] = {
    "number": (int,),
    "started_at": (int, type(None)),
    "ended_at": (int, type(None)),
    "duration_seconds": (int, float, type(None)),
    "exit_code": (int, type(None)),
    "signal": (str, type(None)),
    "reason": (str, type(None)),
}


class Attempt(NamedTuple):
    """One start of a run's script, numbered from 1; times are in microseconds, and `reason` is an `EndReason`."""

    number: int
    started_at: int | None = None
    ended_at: int | None = None
    duration_seconds: float | None = None
    exit_code: int | None = None
    signal: str | None = None
    reason: str | None = None

    def with_outcome(self, outcome: Outcome) -> Attempt:
        """Return a copy of the attempt, ended with the given outcome."""
        return self._replace(
            ended_at=outcome.ended_at,
            duration_seconds=outcome.duration_seconds,
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            reason=find_inner_error_code(outcome),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the attempt as a JSON-compatible dict, without keys whose values are null."""
        return {name: value for name, value in self._asdict().items() if value is not None}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Attempt:
        """Create an attempt from a JSON object; unknown keys are ignored.

        Raises:
            AttributeError, TypeError: the object is not a valid attempt.
        """
        known: dict[str, Any] = {name: document.get(name) for name in cls._fields}
        for name, kinds in _KINDS.items():
            if not isinstance(known[name], kinds):
                raise TypeError(name)
        return cls(**known)


def parse_attempts(attempt_documents: Documents) -> list[Attempt]:
    """Return the attempts of a run; the last one may lack a start or an end.

    Raises:
        AttributeError, TypeError: a document is not a valid attempt.
    """
    return [Attempt.from_json(document) for document in attempt_documents]


def get_attempt_number(attempt_documents: Documents) -> int:
    """Return the number of a run's current or last attempt: 1 if its script was not started again."""
    return len(attempt_documents) or 1


def append_next_attempt(attempt_documents: Documents, started_at: int | None, outcome: Outcome) -> Documents:
    """Return a copy of a run's attempts with the current one ended and the next one appended."""
    attempts = parse_attempts(attempt_documents) or [Attempt(1)]
    ended = attempts[-1]._replace(started_at=started_at or attempts[-1].started_at).with_outcome(outcome)
    return [each.to_json() for each in (*attempts[:-1], ended, Attempt(ended.number + 1))]


def replace_attempt_start(attempt_documents: Documents, started_at: int) -> Documents:
    """Return a copy of a run's attempts with the start time of the last one set."""
    attempts = parse_attempts(attempt_documents)
    return [each.to_json() for each in (*attempts[:-1], attempts[-1]._replace(started_at=started_at))]


def sum_earlier_durations(attempt_documents: Documents) -> float:
    """Return the total duration of a run's earlier attempts in seconds."""
    return sum(attempt.duration_seconds or 0.0 for attempt in parse_attempts(attempt_documents)[:-1])


def build_earlier_log_name(log_name: str, attempt_number: int) -> str:
    """Return the name under which an earlier attempt's log is kept: `std_log_attempt1.txt` for `std_log.txt`."""
    stem, suffix = posixpath.splitext(log_name)
    return f"{stem}_attempt{attempt_number}{suffix}"


def list_attempts(attempt_documents: Documents, outcome: Outcome | None) -> Sequence[Attempt]:
    """Return a run's attempts, the last one ended with the run's outcome unless that is None."""
    attempts = parse_attempts(attempt_documents)
    if attempts and outcome is not None:
        attempts[-1] = attempts[-1].with_outcome(outcome)
    return attempts


def get_attempt_log_name(attempt: Attempt, attempt_count: int) -> str:
    """Return the name of the log with an attempt's output, given the number of attempts of its run."""
    return STD_LOG if attempt.number == attempt_count else build_earlier_log_name(STD_LOG, attempt.number)


def build_attempt_records(attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    """Return the JSON records of attempts, as contained in the record of their run."""
    return [_build_record(attempt, len(attempts)) for attempt in attempts]


def _build_record(attempt: Attempt, attempt_count: int) -> dict[str, Any]:
    record = {
        "number": attempt.number,
        "start_time_utc": None if attempt.started_at is None else format_iso(attempt.started_at),
        "end_time_utc": None if attempt.ended_at is None else format_iso(attempt.ended_at),
        "exit_code": attempt.exit_code,
        "signal": attempt.signal,
        "reason": attempt.reason,
        "log": get_attempt_log_name(attempt, attempt_count),
    }
    return {name: value for name, value in record.items() if value is not None}


def format_attempt_line(attempt_number: int, host: str) -> str:
    """Return the line that precedes an attempt's output in the log of the run."""
    return f"--- attempt {attempt_number} on {host} ---\n"


def find_attempt_start(log: str) -> int:
    """Return the index in a run's log of the line that precedes the last attempt's output, or 0 if there is none."""
    found = [match.start() for match in re.finditer(_ATTEMPT_LINE, log, re.MULTILINE)]
    return found[-1] if found else 0
