"""The policy for starting a failed script again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.runs.error import EndReason
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.status import RunStatus

EXIT, SIGNAL, REBOOT = "exit", "signal", "reboot"
_CONDITION = rf"{EXIT}(?::([1-9][0-9]{{0,2}}))?|{SIGNAL}|{REBOOT}"
_MAX_EXIT_CODE = 255
_LOST = frozenset({EndReason.MACHINE_RESTARTED, EndReason.SUPERVISOR_DIED, EndReason.SUPERVISOR_STOPPED})


class RetryPolicy(NamedTuple):
    """The maximum number of retries of a failed script, and the kinds of failure that are retried.

    Attributes:
        most_retries: how often the script is started again at most.
        conditions: `exit`, `exit:75`, `signal`, and `reboot` for the death of the supervisor or the machine.
    """

    most_retries: int
    conditions: Sequence[str] = (EXIT, SIGNAL, REBOOT)

    def allows(self, outcome: Outcome, retry_count: int) -> bool:
        """Return whether to retry a run with this outcome that has already been retried `retry_count` times."""
        return retry_count < self.most_retries and outcome.status is RunStatus.FAILED and self._covers(outcome)

    def _covers(self, outcome: Outcome) -> bool:
        """Return whether one of the policy's conditions applies to an outcome."""
        if find_inner_error_code(outcome) in _LOST:
            return REBOOT in self.conditions
        if outcome.signal is not None:
            return SIGNAL in self.conditions
        return bool(outcome.exit_code) and (EXIT in self.conditions or f"{EXIT}:{outcome.exit_code}" in self.conditions)

    def to_json(self) -> dict[str, Any]:
        """Return the policy as a JSON-compatible dict."""
        return {"retries": self.most_retries, "conditions": list(self.conditions)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> RetryPolicy:
        """Create a policy from a JSON object."""
        return cls(int(document["retries"]), tuple(document["conditions"]))


def parse_retry_conditions(text: str) -> tuple[str, ...]:
    """Parse a comma-separated list of conditions such as `signal,reboot,exit:75`.

    Raises:
        InvalidValue: one is not a condition.
    """
    conditions = tuple(filter(None, (word.strip() for word in text.split(","))))
    for word in conditions or (text,):
        match = re.fullmatch(_CONDITION, word)
        if match is None or int(match[1] or 1) > _MAX_EXIT_CODE:
            raise InvalidValue(
                f"'{word}' is not an end to start again after.",
                hint=f"Use signal, reboot, exit, or exit:75 for an exit code from 1 to {_MAX_EXIT_CODE}.",
            )
    return conditions


def find_inner_error_code(outcome: Outcome) -> str | None:
    """Return the inner error code of an outcome, or None if the outcome has no error or the error has no such code."""
    details = (outcome.error or {}).get("error")
    inner = details.get("innerError") if isinstance(details, dict) else None
    return inner.get("code") if isinstance(inner, dict) else None
