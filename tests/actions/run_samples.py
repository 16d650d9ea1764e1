"""Runs of all kinds, and conditions, orders and words to query them by."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.actions.run_values import resolve_where
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import RunOrder
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

DAY = 86_400_000_000


NOW = 1_800_000_000_000_000


RUNS = 40


COMPLETED = {"status": RunStatus.COMPLETED, "run_type": SCRIPT_RUN, "user_name": "me"}


LONG_TEXT = "as many letters as the index of descriptions has and then, beyond: the"


_DESCRIPTIONS = (None, "short", "Short, too", LONG_TEXT, f"{LONG_TEXT} end", f"{LONG_TEXT} End.", "Grüße, ÜB zq")


PREDICATES = (
    "loss < 0.5",
    "loss != 0.25",
    "metric.lr > 0.1",
    "max(loss) >= 0.5",
    "min(loss) in (0, 0.25)",
    "metric.loss",
    "lr >= 0.01",
    "param.lr >= 0.1",
    "param.lr in (0.1, 1)",
    "param.lr != 0.1",
    "lr = auto",
    "param.lr < b",
    "param.lr ~ 0.",
    "opt != adam",
    "opt !~ AD",
    "param.opt",
    "param.seed > 2",
    "tag.team = a",
    "tag.team != a",
    "tag.team",
    "tag.level > 1",
    "tag.level ~ 1",
    "tag.team in (a, c)",
    "property.size <= 10",
    "property.size = 10",
    "status = failed",
    "status != failed",
    "status in (completed, canceled)",
    "name = first",
    "name ~ IR",
    "name !~ ir",
    "experiment = one",
    "experiment ~ t",
    "target != local",
    "target in (local, gpu)",
    "user = me",
    "run_number <= 5",
    "exit_code = 1",
    "exit_code != 0",
    "exit_code >= 1 and exit_code < 2",
    "exit_code in (1, 2)",
    "description = short",
    "description != short",
    "description ~ SHO",
    "description !~ end",
    f"description = '{LONG_TEXT} end'",
    f"description != '{LONG_TEXT} end'",
    f"description in (short, '{LONG_TEXT} end')",
    "description ~ ' end'",
    *(f"created {operator} 2027-01-10" for operator in ("=", "!=", ">")),
    "started <= 2027-01-10",
    "ended > 3d",
    "ended > 8d and ended <= 2d",
    "ended != 2027-01-10",
    "duration > 30m",
    "duration <= 1h",
    "nothing > 0",
)


COLUMNS = (
    *("loss", "max(loss)", "param.lr", "created", "started", "duration", "tag.level", "tag.team", "name", "target"),
    *("experiment", "description"),
)


TEXTS = (
    *("first", "adam", "other sgd", "two ad", "zq", "ZQ first", "=3", "ir sh", "e", "1", "a 2"),
    *("üß", "Grüße zq", "grüße", "ÜB", "no such", "qz", "x ad", "%", "_2", "te", "Q", "ü q", "x", ":"),
)


def open_workspace(home: Path) -> Workspace:
    place = locate_workspace(home, WorkspaceIdentity("s", "g", "w"))
    return Workspace.open(place, create=True, redactor=Redactor())


def add_run(workspace: Workspace, chance: random.Random) -> None:
    started = NOW - chance.randrange(10) * DAY - chance.randrange(DAY)
    arguments = [
        *_maybe(chance, "--lr", "0.01", "0.1", "1.0", "auto", "best"),
        *_maybe(chance, "--opt", "adam", "sgd", "Adamax"),
        f"--seed={chance.randrange(6)}",
    ]
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers(chance.choice(["one", "two"]))
        key = workspace.runs.insert(
            experiment,
            number,
            f"{experiment.name}_{number}",
            status=chance.choice([RunStatus.FAILED, RunStatus.COMPLETED, RunStatus.CANCELED]),
            run_type=SCRIPT_RUN,
            user_name=chance.choice(["me", "you"]),
            target=chance.choice([None, "local", "gpu"]),
            display_name=chance.choice([None, "first", "third", "other"]),
            exit_code=chance.choice([None, 0, 1]),
            description=chance.choice(_DESCRIPTIONS),
            started_at=started,
            ended_at=started + chance.choice([60, 1800, 3600, 7200]) * 1_000_000,
            definition={"arguments": arguments},
        )
        workspace.runs.update(key, created_at=started - 1)
        workspace.runs.set_tags(key, {"team": chance.choice(["a", "b", None]), "level": chance.choice(["1", "2", "x"])})
        if chance.random() < 0.5:
            workspace.runs.remove_tags(key, ["team"])
            workspace.runs.add_properties(key, {"size": chance.choice(["5", "10", "20", "big"])})
        for name in ("loss", "lr"):
            values = [chance.choice([0, 0.25, 0.5, 1, math.nan]) for _ in range(chance.randrange(3))]
            workspace.metrics.add(key, [LoggedValue(VALUE, name, 1, None, value, None) for value in values])


def _maybe(chance: random.Random, option: str, *values: str) -> Sequence[str]:
    return [option, chance.choice(values)] if chance.random() < 0.7 else []


def draw_condition(chance: random.Random, depth: int = 2) -> str:
    """Return the text of a random condition."""
    if depth == 0 or chance.random() < 0.3:
        return chance.choice(PREDICATES)
    if chance.random() < 0.25:
        return f"not ({draw_condition(chance, depth - 1)})"
    word = chance.choice([" and ", " or "])
    return "(" + word.join(draw_condition(chance, depth - 1) for _ in range(chance.choice([2, 2, 3]))) + ")"


def insert_with_loss(workspace: Workspace, loss: float | None) -> int:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("one")
        key = workspace.runs.insert(experiment, number, f"one_{number}", **COMPLETED)
        if loss is not None:
            workspace.metrics.add(key, [LoggedValue(VALUE, "loss", 1, None, loss, None)])
    return key


def list_keys(workspace: Workspace, which: RunFilter, order: RunOrder, limit: int, offset: int) -> Sequence[int]:
    resolved = resolve_where(workspace, which)
    return [run.key for run in workspace.run_pages.list_page(resolved, order, limit=limit, offset=offset)]
