from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.actions.run_ends import cancel_run, wait_for_runs
from mlrun_cli.actions.runs import RunChanges, get_runs, list_runs, update_runs
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import AmbiguousRunId, RunNotFound, UsageError
from mlrun_cli.runs.filter import RunFilter, TagFilter
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

NO_TEXT = "a\udcff"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        yield opened


def add_run(workspace: Workspace, status: RunStatus, name: str = "exp") -> Run:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers(name)
        key = workspace.runs.insert(
            experiment,
            number,
            f"{name}_{number}",
            status=status,
            run_type=SCRIPT_RUN,
            user_name="someone",
            target="local",
        )
    return workspace.runs.get_by_key(key)


def add_children(workspace: Workspace, parent: Run, run_ids: list[str]) -> None:
    with workspace.transaction():
        _, number = workspace.experiments.reserve_run_numbers(parent.experiment_name, len(run_ids))
        workspace.runs.insert_children(
            parent, number, run_ids, status=RunStatus.COMPLETED, run_type=SCRIPT_RUN, user_name="someone"
        )


def delete(workspace: Workspace, run: Run) -> None:
    with workspace.transaction():
        assert workspace.runs.delete(run.key)


def test_a_run_that_was_deleted_meanwhile_is_named_by_its_id(workspace: Workspace) -> None:
    run = add_run(workspace, RunStatus.COMPLETED)
    delete(workspace, run)
    with pytest.raises(RunNotFound, match=r"'exp_1'.*'w'"):
        wait_for_runs(workspace, [run], None)
    with pytest.raises(RunNotFound, match=r"'exp_1'.*'w'"):
        cancel_run(workspace, run, 1.0)
    with pytest.raises(RunNotFound, match=r"'exp_1'.*'w'"):
        update_runs(workspace, [run], RunChanges(tags={"a": "b"}))
    assert workspace.runs.get_tags(run.key) == {}


def test_a_run_is_found_by_its_display_name_where_only_one_has_it(workspace: Workspace) -> None:
    runs = [add_run(workspace, RunStatus.COMPLETED, experiment) for experiment in ("exp", "exp", "other", "other")]
    for run, name in zip(runs, ("my run; 1", "exp_2", "my run; 1", "exp_1"), strict=True):
        update_runs(workspace, [run], RunChanges(tags={}, display_name=name))

    def find(name: str, **where: str) -> str:
        return get_runs(workspace, [name], by_display_name=True, **where)[0].run_id

    assert find("my run; 1", attached_experiment="exp") == "exp_1"
    assert find("my run; 1", experiment_name="other") == "other_1"
    assert find("exp_1") == "exp_1"
    assert find("my run; 1", attached_experiment="other") == "other_1"
    with pytest.raises(AmbiguousRunId, match="other_1, exp_1"):
        find("my run; 1")
    with pytest.raises(AmbiguousRunId, match="begin with 'exp_'"):
        find("exp_")
    with pytest.raises(RunNotFound):
        find("exp_2", experiment_name="other")
    with pytest.raises(RunNotFound):
        get_runs(workspace, ["my run; 1"])


def test_a_prefix_of_a_run_and_of_its_child_runs_alone_means_the_run(workspace: Workspace) -> None:
    parent = add_run(workspace, RunStatus.COMPLETED)
    add_children(workspace, parent, [f"exp_1_{number}" for number in range(9)])

    def find(prefix: str) -> str:
        return get_runs(workspace, [prefix])[0].run_id

    assert find("exp") == find("exp_1") == "exp_1"
    assert find("exp_1_3") == "exp_1_3"
    with pytest.raises(AmbiguousRunId, match="begin with 'exp_1_'"):
        find("exp_1_")
    add_children(workspace, add_run(workspace, RunStatus.COMPLETED, "other"), ["exp_1_5_of_another"])
    with pytest.raises(AmbiguousRunId, match="begin with 'exp'"):
        find("exp")
    assert find("exp_1") == "exp_1"


