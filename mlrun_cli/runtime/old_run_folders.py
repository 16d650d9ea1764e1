"""Run folders of an older version, which did not contain the run's record."""

from __future__ import annotations

import json
import os
from typing import Any

from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.processes.host import get_origin, get_user_name
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.submission import Submission
from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY


def read_old_run_document(folder: RunFolder) -> dict[str, Any] | None:
    """Return a run's document, without keys, built from a folder of an older version, or None if it is no such folder.

    A run without an outcome is recorded as Running; the next reconciliation checks whether it is.
    """
    written = read_json(folder.submission)
    if written is None:
        return None
    try:
        submission = Submission.from_json(written)
        outcome = read_json(folder.outcome)
        ended = None if outcome is None else Outcome.from_json(outcome)
    except (KeyError, TypeError, ValueError):
        return None
    created_at = _derive_creation_time(folder)
    process = read_json(folder.process) or {}
    origin = get_origin()
    row: dict[str, Any] = {
        "run_id": submission.run_id,
        "run_uuid": generate_guid(),
        "run_type": SCRIPT_RUN,
        "created_at": created_at,
        "user_name": get_user_name(),
        "script_name": None if submission.is_command else submission.argv[0],
        "target": submission.target,
        "started_at": process.get("started_at"),
        "host_id": origin.host_id,
        "boot_id": origin.boot_id,
        "pid_namespace": origin.pid_namespace,
        "status": RunStatus.RUNNING.value,
    }
    if ended is not None:
        columns = ended.to_columns()
        texts = {name: json.dumps(columns[name]) for name in ("error", "warnings") if columns[name] is not None}
        row.update(columns | texts, status=ended.status.value)
    return {
        "experiment": {
            "created_at": created_at,
            "experiment_id": generate_guid(),
            "name": submission.experiment_name,
        },
        "history": [[row["status"], row.get("ended_at") or created_at]],
        "parent": None,
        "properties": {SNAPSHOT_PROPERTY: submission.snapshot_id, "azureml.runsource": "experiment"},
        "root": None,
        "row": row,
        "tags": dict(submission.get_submit_options().tags),
    }


def _derive_creation_time(folder: RunFolder) -> int:
    """Return a run's creation time, from its id, `<experiment>_<seconds>_<random>`, and its submission file.

    The file's time orders runs of the same second, and is used alone if the id contains no time.
    """
    written = os.stat(folder.submission).st_mtime_ns // 1000
    middle = folder.path.name.split("_")[-2:][0]
    if not middle.isdecimal():
        return written
    created = int(middle) * MICROSECONDS
    return written if created <= written < created + 2 * MICROSECONDS else created
