"""The contract of a kind of compute target: where supervisors start, and what is known of them afterwards.

A kind is one module or package beside this one, found by `registry.find_target` under the kind in a target's row. A
kind of another distribution is an entry point of the group `mlrun_cli.targets`, by the name of the kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from mlrun_cli.compute.compute_target import ComputeTarget
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import NotEnoughNodes
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace


class Witness(Enum):
    """The witness of liveness that a kind can offer: who says that a supervisor is gone."""

    LOCK = "lock"
    """The kernel, at once: it frees the owner lock with the supervisor's process."""
    LEASE = "lease"
    """The store, within a minute: a live supervisor renews its lease."""
    ENGINE = "engine"
    """The engine that runs the supervisor as a job."""


class Liveness(Enum):
    """The state of the supervisor of a live run."""

    ALIVE = "alive"
    """It lives, or nobody can tell from here."""
    LOST = "lost"
    """It is gone and has recorded no end; recovery may be at work."""
    FOLDER_GONE = "folder gone"
    """The folder of its run is gone, and the workspace is not away: there is nothing to recover."""


class Demand(NamedTuple):
    """A run's demand on its target."""

    node_count: int = 1
    gpu_count: int = 0
    max_run_duration_seconds: float | None = None


class Started(NamedTuple):
    """A started supervisor.

    Attributes:
        pid: of its process; None when it is no process of this machine.
        properties: stored with the run, as the id of the engine's job.
    """

    pid: int | None = None
    properties: Mapping[str, str] = MappingProxyType({})


class Target(ABC):
    """A compute target of one kind; made anew by each process, it keeps nothing that the workspace does not have.

    Attributes:
        witness: what it promises about liveness.
        azure_type: the property `_azureml.ComputeTargetType` of its runs.
        forks_supervisors: True where a supervisor is a plain detached process of this machine, which a dispatcher may
            fork off instead of calling `start_supervisor`.
    """

    witness: ClassVar[Witness]
    azure_type: ClassVar[str]
    forks_supervisors: ClassVar[bool] = False

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name

    @classmethod
    @abstractmethod
    def node_limit(cls, row: ComputeTarget) -> int | None:
        """Return the limit of nodes in use at once.

        Where there is a limit, runs wait in the workspace's queue and are started by the target's dispatcher. None
        means that they start at submit; an engine that has a queue of its own decides then what waits.
        """

    def check(self, demand: Demand) -> None:
        """Raise unless the target can run this; must be quick, an engine reports the rest in `start_supervisor`.

        Raises:
            UsageError: it never could.
        """
        row = self.workspace.compute_targets.find(self.name)
        most = None if row is None else self.node_limit(row)
        if most is not None and demand.node_count > most:
            raise NotEnoughNodes(
                f"nodeCount: {demand.node_count} nodes are asked for, and '{self.name}' has at most {most}.",
                hint="Use fewer nodes, or give the target more (max_nodes).",
                target=self.name,
            )

    @abstractmethod
    def start_supervisor(self, run_id: str, locks: Sequence[int]) -> Started:
        """Start the supervisor of a run, whose folder is complete, and hand it open locks, the owner lock first.

        Raises:
            OSError: no process could be started.
            MlrunError: the engine refuses the run, in its own words.
        """

    @abstractmethod
    def observe(self, runs: Sequence[Run]) -> Mapping[int, Liveness]:
        """Return the liveness of the supervisors of this target's live runs, by run key.

        Nothing is changed by that, and no run that has ended meanwhile is LOST. Queued runs may be left out.
        """

    @abstractmethod
    def wake(self, run: Run) -> bool:
        """Wake a supervisor, so that it reads the store at once; return False when it cannot be reached."""

    def cancel(self, run: Run) -> None:
        """Stop a run that is CancelRequested in the store; the supervisor records its end."""
        self.wake(run)

    @abstractmethod
    def kill(self, run: Run) -> bool:
        """Kill the supervisor and the script of a run; return False when they cannot be reached from here."""

    @abstractmethod
    def recover(self, runs: Sequence[Run]) -> bool:
        """Ensure that a process recovers LOST runs, without waiting for it; return False when none could be started."""

    @abstractmethod
    def start_dispatcher(self, log: Path, lock: OwnerLock) -> None:
        """Start the program that serves the target's queue, and hand it the lock of the queue.

        Raises:
            OSError: no process could be started.
        """
