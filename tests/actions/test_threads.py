"""What several threads of a process write in one place: the studio and a script's helper have them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import mlrun_cli
from mlrun_cli.actions.environments import add_wheel
from mlrun_cli.actions.snapshots import create_snapshot, write_snapshot_archive
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.package_copies import ensure_sdk_copy
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        yield opened


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "source" / f"{number}.whl" for number in range(8)]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_bytes(bytes(1 << 20))
    return paths


def test_the_archive_of_a_snapshot(workspace: Workspace, files: list[Path], tmp_path: Path) -> None:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        workspace.runs.insert(
            experiment, number, "exp_1", status=RunStatus.COMPLETED, run_type=SCRIPT_RUN, user_name="me", target="local"
        )
    run = workspace.runs.get("exp_1")
    snapshot_id = create_snapshot(workspace, files[0].parent)
    with ThreadPoolExecutor(4) as pool:
        written = list(
            pool.map(lambda _: write_snapshot_archive(workspace, run, snapshot_id, tmp_path / "out"), range(8))
        )
    assert list((tmp_path / "out").iterdir()) == [written[0]]


def test_a_wheel(workspace: Workspace, files: list[Path]) -> None:
    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(lambda path: add_wheel(workspace, path, may_exist=True), sorted(files * 4)))
    assert {path.as_uri() for path in (workspace.folder / "wheels").iterdir()} == set(kept)


def test_the_sdk(tmp_path: Path) -> None:
    def amount(sdk: Path) -> int:
        return sum(file.stat().st_size for file in (sdk / "azureml").rglob("*.py"))

    homes = [tmp_path / str(number) for number in range(5)]
    with ThreadPoolExecutor(4) as pool:
        amounts = set(pool.map(lambda home: amount(ensure_sdk_copy(home / "sdk")), sorted(homes * 4)))
    assert amounts == {amount(Path(mlrun_cli.__file__).parent / "sdk")}
    assert [len(list((home / "sdk").iterdir())) for home in homes] == [1] * 5
