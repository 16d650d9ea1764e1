"""The transition from one attempt of a run to the next, in the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.actions.run_ends import cancel_run
from mlrun_cli.core.json_files import write_json
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.error import EndReason, build_run_error
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.retry_policy import RetryPolicy, find_inner_error_code
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.attempts import begin_next_attempt, queue_next_attempt, separate_lost_attempt_values
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

LOST = Outcome(RunStatus.FAILED, 5, error=build_run_error("It died.", reason=EndReason.SUPERVISOR_DIED))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        yield opened


def add_run(workspace: Workspace, status: RunStatus, **columns: object) -> Run:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        columns = {"run_type": SCRIPT_RUN, "user_name": "someone", **columns}
        key = workspace.runs.insert(experiment, number, f"exp_{number}", status=status, **columns)
    return workspace.runs.get_by_key(key)


def test_runs_that_a_failed_attempt_left_open_fail_with_it(workspace: Workspace) -> None:
    run = add_run(workspace, RunStatus.RUNNING)
    child = add_run(workspace, RunStatus.RUNNING, owner_lock=f"runs/{run.run_id}")
    assert begin_next_attempt(workspace, run, 1, LOST, RunStatus.QUEUED)
    child = workspace.runs.get_by_key(child.key)
    assert child.status is RunStatus.FAILED
    assert find_inner_error_code(LOST._replace(error=dict(child.error or {}))) == EndReason.PARENT_FAILED


def test_runs_that_an_earlier_attempt_left_open_end_with_a_canceled_queued_run(workspace: Workspace) -> None:
    run = add_run(workspace, RunStatus.QUEUED)
    child = add_run(workspace, RunStatus.RUNNING, owner_lock=f"runs/{run.run_id}")
    assert cancel_run(workspace, run, 0.0).status is RunStatus.CANCELED
    assert workspace.runs.get_by_key(child.key).status is RunStatus.CANCELED


def test_the_values_of_an_attempt_stay_until_the_script_of_the_next_starts(workspace: Workspace) -> None:
    run = add_run(workspace, RunStatus.RUNNING)
    with workspace.transaction():
        workspace.metrics.add(run.key, [LoggedValue(VALUE, "x", 1_000_000, None, 0.5, None)])
    assert begin_next_attempt(workspace, run, 1, LOST, RunStatus.QUEUED)
    folder = workspace.get_run_folder(run.run_id)
    folder.path.mkdir(parents=True, exist_ok=True)
    separate_lost_attempt_values(workspace, workspace.runs.get_by_key(run.key), folder)
    assert list(workspace.metrics.get(run.key)) == ["x"]
    write_json(folder.process, {"attempt": 2, "started_at": 9})
    separate_lost_attempt_values(workspace, workspace.runs.get_by_key(run.key), folder)
    assert not workspace.metrics.get(run.key)
    assert workspace.runs.get_by_key(run.key).attempts[-1]["started_at"] == 9


@pytest.mark.parametrize("attempts", [[], [{"number": 1}, {"number": 2}]])
def test_an_attempt_begins_again_a_few_times_if_its_script_was_not_started(
    workspace: Workspace, attempts: list[dict[str, int]]
) -> None:
    run = add_run(workspace, RunStatus.PREPARING, attempts=attempts)
    folder = workspace.get_run_folder(run.run_id)
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.secrets.touch()
    queued = [queue_next_attempt(workspace, run, folder, RetryPolicy(1), LOST) for _ in range(4)]
    assert queued == [True, True, True, False]
    assert len(workspace.runs.get_by_key(run.key).attempts) == len(attempts)
