"""A store as a program left it that did not know the table of parameters yet."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from mlrun_cli.store.db.sqlite.migrations import migrate
from tests.running import Mlrun

RUNS = 1000

_BEFORE_PARAMETERS = 8
"""How many migrations there were before that of parameters."""
_COLUMNS = "run_id run_uuid experiment_key run_number created_at run_type status user_name definition"


def replace_by_older_store(path: Path) -> None:
    """Replace a database by one with the runs `a_0` to `a_999` of the experiment `exp`, with `--rate` 0 to 999."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    with closing(SqliteDatabase(path)) as old:
        migrate(old, "it", _BEFORE_PARAMETERS)
        columns = ("experiment_key", "experiment_id", "name", "created_at", "last_run_number")
        old.insert_many("experiments", columns, [(1, "e", "exp", 1, RUNS)])
        rows = [
            (f"a_{rate}", f"u_{rate}", 1, rate + 1, rate + 1, "azureml.scriptrun", "Completed", "me", _define(rate))
            for rate in range(RUNS)
        ]
        old.insert_many("runs", _COLUMNS.split(), rows)


def count_read_runs(mlrun: Mlrun) -> int:
    """Return the number of runs whose parameter has been read."""
    ((count,),) = mlrun.stored("SELECT count(*) FROM run_parameters")
    return int(count)


def _define(rate: int) -> str:
    return json.dumps({"arguments": ["--rate", str(rate)]})
