"""The launch of a run: its processes and the nodes that they run on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.wire.run_folder import PROCESS_LOG_PREFIX, STD_LOG

NODES = "nodes"
"""The kind of a launch without a communicator: one process per node."""


class LaunchedProcess(NamedTuple):
    """A process of a launch, with the number of its node, its environment variables and the name of its log.

    A server serves the other processes and does not end by itself. A helper is a server that the others can do without.
    """

    node: int
    variables: Mapping[str, str]
    log: str
    is_server: bool = False
    is_helper: bool = False


class Launch(NamedTuple):
    """The processes of a run on all of its nodes; `process_count` includes the `server_count`.

    `kind` is the name of a module in `launchers`; `launcher` is the program that starts the processes, or None if the
    supervisor does.
    """

    kind: str = NODES
    node_count: int = 1
    process_count: int = 1
    server_count: int = 0
    launcher: str | None = None

    @property
    def log_names(self) -> tuple[str, ...]:
        """The log names of the processes; MPI's launcher, which is not among them, writes to `STD_LOG`."""
        if self.process_count == 1:
            return (STD_LOG,)
        width = len(str(self.process_count - 1))
        return tuple(f"{PROCESS_LOG_PREFIX}{number:0{width}}.txt" for number in range(self.process_count))

    def to_json(self) -> dict[str, Any]:
        """Return the launch as a JSON-compatible dict."""
        return self._asdict()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Launch:
        """Create a launch from the dict of `to_json`, ignoring unknown keys from other versions."""
        return cls(**{name: document[name] for name in cls._fields if name in document})
