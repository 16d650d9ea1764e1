"""Fills a workspace with ended runs, through the store's own bulk insert."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from mlrun_cli.domain.guid import new_guid
from mlrun_cli.domain.moment import MICROSECONDS, now
from mlrun_cli.domain.names import DEFAULT_RESOURCE_GROUP, DEFAULT_SUBSCRIPTION_ID, DEFAULT_WORKSPACE
from mlrun_cli.domain.run import SCRIPT_RUN
from mlrun_cli.domain.run_status import RunStatus
from mlrun_cli.store.migrations import migrate
from mlrun_cli.store.sqlite import SqliteDatabase
from mlrun_cli.workspace import Workspace, WorkspaceIdentity, workspace_folder

EXPERIMENT = "seeded"
STATUSES = (RunStatus.COMPLETED,) * 8 + (RunStatus.FAILED, RunStatus.CANCELED)
BATCH = 20_000

_COLUMNS = (
    "run_id",
    "run_uuid",
    "experiment_key",
    "run_number",
    "run_type",
    "status",
    "created_at",
    "started_at",
    "ended_at",
    "duration_seconds",
    "user_name",
    "script_name",
    "target",
)


def run_id(number: int) -> str:
    """The id of a seeded run, from 1 on."""
    return f"{EXPERIMENT}_{1_700_000_000 + number}_{number:08x}"


def seed(home: Path, count: int) -> None:
    """Make the default workspace under `home` with `count` ended runs, three tags and two properties each."""
    identity = WorkspaceIdentity(DEFAULT_SUBSCRIPTION_ID, DEFAULT_RESOURCE_GROUP, DEFAULT_WORKSPACE)
    with Workspace.open(identity, home, create=True) as workspace, workspace.transaction():
        experiment, _ = workspace.experiments.take_run_number(EXPERIMENT)
    database = SqliteDatabase(workspace_folder(home, identity) / "workspace.db")
    migrate(database, "the seeded store")
    numbers = iter(range(1, count + 1))
    while batch := list(islice(numbers, BATCH)):
        with database.transaction():
            database.insert_many("runs", _COLUMNS, _runs(batch, experiment.key))
            database.insert_many("run_tags", ("run_key", "key", "value"), _tags(batch))
            database.insert_many("run_properties", ("run_key", "key", "value"), _properties(batch))
    database.execute("UPDATE experiments SET last_run_number = :count", count=count)
    database.close()


def _runs(numbers: list[int], experiment_key: int) -> Iterator[tuple[object, ...]]:
    start = now() - 90 * 86_400 * MICROSECONDS
    for number in numbers:
        created = start + number * MICROSECONDS
        status = STATUSES[number % len(STATUSES)].value
        times = (created, created + MICROSECONDS, created + 61 * MICROSECONDS, 60.0)
        names = ("someone", "train.py", "local")
        yield (run_id(number), new_guid(), experiment_key, number, SCRIPT_RUN, status, *times, *names)


def _tags(numbers: list[int]) -> Iterator[tuple[object, ...]]:
    for number in numbers:
        yield number, "model", f"m{number % 50}"
        yield number, "quality", "fantastic run" if number % 1000 == 0 else "usual"
        yield number, f"week{number % 52}", None


def _properties(numbers: list[int]) -> Iterator[tuple[object, ...]]:
    for number in numbers:
        yield number, "ContentSnapshotId", new_guid()
        yield number, "author", f"user{number % 20}"