def test_a_prefix_of_a_run_and_of_a_child_run_with_another_id_is_ambiguous(workspace: Workspace) -> None:
    parent = add_run(workspace, RunStatus.COMPLETED)
    add_children(workspace, parent, ["exp_2"])
    with pytest.raises(AmbiguousRunId, match="exp_1, exp_2"):
        get_runs(workspace, ["exp"])


def test_a_queued_run_that_is_canceled_has_ended_at_that_moment(workspace: Workspace) -> None:
    run = cancel_run(workspace, add_run(workspace, RunStatus.QUEUED), 1.0)
    assert run.status is RunStatus.CANCELED
    assert run.ended_at is not None
    assert run.ended_at >= run.created_at


def test_an_update_tells_the_status_of_now(workspace: Workspace) -> None:
    run = add_run(workspace, RunStatus.RUNNING)
    with workspace.transaction():
        workspace.runs.change_status(run.key, {RunStatus.RUNNING}, RunStatus.COMPLETED)
    for seen in (run, run._replace(status=RunStatus.NOT_RESPONDING)):
        assert update_runs(workspace, [seen], RunChanges(tags={"a": "b"}))[0].status is RunStatus.COMPLETED


def test_an_update_of_a_run_that_does_not_respond_does_not_call_it_running(workspace: Workspace) -> None:
    run = add_run(workspace, RunStatus.RUNNING)._replace(status=RunStatus.NOT_RESPONDING)
    assert update_runs(workspace, [run], RunChanges(tags={"a": "b"}))[0].status is RunStatus.NOT_RESPONDING


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        (RunChanges(tags={NO_TEXT: None}), "tag key"),
        (RunChanges(tags={}, removed_tags=[NO_TEXT]), "tag key"),
        (RunChanges(tags={"good": "b", "bad": NO_TEXT}), "The value of the tag 'bad'"),
        (RunChanges(tags={}, properties={NO_TEXT: "b"}), "tag key"),
        (RunChanges(tags={}, properties={"k": NO_TEXT}), "The value of the property 'k'"),
        (RunChanges(tags={}, display_name=NO_TEXT), "The display name"),
        (RunChanges(tags={}, description=NO_TEXT), "The description"),
    ],
)
def test_an_update_with_bytes_that_are_no_text_is_refused(workspace: Workspace, changes: RunChanges, what: str) -> None:
    run = add_run(workspace, RunStatus.RUNNING)
    with pytest.raises(UsageError, match=what):
        update_runs(workspace, [run], changes)
    assert workspace.runs.get_by_key(run.key) == run


@pytest.mark.parametrize(
    ("which", "what"),
    [
        (RunFilter(tags=(TagFilter(NO_TEXT, any_value=True),)), "The tag key"),
        (RunFilter(tags=(TagFilter("k", NO_TEXT),)), "The value of the tag 'k'"),
        (RunFilter(target=NO_TEXT), "The compute target"),
        (RunFilter(parent_run_id=NO_TEXT), "run id"),
    ],
)
def test_a_filter_with_bytes_that_are_no_text_is_refused(workspace: Workspace, which: RunFilter, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        list_runs(workspace, which)


def test_a_display_name_of_another_experiment_is_told_with_that_experiment(workspace: Workspace) -> None:
    runs = [add_run(workspace, RunStatus.COMPLETED, name) for name in ("exp", "other", "third")]
    update_runs(workspace, runs[1:2], RunChanges(tags={}, display_name="base/line"))

    def find() -> RunNotFound:
        with pytest.raises(RunNotFound) as caught:
            get_runs(workspace, ["base/line"], experiment_name="exp", by_display_name=True)
        return caught.value

    error = find()
    assert error.is_elsewhere
    assert "in 'other'" in error.message
    update_runs(workspace, runs[2:], RunChanges(tags={}, display_name="base/line"))
    assert "'third' and 'other'" in find().message
    assert "-e" in (find().hint or "")
    assert get_runs(workspace, ["base/line"], experiment_name="third", by_display_name=True)[0].run_id == "third_1"
