"""The last lines of a log that notifications and summaries of CI jobs have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.actions.last_lines import read_last_lines
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        yield opened


def test_last_lines_have_no_secrets_and_are_short(workspace: Workspace, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert read_last_lines(workspace, log, 3) == []
    bar = "".join(f"\r{percent}%" for percent in range(101))
    log.write_bytes(f"first\n\n{bar}\r\n{'x' * 490}https://me:hunter13@host\nAPI_KEY=hunter14 \x1b[2J\n\n".encode())
    lines = read_last_lines(workspace, log, 3)
    assert lines[0] == "100%"
    assert len(lines[1]) == 501
    assert lines[2].startswith("API_KEY=***")
    assert not any("hunter" in line or "\x1b" in line for line in lines)
