"""Files beside a workspace's store that record its content, from which the store can be rebuilt.

The last line of `runs/<id>/record.jsonl` is the store's document of a run, except for its definition, which is in the
first line. `children.jsonl` contains the documents of the runs below it that have no folder of their own; the last line
of each counts. `names.jsonl` contains the rows of the workspace's named objects. Values are not recorded in these
files but in journals, which stay in the run's folder; those of ended sessions are in `logged/`.
"""

from __future__ import annotations

from typing import Any

from mlrun_cli.core.json_lines import iterate_json_lines
from mlrun_cli.runs.folder import RunFolder

NAMES = "names.jsonl"
OLD_OWNER_LOCK = "minded_by"
"""The name of `owner_lock` in the stores and records of earlier programs."""


def read_run_documents(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """Return the documents of a run and of the descendants recorded with it, keyed by run id."""
    definition = None
    found: dict[str, dict[str, Any]] = {}
    for path in (folder.children, folder.record):
        for document in iterate_json_lines(path):
            if "deleted" in document:
                found.pop(document["deleted"], None)
                continue
            row = document.get("row")
            if not isinstance(row, dict) or not isinstance(row.get("run_id"), str):
                continue
            if OLD_OWNER_LOCK in row:
                row.setdefault("owner_lock", row.pop(OLD_OWNER_LOCK))
            if path == folder.record:
                definition = row.setdefault("definition", definition)
            found[row["run_id"]] = document
    return found
