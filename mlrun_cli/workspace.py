"""An open workspace: its store and its folder of runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mlrun_cli.core.disk_space import FULL_FOR_RUNS_BYTES, describe_full_disk
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import StoreLost, StoreUnavailable, WorkspaceNotFound
from mlrun_cli.processes.host_lease import find_lease, open_home
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.shared_folder import open_run_folder
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.runs.run_store import RunStore
from mlrun_cli.workspace_locator import WorkspaceLocator

if TYPE_CHECKING:
    from mlrun_cli.processes.interruptions import Interruptions
    from mlrun_cli.store.compute_targets import ComputeTargetStore
    from mlrun_cli.store.datasets import DatasetStore
    from mlrun_cli.store.datastores import DatastoreStore
    from mlrun_cli.store.environments import EnvironmentStore
    from mlrun_cli.store.experiments import ExperimentStore
    from mlrun_cli.store.journals import JournalStore
    from mlrun_cli.store.metric_curves import MetricCurveStore
    from mlrun_cli.store.metric_summaries import MetricSummaryStore
    from mlrun_cli.store.metrics import MetricStore
    from mlrun_cli.store.models import ModelStore
    from mlrun_cli.store.published_pipelines import PublishedPipelineStore
    from mlrun_cli.store.recorder import Recorder
    from mlrun_cli.store.runs.child_store import ChildStore
    from mlrun_cli.store.runs.page_store import RunPageStore
    from mlrun_cli.store.runs.parameter_store import ParameterStore
    from mlrun_cli.store.runs.queue_store import QueueStore
    from mlrun_cli.store.runs.retention_store import RetentionStore
    from mlrun_cli.store.schedules import ScheduleStore
    from mlrun_cli.store.settings import SettingStore
    from mlrun_cli.store.trash import TrashStore
    from mlrun_cli.store.views import ViewStore


_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Workspace:
    """The stores of one workspace and the folders of its runs; a context manager that closes them."""

    is_blank = False
    """Whether this stands for a workspace that does not exist, whose folders are not created."""

    def __init__(self, locator: WorkspaceLocator, database: Database, redactor: Redactor) -> None:
        self.locator = locator
        self.redactor = redactor
        self.identity = locator.identity
        self.home = locator.home
        self.folder = locator.folder
        self.snapshots_folder = locator.snapshots_folder
        self.runs = RunStore(database, redactor)
        self._database = database
        self._opened = locator.database.get_identity()
        self._opened_in = _identify_file(locator.folder)
        self._lease = find_lease(locator.folder)
        self.is_used_elsewhere = self._lease is not None and self._lease.refusal is not None
        """True if another host used the workspace when it was opened, so that nothing can be changed through it."""
        self._kept_open = None if self._lease is None else os.open(locator.folder, _FOLDER_FLAGS)
        """A descriptor of the folder, which may otherwise get another inode number on a network file system."""
        self.owned_run: tuple[str, int] | None = None
        """The id and key of the run that this process owns; it does not use a store that does not know the run."""
        self.unrecorded_runs = 0
        """The number of run folders that existed before the store was created, which does not contain their runs."""
        self.generation = 0
        """The number of stores that have replaced the first one."""
        self._delayed: Interruptions | None = None

    @classmethod
    def open(
        cls,
        locator: WorkspaceLocator,
        *,
        redactor: Redactor,
        create: bool,
        starts_read_only: bool = False,
        only_reads: bool = False,
    ) -> Workspace:
        """Open a workspace; with `create`, create it first if it does not exist.

        Args:
            locator: the location of the workspace.
            redactor: redacts secrets in the texts of users and scripts before they are stored.
            create: whether to create the workspace if it does not exist.
            starts_read_only: for a process that opens it once and may write nothing: see `DatabaseLocator.open`.
            only_reads: whether to open a workspace that another host uses, of which nothing can be changed then.

        Raises:
            WorkspaceNotFound: it does not exist, and `create` is not set.
            StoreError: its folder or its database cannot be used.
        """
        unrecorded_runs = 0
        if not locator.database.exists():
            if not create:
                _check_store_not_lost(locator)
                identity = locator.identity
                missing_home = None if locator.home.exists() else locator.home
                raise WorkspaceNotFound(
                    identity.name, identity.resource_group, identity.subscription_id, missing_home=missing_home
                )
            make_private_folder(locator.home)
            open_home(locator.home)
            unrecorded_runs = _count_run_folders(locator.folder)
            make_private_folder(locator.folder)
            for name in ("runs", "snapshots"):
                make_private_folder(locator.folder / name)
            locator.database.create()
        workspace = cls.connect(locator, redactor=redactor, starts_read_only=starts_read_only, only_reads=only_reads)
        workspace.unrecorded_runs = unrecorded_runs
        return workspace

    @classmethod
    def connect(
        cls, locator: WorkspaceLocator, *, redactor: Redactor, starts_read_only: bool = False, only_reads: bool = False
    ) -> Workspace:
        """Open a workspace that is known to exist; see `open` for the options.

        Raises:
            StoreError: its folder or its database cannot be used.
        """
        open_home(locator.home, only_reads=only_reads)
        return cls(locator, locator.database.open(starts_read_only=starts_read_only), redactor)

    # Stores that `run list` does not need are loaded on first use.

    @cached_property
    def _recorder(self) -> Recorder:
        from mlrun_cli.store.recorder import Recorder  # noqa: PLC0415

        return Recorder(self._database, self.folder)

    @cached_property
    def child_runs(self) -> ChildStore:
        """The store of child runs and of runs that have a controller."""
        from mlrun_cli.store.runs.child_store import ChildStore  # noqa: PLC0415

        return ChildStore(self._database)

    @cached_property
    def compute_targets(self) -> ComputeTargetStore:
        """The store of compute targets, which does not contain `local`."""
        from mlrun_cli.store.compute_targets import ComputeTargetStore  # noqa: PLC0415

        return ComputeTargetStore(self._database)

    @cached_property
    def datasets(self) -> DatasetStore:
        """The store of registered and saved datasets."""
        from mlrun_cli.store.datasets import DatasetStore  # noqa: PLC0415

        return DatasetStore(self._database, self.redactor)

    @cached_property
    def datastores(self) -> DatastoreStore:
        """The store of datastores, which are folders of data."""
        from mlrun_cli.store.datastores import DatastoreStore  # noqa: PLC0415

        return DatastoreStore(self._database)

    @cached_property
    def environments(self) -> EnvironmentStore:
        """The store of registered environments."""
        from mlrun_cli.store.environments import EnvironmentStore  # noqa: PLC0415

        return EnvironmentStore(self._database)

    @cached_property
    def experiments(self) -> ExperimentStore:
        """The store of experiments."""
        from mlrun_cli.store.experiments import ExperimentStore  # noqa: PLC0415

        return ExperimentStore(self._database, self.redactor)

    @cached_property
    def journals(self) -> JournalStore:
        """The store of the offsets up to which journals of runs have been read."""
        from mlrun_cli.store.journals import JournalStore  # noqa: PLC0415

        return JournalStore(self._database)

    @cached_property
    def metric_curves(self) -> MetricCurveStore:
        """The store that reads the curves of metrics for charts."""
        from mlrun_cli.store.metric_curves import MetricCurveStore  # noqa: PLC0415

        return MetricCurveStore(self._database)

    @cached_property
    def metric_summaries(self) -> MetricSummaryStore:
        """The store of metric summaries, which do not contain all values."""
        from mlrun_cli.store.metric_summaries import MetricSummaryStore  # noqa: PLC0415

        return MetricSummaryStore(self._database)

    @cached_property
    def metrics(self) -> MetricStore:
        """The store of metric values."""
        from mlrun_cli.store.metrics import MetricStore  # noqa: PLC0415

        return MetricStore(self._database)

    @cached_property
    def models(self) -> ModelStore:
        """The store of registered models."""
        from mlrun_cli.store.models import ModelStore  # noqa: PLC0415

        return ModelStore(self._database, self.redactor)

    @cached_property
    def parameters(self) -> ParameterStore:
        """The store of runs' parameters."""
        from mlrun_cli.store.runs.parameter_store import ParameterStore  # noqa: PLC0415

        return ParameterStore(self._database)

    @cached_property
    def published_pipelines(self) -> PublishedPipelineStore:
        """The store of published pipelines and their endpoints."""
        from mlrun_cli.store.published_pipelines import PublishedPipelineStore  # noqa: PLC0415

        return PublishedPipelineStore(self._database)

    @cached_property
    def queues(self) -> QueueStore:
        """The store of the queues of compute targets."""
        from mlrun_cli.store.runs.queue_store import QueueStore  # noqa: PLC0415

        return QueueStore(self._database)

    @cached_property
    def retention(self) -> RetentionStore:
        """The store that determines which runs may be pruned and which are retained."""
        from mlrun_cli.store.runs.retention_store import RetentionStore  # noqa: PLC0415

        return RetentionStore(self._database)

    @cached_property
    def run_pages(self) -> RunPageStore:
        """The store that reads paginated lists of runs."""
        from mlrun_cli.store.runs.page_store import RunPageStore  # noqa: PLC0415

        return RunPageStore(self._database, self.runs)

    @cached_property
    def schedules(self) -> ScheduleStore:
        """The store of the schedules of published pipelines."""
        from mlrun_cli.store.schedules import ScheduleStore  # noqa: PLC0415

        return ScheduleStore(self._database)

    @cached_property
    def settings(self) -> SettingStore:
        """The store of the workspace's own settings."""
        from mlrun_cli.store.settings import SettingStore  # noqa: PLC0415

        return SettingStore(self._database)

    @cached_property
    def trash(self) -> TrashStore:
        """The store of deleted runs and experiments that can be restored."""
        from mlrun_cli.store.trash import TrashStore  # noqa: PLC0415

        return TrashStore(self._database)

    @cached_property
    def views(self) -> ViewStore:
        """The store of saved views."""
        from mlrun_cli.store.views import ViewStore  # noqa: PLC0415

        return ViewStore(self._database)

    def get_run_folder(self, run_id: str) -> RunFolder:
        """Return the folder of a run, which may not exist yet."""
        return open_run_folder(self.folder / "runs" / run_id)

    def adopt_redactor(self, redactor: Redactor) -> None:
        """Use, from now on, the redactor of the run that this process owns or streams."""
        self.redactor = redactor
        self.runs = self.create_run_store(redactor)
        for name in ("datasets", "experiments", "models"):
            self.__dict__.pop(name, None)

    def create_run_store(self, redactor: Redactor) -> RunStore:
        """Create and return a run store that redacts with the given redactor."""
        return RunStore(self._database, redactor)

    def is_database_in_place(self) -> bool:
        """Return whether the open database is still at its path and has not been moved, removed or replaced."""
        return self._opened is not None and self.locator.database.get_identity() == self._opened

    def is_missing(self, path: Path) -> bool:
        """Return whether a file or folder is missing from this workspace, whose own folder must exist.

        Raises:
            StoreUnavailable: the workspace is unavailable, as when its folder was moved or its disk unmounted.
        """
        try:
            folder = os.open(self.folder, _FOLDER_FLAGS)
        except OSError as error:
            raise self._build_unavailable_error() from error
        try:
            # Through the open folder, since its path may lead to another folder, or to none, at any moment.
            if self._opened is None or self.locator.database.get_identity(folder) != self._opened:
                raise self._build_unavailable_error()
            os.stat(path.relative_to(self.folder), dir_fd=folder)
        except FileNotFoundError:
            return True
        finally:
            os.close(folder)
        return False

    def _build_unavailable_error(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"The workspace's folder {self.folder} is not in its place any more.",
            hint="If its disk was unmounted or the folder was moved, put it back: what runs goes on meanwhile. If the"
            " store was removed, 'mlrun workspace repair' makes it again.",
        )

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """Run the block in a write transaction of all stores and of the record files beside them.

        Raises:
            StoreUnavailable: the store is no longer in place.
        """
        self.reopen_if_replaced()
        self._recorder.begin()
        with self._delayed or nullcontext():
            if self._delayed is not None:
                self._delayed.block()
            with self._database.transaction(durable=durable):
                yield
                self._recorder.write()

    def delay_signals(self) -> None:
        """From now on, delay signals during a transaction until its end, since their handlers may write too."""
        from mlrun_cli.processes.interruptions import Interruptions  # noqa: PLC0415 - start-up
        from mlrun_cli.wire.background_threads import HANDLED_SIGNALS  # noqa: PLC0415 - start-up

        self._delayed = Interruptions(HANDLED_SIGNALS)

    def reopen_if_replaced(self) -> None:
        """Reopen the database if another one has replaced the open one, for example after a repair.

        Raises:
            StoreUnavailable: there is no store, or it does not know the run that this process owns; or the other host
                that used it does not any more.
        """
        if self._lease is not None and self.is_used_elsewhere:  # its reader opens what is there by itself
            self._lease.check_in_use_elsewhere()
            return
        if self.is_database_in_place():
            return
        if (
            self._opened_in is None
            or _identify_file(self.folder) != self._opened_in
            or not self.locator.database.exists()
        ):
            raise self._build_unavailable_error()
        fresh = self.locator.database.open()
        try:
            self._check_owned_run_exists(fresh)
        except BaseException:
            fresh.close()
            raise
        self._opened = self.locator.database.get_identity()
        self._database.replace_connection(fresh)
        self.generation += 1

    def is_still_used_elsewhere(self) -> bool:
        """Return whether the other host that used the workspace when it was opened still uses it."""
        try:
            self.reopen_if_replaced()
            # Or this process, or another one of this host, has taken the home.
            return self._lease is not None and self._lease.refusal is not None and not self._lease.is_held_here()
        except (OSError, StoreUnavailable):
            return False

    def is_current(self) -> bool:
        """Return whether a process that keeps workspaces open may go on with this one, and need not open it anew."""
        return self.is_still_used_elsewhere() if self.is_used_elsewhere else self.is_database_in_place()

    def check_not_used_elsewhere(self) -> None:
        """Raise HomeInUse if another host used the workspace when it was opened, before anything is changed.

        Raises:
            StoreUnavailable: another host uses it, or the home is not there.
        """
        if self._lease is not None and self.is_used_elsewhere:
            raise self._lease.build_refusal()

    def read_rebuild_documents(self, keys: Sequence[int]) -> list[dict[str, Any]]:
        """Return documents of the runs with these keys that suffice to rebuild a store."""
        return self._recorder.read_documents(keys)

    def write_missing_records(self) -> int:
        """Write the records that an older version did not write; return the number of runs with new records."""
        with self.transaction():
            return self._recorder.write_missing_records()

    def _check_owned_run_exists(self, database: Database) -> None:
        if self.owned_run is None:
            return
        run_id, key = self.owned_run
        if RunStore(database, self.redactor).find_key(run_id) != key:
            raise StoreUnavailable(
                f"The store {self.locator.database} is another one, which does not know the run {run_id}.",
                hint="'mlrun workspace repair' brings back the runs whose folders are there.",
            )

    def get_data_version(self) -> int:
        """Return a number that changes when another connection has written to the database.

        Writes through this object do not change it, and numbers of different objects are not comparable.
        """
        return self._database.get_data_version()

    def set_busy_timeout(self, seconds: float) -> None:
        """Set how many seconds a database statement waits for another process before it fails."""
        self._database.set_busy_timeout(seconds)

    def enable_frequent_checkpoints(self) -> None:
        """Checkpoint the database's write-ahead log often from now on, so that it stays short."""
        self._database.enable_frequent_checkpoints()

    def checkpoint_if_disk_is_full(self) -> None:
        """Checkpoint the write-ahead log if the disk is nearly full, to make room for recording removals."""
        if describe_full_disk(self.folder, FULL_FOR_RUNS_BYTES) is not None:
            self._database.checkpoint()

    def close(self) -> None:
        """Close the database and the workspace's folder."""
        self._database.close()
        if self._kept_open is not None:
            os.close(self._kept_open)
            self._kept_open = None

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _identify_file(path: Path) -> tuple[int, int] | None:
    """Return a file's device and inode, which change when the file is replaced, or None if there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _count_run_folders(folder: Path) -> int:
    """Return the number of run folders in a workspace folder; 0 if there are none or they cannot be listed."""
    try:
        with os.scandir(folder / "runs") as entries:
            return sum(entry.is_dir(follow_symlinks=False) and entry.name[0] != "." for entry in entries)
    except OSError:
        return 0


def _check_store_not_lost(locator: WorkspaceLocator) -> None:
    """Raise StoreLost if there are run folders, since a store must have existed for them."""
    count = _count_run_folders(locator.folder)
    if count:
        identity = locator.identity
        raise StoreLost(
            f"The store of workspace '{identity.name}' is gone, and the folders of {count} runs are there:"
            f" {locator.folder}.",
            hint=f"Bring it back: mlrun workspace repair -w {identity.name} -g {identity.resource_group}"
            f" --subscription-id {identity.subscription_id}",
            target=identity.name,
        )
