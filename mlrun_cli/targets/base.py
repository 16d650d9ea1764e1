"""The interface of compute targets, which start supervisors and monitor, wake and stop them.

Each kind is a folder here, or a module, and a line in the table `mlrun_cli/targets/kinds.py`, which says what else a
new kind needs; `lookup.get_target` finds it from the kind in a target's row. A kind with an engine that has a queue
does what `engine.py` says, and one that is attached what `attachment.py` says. Another distribution can add a kind as
an entry point in the group `mlrun_cli.targets`, named after the kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from mlrun_cli.compute.compute_target import ComputeTarget
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import NotEnoughNodes
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.workspace import Workspace


class LivenessSource(Enum):
    """The source from which a target learns that a supervisor has ended."""

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
    """The resources that a run needs; with `can_lose_nodes`, it survives the loss of any node but the first."""

    node_count: int = 1
    gpu_count: int = 0
    max_run_duration_seconds: float | None = None
    can_lose_nodes: bool = False


class StartedSupervisor(NamedTuple):
    """A started supervisor.

    Attributes:
        pid: the pid of its process; None if it is not a process of this machine.
        properties: properties to store with the run, such as the id of the engine's job.
        is_queued: True if an engine will start it later; the run is Queued until then.
    """

    pid: int | None = None
    properties: Mapping[str, str] = MappingProxyType({})
    is_queued: bool = False


class Target(ABC):
    """A compute target of one kind; created anew for each use, with no state of its own except `prepare_supervisor`'s.

    Attributes:
        liveness_source: the source from which it learns that a supervisor has ended.
        azure_type: the property `_azureml.ComputeTargetType` of its runs.
        forks_supervisors: True if supervisors are plain detached processes of this machine, which a dispatcher may
            fork instead of calling `start_supervisor`.
        dispatcher_follows_runs: True if the dispatcher is needed until all runs have ended, not only while some wait.
        lends_gpus: True if runs that need GPUs are lent those of this machine; False if an engine allocates GPUs.
        job_property: the property of a run that contains the id of the job that its target has made for it; None if
            runs have no jobs of their own.
        takes_queue_options: True if its engine starts a job not before a time, and lowers its priority, on request.
        client_variables: the variables by which the submitter reaches an engine; scripts do not inherit them.
    """

    liveness_source: ClassVar[LivenessSource]
    azure_type: ClassVar[str]
    forks_supervisors: ClassVar[bool] = False
    dispatcher_follows_runs: ClassVar[bool] = False
    lends_gpus: ClassVar[bool] = True
    job_property: ClassVar[str | None] = None
    client_variables: ClassVar[frozenset[str]] = frozenset()
    takes_queue_options: ClassVar[bool] = False

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name

    @classmethod
    @abstractmethod
    def get_node_limit(cls, compute_target: ComputeTarget) -> int | None:
        """Return the maximum number of nodes in use at the same time, or None if there is no limit.

        With a limit, runs wait in the workspace's queue and are started by the target's dispatcher. Without a limit,
        they are started at submit, unless an engine with its own queue makes them wait.
        """

    @property
    def shared_folder(self) -> SharedFolder | None:
        """The folder that the target shares with its nodes, or None if its runs are executed on this machine."""
        return None

    @property
    def builds_environments_here(self) -> bool:
        """True if environments in the shared folder are built on this machine during submission, not on a node."""
        return False

    def check_demand(self, demand: Demand) -> None:
        """Raise if the target can never provide the resources that a run demands; this must be fast.

        Raises:
            UsageError: the target can never run it.
        """
        row = self.workspace.compute_targets.find(self.name)
        most = None if row is None else self.get_node_limit(row)
        if most is not None and demand.node_count > most:
            raise NotEnoughNodes(
                f"nodeCount: {demand.node_count} nodes are asked for, and '{self.name}' has at most {most}.",
                hint="Use fewer nodes, or give the target more (max_nodes).",
                target=self.name,
            )

    def prepare_supervisor(self, run_id: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return a context manager that prepares a run's supervisor in the background while its block submits the run.

        The run may not be recorded in the end, or be queued: at the end of the context nothing may be left of a
        preparation that was not used. By default, nothing is prepared.
        """
        return nullcontext()

    def describe_nodes(self) -> Mapping[str, Any]:
        """Return a JSON-compatible dict that describes the nodes and their free resources, for `computetarget show`.

        Raises:
            MlrunError: the engine does not answer.
        """
        return {}

    @abstractmethod
    def start_supervisor(self, run_id: str, lock_fds: Sequence[int]) -> StartedSupervisor:
        """Start the supervisor of a run whose folder is complete, and pass it open locks, the owner lock first.

        Raises:
            OSError: no process could be started.
            MlrunError: the engine rejects the run; the message is the engine's.
        """

    @abstractmethod
    def get_liveness(self, runs: Sequence[Run]) -> Mapping[int, Liveness]:
        """Return the liveness of the supervisors of the target's live runs, keyed by run key.

        This changes nothing and never reports an ended run as LOST. Queued runs may be omitted.
        """

    @abstractmethod
    def wake(self, run: Run) -> bool:
        """Wake the supervisor of a run, so that it reads the store at once; return False if it cannot be reached."""

    def cancel(self, run: Run) -> None:
        """Stop a run with the stored status CancelRequested; its supervisor records its end."""
        self.wake(run)

    @abstractmethod
    def kill(self, run: Run) -> bool:
        """Kill the supervisor and the script of a run; return False if they cannot be reached from this process."""

    def kill_without_engine(self, run: Run) -> bool:
        """Do as much of `kill` as is possible if the engine does not respond; return False if the run may go on."""
        return self.kill(run)

    @abstractmethod
    def recover(self, runs: Sequence[Run]) -> bool:
        """Start the recovery of LOST runs without waiting for it to finish; return False if it cannot be started."""

    @abstractmethod
    def start_dispatcher(self, log_path: Path, lock: OwnerLock) -> None:
        """Start the dispatcher of the target's queue and pass it the lock of the queue.

        Raises:
            OSError: no process could be started.
        """
