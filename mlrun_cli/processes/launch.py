"""The launch of a run: its processes, and on how many nodes they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.wire.run_folder import PROCESS_LOG_PREFIX, STD_LOG

NODES = "nodes"
"""The kind of a launch without a communicator: one process per node."""


class LaunchedProcess(NamedTuple):
    """One process: the number of its node, its own variables, and its log's name among the run's files.

    A server serves the others until they have ended, and has no end of its own.
    """

    node: int
    variables: Mapping[str, str]
    log: str
    is_server: bool = False


class Launch(NamedTuple):
    """The processes of a run, over all its nodes; `process_count` has the `server_count` in it.

    `kind` is the name of a module of `launchers`; `launcher` is the program that starts the processes, unless the
    supervisor does.
    """

    kind: str = NODES
    node_count: int = 1
    process_count: int = 1
    server_count: int = 0
    launcher: str | None = None

    @property
    def log_names(self) -> tuple[str, ...]:
        """The name of each process's log; MPI's launcher, which is none of them, has `STD_LOG`."""
        if self.process_count == 1:
            return (STD_LOG,)
        width = len(str(self.process_count - 1))
        return tuple(f"{PROCESS_LOG_PREFIX}{number:0{width}}.txt" for number in range(self.process_count))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads."""
        return self._asdict()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Launch:
        """Return the launch in a JSON object; keys of other versions are left out."""
        return cls(**{name: document[name] for name in cls._fields if name in document})
