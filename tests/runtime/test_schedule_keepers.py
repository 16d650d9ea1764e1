"""The files of the keeper of schedules."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runtime.schedule_keepers import KeeperFolder
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace."""
    locator = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
    with Workspace.open(locator, redactor=Redactor(), create=True) as opened:
        yield opened


def test_who_changes_a_schedule_does_not_make_the_pause_after_failures_longer(workspace: Workspace) -> None:
    folder = KeeperFolder(workspace)
    folder.create()
    assert folder.lock.stat().st_mode & 0o777 == 0o600
    with closing(OwnerLock.open(folder.lock)) as lock:
        for _ in range(3):
            folder.starts.increment(lock)
    assert folder.starts.is_backing_off()
    an_hour_ago = time.time() - 3600
    os.utime(folder.lock, (an_hour_ago, an_hour_ago))
    folder.create()
    assert folder.starts.is_failing()
    assert not folder.starts.is_backing_off()
