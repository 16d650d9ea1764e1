"""Transactions that change a run which may be in the trash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mlrun_cli.errors import RunNotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace


@contextmanager
def open_run_transaction(workspace: Workspace, run_key: int) -> Iterator[None]:
    """Run the block in a transaction in which a run exists, even if it is in the trash before and after.

    Raises:
        RunNotFound: it has been removed for good, or another run has its id now.
    """
    with workspace.transaction():
        if workspace.runs.find_status(run_key) is not None:
            yield
            return
        with workspace.trash.unpack_run(run_key):
            yield


def find_run_or_trashed(workspace: Workspace, run_id: str) -> Run | None:
    """Return the run with this id, else the one in the trash, or None if there is neither."""
    key = workspace.runs.find_key(run_id)
    if key is not None:
        return next(iter(workspace.runs.list_by_keys([key])), None)
    trashed = workspace.trash.find_run(run_id)
    return None if trashed is None else trashed.run


def get_run_or_trashed(workspace: Workspace, run_key: int) -> Run:
    """Return the run with this key, which may be in the trash.

    Raises:
        RunNotFound: it has been removed for good.
    """
    found = workspace.runs.list_by_keys([run_key])
    if found:
        return found[0]
    trashed = workspace.trash.find_run_by_key(run_key)
    if trashed is None:
        raise RunNotFound(f"#{run_key}")
    return trashed.run


def get_journal_offsets(workspace: Workspace, run_key: int) -> Mapping[str, int]:
    """Return the read offsets of the journals of a run, which may be in the trash, keyed by journal name."""
    return workspace.journals.get_offsets(run_key) or workspace.trash.get_journal_offsets(run_key)
