"""Filling of a workspace with runs, through the store's bulk insert.

    python -m tests.benchmarks.seed HOME RUNS

makes the default workspace under HOME, as `MLRUN_HOME` names it, with RUNS runs in up to 100 experiments, of which
one in twenty is a child run, with tags, descriptions, ten parameters, metrics and curves.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.names import DEFAULT_RESOURCE_GROUP, DEFAULT_SUBSCRIPTION_ID, DEFAULT_WORKSPACE
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.parameters import parse_arguments
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from mlrun_cli.store.db.sqlite.migrations import migrate
from mlrun_cli.store.db.sqlite.parameter_schema import FILL_TEXTS
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace
from tests.benchmarks.arguments import build_parser, parse_positive

EXPERIMENT = "seeded"
STATUSES = (RunStatus.COMPLETED,) * 8 + (RunStatus.FAILED, RunStatus.CANCELED)
BATCH = 20_000
ACTIVE = 8
CURVES = 200
CURVE_POINTS = 1000
LONG_CURVE_POINTS = 1_000_000

_IDENTITY = WorkspaceIdentity(DEFAULT_SUBSCRIPTION_ID, DEFAULT_RESOURCE_GROUP, DEFAULT_WORKSPACE)
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
_MORE_COLUMNS = ("exit_code", "display_name", "description", "parent_key", "root_key", "definition")
_METRIC_COLUMNS = ("run_key", "name", "shape", "value_count", "last_value", "min_value", "max_value")
_PARAMETER_COLUMNS = ("run_key", "name", "sort_value", "text")
_DERIVING = ("run_unread", "run_text_of_read", "run_text_of_new", "run_text_tagged")
"""Triggers that would do for each row what is done for all of them at the end."""
_FILLED = ("runs", "run_tags", "run_properties", "run_parameters", "metrics")
"""The tables whose indexes are created at the end, too."""
_CACHE_KIB = 1_000_000


def run_id(number: int) -> str:
    """Return the id of a seeded run, counted from 1."""
    return f"{EXPERIMENT}_{1_700_000_000 + number}_{number:08x}"


def seed(home: Path, count: int) -> None:
    """Create the default workspace under `home` with `count` ended runs, three tags and two properties each."""
    with _database(home, [EXPERIMENT]) as (database, keys):
        for batch in _batches(count):
            with database.transaction():
                database.insert_many("runs", _COLUMNS, (_run(number, keys[0]) for number in batch))
                _hang_on(database, batch)


def seed_pages(home: Path, count: int, *, experiments: int = 100, long_curve: int = LONG_CURVE_POINTS) -> None:
    """Create the default workspace under `home` with everything that pages of runs show.

    Args:
        home: as `MLRUN_HOME` names it.
        count: how many runs; the newest `ACTIVE` of them are running.
        experiments: how many experiments they are in, a hundred runs of each in turn.
        long_curve: how many values the metric `long` of the newest run has.
    """
    names = [f"{EXPERIMENT}-{number:03}" for number in range(experiments)]
    with _database(home, names) as (database, keys), _derived_at_once(database):
        for batch in _batches(count):
            with database.transaction():
                rows = (_full_run(number, count, keys[number // 100 % experiments]) for number in batch)
                database.insert_many("runs", (*_COLUMNS, *_MORE_COLUMNS), rows)
                _hang_on(database, batch)
                database.insert_many("metrics", _METRIC_COLUMNS, _metrics(batch))
                database.insert_many("run_parameters", _PARAMETER_COLUMNS, _parameters(batch))
    with (
        Workspace.open(locate_workspace(home, _IDENTITY), create=False, redactor=Redactor()) as workspace,
        workspace.transaction(),
    ):
        for number in range(max(1, count - CURVES + 1), count + 1):
            workspace.metrics.add(number, list(_curve("curve", CURVE_POINTS, number)))
        workspace.metrics.add(count, list(_curve("long", long_curve, count)))


@contextmanager
def _database(home: Path, experiments: Sequence[str]) -> Iterator[tuple[Database, Sequence[int]]]:
    """Yield the database of a new workspace with these experiments, and the experiments' keys."""
    with (
        Workspace.open(locate_workspace(home, _IDENTITY), create=True, redactor=Redactor()) as workspace,
        workspace.transaction(),
    ):
        keys = [workspace.experiments.reserve_run_numbers(name)[0].key for name in experiments]
    with closing(SqliteDatabase(locate_workspace(home, _IDENTITY).folder / "workspace.db")) as database:
        migrate(database, "the seeded store")
        yield database, keys
        database.execute("UPDATE experiments SET last_run_number = (SELECT count(*) FROM runs)")


@contextmanager
def _derived_at_once(database: Database) -> Iterator[None]:
    """Create the texts of runs and all indexes at the end of the block instead of with each insert."""
    triggers, tables = (", ".join(f"'{name}'" for name in names) for names in (_DERIVING, _FILLED))
    dropped = database.rows(
        f"SELECT type, name, sql FROM sqlite_master WHERE name IN ({triggers})"
        f" OR (type = 'index' AND sql IS NOT NULL AND tbl_name IN ({tables}))"
    )
    database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    for each in dropped:
        database.execute(f"DROP {each['type']} {each['name']}")
    yield
    for statement in (FILL_TEXTS, *(each["sql"] for each in dropped)):
        database.execute(statement)


