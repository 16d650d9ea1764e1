"""The job that is allowed to start a run on a node, in case its engine has accepted several jobs for the run.

A submission that an engine has not answered is repeated, and the engine may have accepted the first one after all. The
first job that starts records its id in the run's folder; any other then does nothing. A job that its engine starts
again has the same id.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.removal import remove_tree
from mlrun_cli.core.temporary import make_temporary_name
from mlrun_cli.runs.shared_folder import SharedRunFolder

_FILE = "job.json"
_VISIBLE_SECONDS = 90.0
"""How long the record of another node may take to be visible: longer than any cache of a network file system."""
_LOOK_SECONDS = 0.5


def record_starting_job(folder: SharedRunFolder, job_id: str) -> str:
    """Record a job as the one that starts a run, unless one is recorded; return the id of the recorded job.

    Raises:
        OSError: the record cannot be written or read.
    """
    # A folder that is not empty is never replaced by another: on any file system, only one job succeeds.
    temporary = folder.path / make_temporary_name()
    temporary.mkdir(mode=0o700)
    try:
        write_json(temporary / _FILE, {"id": job_id}, durable=True)
        with suppress(OSError):
            os.rename(temporary, folder.starting_job)
    finally:
        with suppress(OSError):
            remove_tree(temporary)
    deadline = time.monotonic() + _VISIBLE_SECONDS
    while (found := find_starting_job(folder)) is None:
        if time.monotonic() >= deadline:
            raise FileNotFoundError(f"{folder.starting_job} cannot be written")
        time.sleep(_LOOK_SECONDS)
    return found


def find_starting_job(folder: SharedRunFolder) -> str | None:
    """Return the id of the job that has started a run, or None if none has.

    Raises:
        OSError: the record cannot be read.
    """
    document = read_json(folder.starting_job / _FILE)
    return None if document is None else str(document["id"])
