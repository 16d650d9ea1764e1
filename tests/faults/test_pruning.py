"""What a submit says and does while somebody prunes the workspace."""

from __future__ import annotations

from pathlib import Path

from mlrun_cli.files.snapshot_pruning import using_snapshots
from tests.running import COMMAND, Mlrun, until


def test_a_submit_that_has_to_wait_for_a_prune_says_so_once_and_goes_on(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script("")
    assert mlrun("run", "submit-script", "--async", "train.py").stderr == ""
    mlrun.command = ["sh", "-c", 'exec "$0" "$@" 2>"$TOLD"', str(COMMAND)]
    prune_told, submit_told = tmp_path / "prune.stderr", tmp_path / "submit.stderr"
    with using_snapshots(mlrun.database.parent / "snapshots"):  # as another submit, which the prune waits for
        mlrun.environment["TOLD"] = str(prune_told)
        pruning = mlrun.start("workspace", "prune", "--older-than", "30d", "--yes")
        until(lambda: prune_told.exists() and prune_told.read_text())
        mlrun.environment["TOLD"] = str(submit_told)
        submitting = mlrun.start("run", "submit-script", "--async", "train.py")
        until(lambda: submit_told.exists() and submit_told.read_text().endswith("\n"))
        assert submitting.poll() is None
    for process in (pruning, submitting):
        process.communicate()
        assert process.returncode == 0
    assert submit_told.read_text() == "Waiting for a 'workspace prune' to end.\n"