def _batches(count: int) -> Iterator[list[int]]:
    numbers = iter(range(1, count + 1))
    while batch := list(islice(numbers, BATCH)):
        yield batch


def _run(number: int, experiment_key: int) -> tuple[object, ...]:
    created = now() - 90 * 86_400 * MICROSECONDS + number * MICROSECONDS
    status = STATUSES[number % len(STATUSES)].value
    times = (created, created + MICROSECONDS, created + 61 * MICROSECONDS, 60.0)
    return (
        run_id(number),
        generate_guid(),
        experiment_key,
        number,
        SCRIPT_RUN,
        status,
        *times,
        "someone",
        "train.py",
        "local",
    )


def _full_run(number: int, count: int, experiment_key: int) -> tuple[object, ...]:
    columns = dict(zip(_COLUMNS, _run(number, experiment_key), strict=True))
    columns.update(user_name=f"user{number % 20}", target=("local", "cpu", "gpu", "gpu-large")[number % 4])
    if number > count - ACTIVE:
        columns.update(status=RunStatus.RUNNING.value, ended_at=None, duration_seconds=None)
    else:
        columns["duration_seconds"] = 1.0 + number * 7919 % 100_000
    # Each hundredth run has the next five below it.
    parent = number - number % 100 if 0 < number % 100 <= 5 and number > 100 else None
    display_name = f"trial {number % 1000}" if number % 2 else None
    description = f"What came of idea {number}" if number % 10 == 0 else None
    definition = json.dumps({"script": "train.py", "arguments": _arguments(number)})
    exit_code = _get_exit_code(number, str(columns["status"]))
    return (*columns.values(), exit_code, display_name, description, parent, parent, definition)


def _get_exit_code(number: int, status: str) -> int | None:
    """Return the exit code of a run: if it has failed, 137 of one in a hundred; None if it is still running."""
    if status == RunStatus.FAILED.value:
        return 137 if number % 1000 == 8 else 1
    return {RunStatus.COMPLETED.value: 0, RunStatus.CANCELED.value: -15}.get(status)


def _hang_on(database: Database, numbers: list[int]) -> None:
    database.insert_many("run_tags", ("run_key", "key", "value"), _tags(numbers))
    database.insert_many("run_properties", ("run_key", "key", "value"), _properties(numbers))


def _tags(numbers: list[int]) -> Iterator[tuple[object, ...]]:
    for number in numbers:
        yield number, "model", f"m{number % 50}"
        yield number, "quality", "fantastic run" if number % 1000 == 0 else "usual"
        yield number, f"week{number % 52}", None


def _properties(numbers: list[int]) -> Iterator[tuple[object, ...]]:
    for number in numbers:
        yield number, "ContentSnapshotId", generate_guid()
        yield number, "author", f"user{number % 20}"


def _arguments(number: int) -> Sequence[str]:
    """Return the arguments of a run, in which ten parameters are."""
    noise = number * 7919 % 1_000_003
    return [
        f"--lr={10 ** (-5 + noise % 997 / 249):.6g}",
        f"--batch-size={2 ** (3 + number % 6)}",
        f"--optimizer={('adam', 'adamw', 'sgd', 'lion')[number % 4]}",
        f"--epochs={number % 7 * 10}",
        f"--seed={noise}",
        f"--dropout={noise % 10 / 10}",
        f"--layers={number % 12} x 64",
        "--momentum=0.9",
        f"data.path=/data/set-{number % 100}",
        *(("--amp",) if number % 100 == 0 else ("--no-amp",)),
    ]


def _parameters(numbers: list[int]) -> Iterator[tuple[object, ...]]:
    for number in numbers:
        for name, parameter in parse_arguments(_arguments(number)).items():
            yield number, name, parameter.sort_value, parameter.text


def _metrics(numbers: list[int]) -> Iterator[tuple[object, ...]]:
    """Yield two metrics of each run, without values, because nothing reads these."""
    for number in numbers:
        accuracy = number * 7919 % 1_000_003 / 1_000_003
        yield number, "accuracy", VALUE, 0, accuracy, accuracy / 2, accuracy
        yield number, "loss", VALUE, 0, 1 - accuracy, 1 - accuracy, 1.0


def _curve(name: str, points: int, number: int) -> Iterator[LoggedValue]:
    moment = now()
    for step in range(points):
        value = math.exp(-5 * step / points) + math.sin(step * number) / 20
        yield LoggedValue(VALUE, name, moment + step * 1000, float(step), value, None)


if __name__ == "__main__":
    _parser = build_parser(__doc__)
    _parser.add_argument("home", type=Path, metavar="HOME")
    _parser.add_argument("runs", type=parse_positive, metavar="RUNS")
    _asked = _parser.parse_args()
    seed_pages(_asked.home, _asked.runs)
