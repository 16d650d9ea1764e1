"""The ends of runs without a supervisor that are notified of, and the processes that this takes."""

from __future__ import annotations

import os
import select
import shlex
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.actions.interactive_runs import complete_interactive_run, create_interactive_run
from mlrun_cli.actions.run_ends import cancel_run, fail_run
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.notifications.rules import ENDS, Rule, edit_rules
from mlrun_cli.notifier.program import _IDLE_SECONDS
from mlrun_cli.runs.error import build_run_error
from mlrun_cli.runs.run import INTERACTIVE_RUN, SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime import notifier_start
from mlrun_cli.runtime.sessions import Session, reconcile_sessions
from mlrun_cli.targets.programs import NOTIFIER_PROGRAM, wait_for_exit
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace
from tests.running import until

TELL = "cmd:sh -c 'echo $0 $1 >> $2' {run} {status} "


@pytest.fixture
def notifiers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pids of the notifiers that this process starts."""
    pids = []
    start = os.posix_spawn

    def start_and_note(path: str, words: list[str], *rest: Any, **options: Any) -> int:
        pid = start(path, words, *rest, **options)
        if NOTIFIER_PROGRAM in words:
            pids.append(pid)
        return pid

    monkeypatch.setattr(os, "posix_spawn", start_and_note)
    return pids


def open_workspace(tmp_path: Path, *rules: Rule) -> Workspace:
    where = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
    workspace = Workspace.open(where, create=True, redactor=Redactor())
    if rules:
        with edit_rules(workspace.folder) as added:
            added.extend(rules)
    return workspace


def open_run(workspace: Workspace, owner_lock: str, experiment_name: str = "exp", parent: Run | None = None) -> Run:
    run = create_interactive_run(workspace, experiment_name, owner_lock, parent=parent)
    workspace.get_run_folder(run.run_id).path.mkdir(parents=True, exist_ok=True)
    return run


def add_run(workspace: Workspace, status: RunStatus, run_type: str, owner_lock: str | None) -> Run:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        key = workspace.runs.insert(
            experiment,
            number,
            f"exp_{number}",
            status=status,
            run_type=run_type,
            user_name="someone",
            target="local",
            owner_lock=owner_lock,
        )
    run = workspace.runs.get_by_key(key)
    workspace.get_run_folder(run.run_id).path.mkdir(parents=True, exist_ok=True)
    return run


def test_runs_without_a_supervisor_that_are_canceled_or_fail_are_notified_of(tmp_path: Path) -> None:
    where = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
    told = tmp_path / "told"
    with Workspace.open(where, create=True, redactor=Redactor()) as workspace:
        queued = add_run(workspace, RunStatus.QUEUED, SCRIPT_RUN, None)
        interactive = add_run(workspace, RunStatus.RUNNING, INTERACTIVE_RUN, "sessions/x")
        with edit_rules(workspace.folder) as rules:
            rules.append(Rule(1, f"cmd:sh -c 'echo $0 >> $1' {{run}} {shlex.quote(str(told))}", ENDS))
        assert cancel_run(workspace, interactive, 1.0).status is RunStatus.CANCELED
        assert fail_run(workspace, queued, build_run_error("no")).status is RunStatus.FAILED
        ids = {queued.run_id, interactive.run_id}
        until(lambda: told.exists() and set(told.read_text().split()) == ids)


@pytest.mark.parametrize(
    "rules", [(), (Rule(1, "cmd:true", ("failed", "canceled")), Rule(2, "cmd:true", ENDS, "other"))]
)
def test_completed_interactive_runs_that_no_rule_matches_start_no_process(
    tmp_path: Path, notifiers: list[int], rules: tuple[Rule, ...]
) -> None:
    with open_workspace(tmp_path, *rules) as workspace:
        session = Session(workspace, "test")
        runs = [open_run(workspace, session.owner_lock) for _ in range(3)]
        complete_interactive_run(workspace, runs[0])
        session.close(None)
        assert {workspace.runs.get_by_key(run.key).status for run in runs} == {RunStatus.COMPLETED}
    assert notifiers == []


def test_one_process_notifies_once_of_each_run_of_a_session_that_died(tmp_path: Path, notifiers: list[int]) -> None:
    told = tmp_path / "told"
    rule = Rule(1, TELL + shlex.quote(str(told)), ("failed",), "exp")
    with open_workspace(tmp_path, rule) as workspace:
        runs = [open_run(workspace, "sessions/gone") for _ in range(30)]
        open_run(workspace, "sessions/gone", parent=runs[0])
        open_run(workspace, "sessions/gone", "other")
        workspace.get_run_folder(runs[7].run_id).notified.touch()  # by another process
        for _ in range(2):  # the second look finds nothing to do
            reconcile_sessions(workspace)
        (pid,) = notifiers
        wait_for_exit(pid)
    expected = [f"{run.run_id} Failed" for run in runs if run is not runs[7]]
    assert sorted(told.read_text().splitlines()) == sorted(expected)


def test_a_completed_run_is_notified_of_before_its_session_ends(tmp_path: Path, notifiers: list[int]) -> None:
    told = tmp_path / "told"
    with open_workspace(tmp_path, Rule(1, TELL + shlex.quote(str(told)), ENDS)) as workspace:
        session = Session(workspace, "test")
        runs = [open_run(workspace, session.owner_lock) for _ in range(3)]
        for _ in range(2):  # it has ended only once
            complete_interactive_run(workspace, runs[0])
        (pid,) = notifiers
        wait_for_exit(pid)
        assert told.read_text() == f"{runs[0].run_id} Completed\n"
        session.close(build_run_error("no"))
        _, pid = notifiers
        wait_for_exit(pid)
    assert sorted(told.read_text().splitlines()[1:]) == sorted(f"{run.run_id} Failed" for run in runs[1:])


def test_one_process_at_a_time_notifies_of_runs_that_end_one_after_another(
    tmp_path: Path, notifiers: list[int]
) -> None:
    told = tmp_path / "told"
    with open_workspace(tmp_path, Rule(1, TELL + shlex.quote(str(told)), ENDS)) as workspace:
        session = Session(workspace, "test")
        runs = [open_run(workspace, session.owner_lock) for _ in range(400)]  # more than a socket holds
        began_at = time.monotonic()
        for run in runs:
            complete_interactive_run(workspace, run)
        seconds = time.monotonic() - began_at
        for pid in notifiers:
            wait_for_exit(pid)
        assert sorted(told.read_text().splitlines()) == sorted(f"{run.run_id} Completed" for run in runs)
        # Another one is started after a pause, and where more lines wait than a socket holds: 200 at least.
        assert len(notifiers) <= 1 + seconds / _IDLE_SECONDS + len(runs) / 200
        complete_interactive_run(workspace, late := open_run(workspace, session.owner_lock))
        wait_for_exit(notifiers[-1])
        session.close(None)
    assert told.read_text().splitlines()[-1] == f"{late.run_id} Completed"


def test_secrets_for_which_a_queue_has_no_room_cost_no_notification(
    tmp_path: Path, notifiers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier_start, "_MAX_LETTERS", 1 << 24)
    told = tmp_path / "told"
    with open_workspace(tmp_path, Rule(1, TELL + shlex.quote(str(told)), ENDS)) as workspace:
        workspace.adopt_redactor(Redactor((), {}, lambda: ["x" * (1 << 23)]))  # more than a socket holds
        session = Session(workspace, "test")
        runs = [open_run(workspace, session.owner_lock) for _ in range(2)]
        for run in runs:
            complete_interactive_run(workspace, run)
            for notifier in notifier_start._last_notifier:
                select.select([], [notifier.queue._sender], [])  # until part of the secrets was received
        for pid in notifiers:
            wait_for_exit(pid)
        session.close(None)
    assert sorted(told.read_text().splitlines()) == sorted(f"{run.run_id} Completed" for run in runs)


def wait_for_gate(tmp_path: Path) -> Rule:
    """A rule with an address that tells of nothing until a gate is open."""
    wait = "echo $0 >> $1/attempts; until [ -e $1/gate ]; do sleep 0.02; done; echo $0 >> $1/late"
    return Rule(7, f"cmd:sh -c {shlex.quote(wait)} {{run}} {shlex.quote(str(tmp_path))}", ENDS)


def read_words(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def test_an_address_that_is_slow_does_not_delay_others(tmp_path: Path, notifiers: list[int]) -> None:
    rule = Rule(1, f"cmd:sh -c 'echo $0 >> $1' {{run}} {shlex.quote(str(tmp_path / 'told'))}", ENDS)
    with open_workspace(tmp_path, wait_for_gate(tmp_path), rule) as workspace:
        session = Session(workspace, "test")
        runs = [open_run(workspace, session.owner_lock) for _ in range(3)]
        for run in runs:
            complete_interactive_run(workspace, run)
        ids = [run.run_id for run in runs]
        until(lambda: sorted(read_words(tmp_path / "told")) == sorted(ids))
        assert not (tmp_path / "late").exists()
        (tmp_path / "gate").touch()
        for pid in notifiers:
            wait_for_exit(pid)
        session.close(None)
        assert sorted(read_words(tmp_path / "late")) == sorted(ids)
        assert not os.listdir(workspace.folder / "notification-spools")


@pytest.mark.parametrize("is_sending", [True, False], ids=["while it sends", "before it has read its queue"])
def test_what_a_killed_process_has_not_sent_the_next_one_sends(
    tmp_path: Path, notifiers: list[int], is_sending: bool
) -> None:
    rule = Rule(1, f"cmd:sh -c 'echo $0 >> $1' {{run}} {shlex.quote(str(tmp_path / 'told'))}", ENDS)
    with open_workspace(tmp_path, wait_for_gate(tmp_path), rule) as workspace:
        session = Session(workspace, "test")
        runs = [open_run(workspace, session.owner_lock) for _ in range(4)]
        ids = {run.run_id for run in runs}
        complete_interactive_run(workspace, runs[0])
        if not is_sending:
            os.kill(notifiers[0], signal.SIGSTOP)
        for run in runs[1:3]:
            complete_interactive_run(workspace, run)
        if is_sending:
            until(lambda: read_words(tmp_path / "attempts") and len(set(read_words(tmp_path / "told"))) == 3)
        os.kill(notifiers[0], signal.SIGKILL)
        wait_for_exit(notifiers[0])
        assert len(notifiers) == 1
        (tmp_path / "gate").touch()
        complete_interactive_run(workspace, runs[3])
        wait_for_exit(notifiers[-1])
        session.close(None)
        assert set(read_words(tmp_path / "late")) == set(read_words(tmp_path / "told")) == ids
        assert not os.listdir(workspace.folder / "notification-spools")
        assert all(not workspace.runs.get_by_key(run.key).warnings for run in runs)


def test_other_variables_take_another_process(
    tmp_path: Path, notifiers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = f"cmd:sh -c 'echo $1 >> $0' {shlex.quote(str(tmp_path / 'told'))} {{name}}"
    with open_workspace(tmp_path, Rule(1, tell, ENDS)) as workspace:
        session = Session(workspace, "test")
        for number in range(3):
            run = open_run(workspace, session.owner_lock)
            workspace.runs.update(run.key, display_name=f"vault{number}=sesame-{number}")
            monkeypatch.setenv("MLRUN_SECRET_NAMES", f"vault{number}")
            complete_interactive_run(workspace, run)
        for pid in notifiers:
            wait_for_exit(pid)
        session.close(None)
    assert len(notifiers) == 3
    assert "sesame" not in (tmp_path / "told").read_text()
