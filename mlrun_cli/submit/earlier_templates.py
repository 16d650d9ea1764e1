"""Templates of earlier sweeps and pipeline steps, from which a rerun starts the same source again."""

from __future__ import annotations

import json
from pathlib import Path

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.redaction import REDACTED
from mlrun_cli.errors import RunNotRepeatable, SnapshotNotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.submission import Submission
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.submit.earlier_runs import EarlierRun
from mlrun_cli.submit.template import get_submission_file
from mlrun_cli.submit.template_record import find_template_record
from mlrun_cli.workspace import Workspace


def read_template_submission(run: Run, folder: Path) -> Submission:
    """Return the submission in the folder of a template; error messages name the run.

    Raises:
        RunNotRepeatable: the file is gone or damaged.
    """
    document = read_json(get_submission_file(folder))
    if document is None:
        raise _build_error(run, get_submission_file(folder))
    return Submission.from_json(document)


def load_earlier_template(workspace: Workspace, run: Run, folder: Path) -> EarlierRun:
    """Return an earlier run with its submission, snapshot and configuration, read from a template's folder.

    Raises:
        RunNotRepeatable: a file of the template is gone, damaged, or was not yet written by the version that made it,
            or the runconfig had secrets.
        SnapshotNotFound: its snapshot no longer exists.
    """
    submission, record = read_template_submission(run, folder), find_template_record(folder)
    if record is None:
        raise _build_error(run, folder)
    hidden = [name for name, value in record.configuration.rest.items() if REDACTED in json.dumps(value)]
    if hidden:
        raise RunNotRepeatable(
            f"No record holds the secrets in the runconfig of '{run.run_id}': {', '.join(hidden)}.",
            hint="Add --current-code to use the runconfig as it is now.",
            target=run.run_id,
        )
    snapshot = SnapshotStore(workspace.snapshots_folder).find_manifest(submission.snapshot_id)
    if snapshot is None:
        raise SnapshotNotFound(
            f"There is no snapshot '{submission.snapshot_id}' any more, from which '{run.run_id}' was started.",
            hint="Add --current-code to use the folder as it is now.",
            target=run.run_id,
        )
    return EarlierRun(run, submission, snapshot, record)


def _build_error(run: Run, path: Path) -> RunNotRepeatable:
    return RunNotRepeatable(
        f"'{run.run_id}' cannot be submitted from what is stored of it, since files are missing or damaged: {path}",
        hint="Add --current-code to use the folder as it is now, or submit it by the command that you gave.",
        target=run.run_id,
    )
