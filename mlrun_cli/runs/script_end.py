"""The end of a script as observed by its supervisor."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.wire.run_folder import STD_LOG


class StopReason(str, Enum):
    """The reason for stopping a script."""

    CANCEL = "cancel"
    TIME_LIMIT = "time limit"
    SHUTDOWN = "shutdown"
    GIVEN_UP = "given up"
    STREAM_LOST = "stream lost"


_KINDS: Mapping[str, tuple[type, ...]] = {
    "exit_code": (int,),
    "ended_at": (int,),
    "duration_seconds": (int, float),
}


class ScriptEnd(NamedTuple):
    """The end of a script: `exit_code` is negative for a signal, `ended_at` is in microseconds.

    `stopped` is set if this program stopped the script; `process` is the number of the process with that exit code,
    and `log` the name of its log, in which its output begins at `log_offset`. `out_of_memory` is a clause that says
    that memory ran out, if the kernel killed processes for want of it while the script ran. `error` is that of a failed
    script as its supervisor, who knows the secrets of the run, has redacted it.
    """

    exit_code: int
    ended_at: int
    duration_seconds: float
    stopped: StopReason | None
    process: int = 0
    log: str = STD_LOG
    out_of_memory: str | None = None
    log_offset: int = 0
    error: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the end as a JSON-compatible dict."""
        return self._asdict() | {"stopped": None if self.stopped is None else self.stopped.value}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ScriptEnd:
        """Create the end of a script from a JSON object.

        Raises:
            KeyError, TypeError, ValueError: the object is not valid.
        """
        stopped = document["stopped"]
        for name, kinds in _KINDS.items():
            if not isinstance(document[name], kinds):
                raise TypeError(name)
        return cls(
            document["exit_code"],
            document["ended_at"],
            document["duration_seconds"],
            None if stopped is None else StopReason(stopped),
            document.get("process", 0),
            document.get("log", STD_LOG),
            document.get("out_of_memory"),
            int(document.get("log_offset", 0)),
            document.get("error"),
        )
