"""One studio for all tests of a file, each with an empty workspace of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.studio.run_maker import RunMaker
from tests.studio.serving import Studio


@pytest.fixture
def studio(shared_studio: Studio, workspace_folder: Path) -> Studio:
    """Return the studio with the URLs of the test's workspace."""
    return shared_studio.select_workspace(workspace_folder)


@pytest.fixture
def make(workspace_folder: Path) -> RunMaker:
    """Return the creator of runs in the test's workspace."""
    return RunMaker(workspace_folder)
