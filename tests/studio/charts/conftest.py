"""One studio for all tests of a file, each with an empty workspace of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.core.redaction import Redaction
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.running import Mlrun
from tests.studio.run_maker import RunMaker
from tests.studio.serving import Studio, serving


@pytest.fixture(scope="module")
def shared_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Yield a studio over a home of its own."""
    command = Mlrun(tmp_path_factory.mktemp("charts"))
    with serving(command) as served:
        yield served
    command.close()


@pytest.fixture
def workspace_folder(shared_studio: Studio, tmp_path: Path) -> Path:
    """Return the folder of a new workspace in the studio's home."""
    folder = shared_studio.workspace_folder.with_name(tmp_path.name)
    Workspace.open(parse_locator(folder), redaction=Redaction(), create=True).close()
    return folder


@pytest.fixture
def studio(shared_studio: Studio, workspace_folder: Path) -> Studio:
    """Return the studio with the URLs of the test's workspace."""
    return shared_studio.select_workspace(workspace_folder)


@pytest.fixture
def make(workspace_folder: Path) -> RunMaker:
    """Return the creator of runs in the test's workspace."""
    return RunMaker(workspace_folder)
