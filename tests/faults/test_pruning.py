"""What a submission says and does while somebody prunes the workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlrun_cli.snapshots.pruning import prevent_pruning
from tests.running import COMMAND, LIVE, Mlrun, failure_of, until


def test_a_submit_that_has_to_wait_for_a_prune_says_so_once_and_goes_on(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script("")
    assert mlrun("run", "submit-script", "--async", "train.py").stderr == ""
    mlrun.command = ["sh", "-c", 'exec "$0" "$@" 2>"$TOLD"', str(COMMAND)]
    prune_told, submit_told = tmp_path / "prune.stderr", tmp_path / "submit.stderr"
    with prevent_pruning(mlrun.database.parent / "snapshots"):  # as another submit, which the prune waits for
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


@pytest.mark.parametrize("is_looked_at_for_long", [False, True])
def test_a_submit_whose_lock_somebody_looks_at_takes_it_then_or_says_that_it_cannot(
    mlrun: Mlrun, is_looked_at_for_long: bool
) -> None:
    mlrun.script("import time\ntime.sleep(600)")
    times = "5+" if is_looked_at_for_long else "5"  # the first four are of the snapshots and of the submission itself
    looked_at = ("--trace=flock", f"--inject=flock:error=EAGAIN:when={times}")
    mlrun.command = ["strace", "--output=/dev/null", *looked_at, str(COMMAND)]
    with mlrun.error_format("json"):
        submitted = mlrun("run", "submit-script", "--async", "train.py", check=False)
    mlrun.command = [str(COMMAND)]
    if is_looked_at_for_long:
        assert (submitted.returncode, failure_of(submitted).code) == (1, "StoreUnavailable")
    assert [run["status"] in LIVE for run in mlrun.json("run", "list")] == [True] * (not is_looked_at_for_long)
