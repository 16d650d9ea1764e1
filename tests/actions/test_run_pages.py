from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.actions.experiments import list_experiment_outcomes
from mlrun_cli.actions.run_pages import Count, get_run_page
from mlrun_cli.actions.runs import list_runs
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import RunNotFound, UsageError
from mlrun_cli.metrics.filter import MetricFilter
from mlrun_cli.processes.host import get_origin
from mlrun_cli.runs.filter import RunFilter, TagFilter
from mlrun_cli.runs.order import RunOrder
from mlrun_cli.runs.run import SCRIPT_RUN
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


def add_runs(workspace: Workspace, *statuses: RunStatus, experiment_name: str = "exp", **columns: object) -> None:
    values = {"run_type": SCRIPT_RUN, "user_name": "someone", "target": "local", **columns}
    for status in statuses:
        with workspace.transaction():
            experiment, number = workspace.experiments.reserve_run_numbers(experiment_name)
            workspace.runs.insert(experiment, number, f"{experiment_name}_{number}", status=status, **values)


def test_a_page_says_how_many_runs_there_are_and_whether_there_is_another(workspace: Workspace) -> None:
    add_runs(workspace, *[RunStatus.COMPLETED] * 4, RunStatus.RUNNING)

    first = get_run_page(workspace, RunFilter(), page_number=1, size=3)
    second = get_run_page(workspace, RunFilter(), RunOrder.parse("-run_number"), page_number=2, size=3)

    assert [run.run_number for run in first.runs] == [5, 4, 3]
    assert [run.run_number for run in second.runs] == [2, 1]
    assert (first.total, first.has_more, first.active) == (Count(5), True, 1)
    assert not get_run_page(workspace, RunFilter(), size=5).has_more
    assert (second.number, second.has_more) == (2, False)
    assert get_run_page(workspace, RunFilter(), page_number=9, size=3).runs == []


def test_child_runs_are_counted_apart_whether_the_page_shows_them_or_not(workspace: Workspace) -> None:
    add_runs(workspace, RunStatus.RUNNING, RunStatus.COMPLETED)
    parent = workspace.runs.get("exp_1").key
    add_runs(workspace, *[RunStatus.RUNNING] * 3, parent_key=parent, root_key=parent)

    for shows_children, total in ((False, 2), (True, 5)):
        page = get_run_page(workspace, RunFilter(include_children=shows_children), counts_children=True)
        assert (page.total, page.at_top, page.child_runs, page.active) == (Count(total), Count(2), Count(3), 4)
    left_out = get_run_page(workspace, RunFilter())
    assert (left_out.at_top, left_out.child_runs, left_out.active) == (Count(2), None, 1)


def test_beyond_ten_thousand_runs_are_not_counted() -> None:
    assert [str(Count.from_found_count(number)) for number in (0, 10_000, 10_001)] == ["0", "10,000", "10,000+"]


def test_a_run_that_lost_its_folder_is_shown_as_failed(workspace: Workspace) -> None:
    origin = get_origin()
    add_runs(workspace, RunStatus.RUNNING, **origin._asdict())

    (outcomes,) = list_experiment_outcomes(workspace)
    page = get_run_page(workspace, RunFilter(statuses=frozenset({RunStatus.RUNNING, RunStatus.FAILED})))

    assert [run.status for run in page.runs] == [RunStatus.FAILED]
    assert page.active == 0
    assert (outcomes.failed, outcomes.active) == (1, 0)


def test_experiments_are_found_by_words_of_their_names(workspace: Workspace) -> None:
    for name in ("Train small", "train large", "other"):
        add_runs(workspace, RunStatus.COMPLETED, experiment_name=name)

    def found(text: str | None) -> list[str]:
        return sorted(each.experiment.name for each in list_experiment_outcomes(workspace, text))

    assert found(None) == ["Train small", "other", "train large"]
    assert found("TRAIN") == ["Train small", "train large"]
    assert found("large tr") == ["train large"]
    assert found("nowhere") == []


@pytest.mark.parametrize(
    ("which", "what"),
    [
        (RunFilter(text=NO_TEXT), "The text to search for"),
        (RunFilter(submitter=NO_TEXT), "The submitter"),
        (RunFilter(experiment_name=NO_TEXT), "The experiment name"),
        (RunFilter(properties=(TagFilter("k", NO_TEXT),)), "The value of the tag 'k'"),
        (RunFilter(metrics=(MetricFilter(NO_TEXT, ">", 1.0),)), "The metric's name"),
        (RunFilter(parent_run_id=NO_TEXT), "run id"),
    ],
)
def test_a_filter_with_bytes_that_are_no_text_is_refused(workspace: Workspace, which: RunFilter, what: str) -> None:
    for ask in (get_run_page, list_runs):
        with pytest.raises(UsageError, match=what):
            ask(workspace, which)


def test_as_many_conditions_as_are_allowed_are_taken_and_more_are_refused(workspace: Workspace) -> None:
    add_runs(workspace, RunStatus.COMPLETED)
    words = ["x" * length for length in range(1, 101)]

    assert get_run_page(workspace, RunFilter(text=" ".join(words))).runs == []
    assert get_run_page(workspace, RunFilter(text=" ".join("exp"[:2] for _ in words))).total == Count(1)
    assert get_run_page(workspace, RunFilter(tags=tuple(TagFilter(word) for word in words))).runs == []
    assert get_run_page(workspace, RunFilter(metrics=(MetricFilter("m", ">", 1.0),) * 100)).runs == []
    with pytest.raises(UsageError, match="101 words"):
        get_run_page(workspace, RunFilter(text=" ".join(["too", *words])))


def test_a_parent_that_is_not_there_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(RunNotFound):
        get_run_page(workspace, RunFilter(parent_run_id="never"))
