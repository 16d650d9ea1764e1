"""The outcome of a run, written to disk by its supervisor before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runs.status import RunStatus

_KINDS: Mapping[str, tuple[type, ...]] = {
    "ended_at": (int,),
    "duration_seconds": (int, float, type(None)),
    "exit_code": (int, type(None)),
    "signal": (str, type(None)),
    "error": (dict, type(None)),
    "warnings": (list, tuple),
}


class Outcome(NamedTuple):
    """The outcome of a run; `ended_at` is in microseconds, `signal` is a name like `SIGKILL`."""

    status: RunStatus
    ended_at: int
    duration_seconds: float | None = None
    exit_code: int | None = None
    signal: str | None = None
    error: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    def redact(self, redactor: Redactor) -> Outcome:
        """Return the outcome with the secrets in its error and warnings redacted."""
        return self._replace(
            error=redactor.redact_error(self.error), warnings=tuple(redactor.redact_error(self.warnings))
        )

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as a JSON-compatible dict."""
        return self._asdict() | {"status": self.status.value}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Outcome:
        """Create an outcome from a JSON object; unknown keys are ignored.

        Raises:
            KeyError, TypeError, ValueError: the object is not a valid outcome.
        """
        known = {name: document[name] for name in cls._fields if name in document}
        for name, kinds in _KINDS.items():
            if not isinstance(known.get(name), kinds):
                raise TypeError(name)
        return cls(
            **{**known, "status": RunStatus(document["status"]), "warnings": tuple(document["warnings"])},
        )

    def to_columns(self) -> dict[str, Any]:
        """Return the outcome as columns of the store, without the status."""
        return {
            "ended_at": self.ended_at,
            "duration_seconds": self.duration_seconds,
            "exit_code": self.exit_code,
            "signal": self.signal,
            "error": self.error,
            "warnings": list(self.warnings) or None,
        }
