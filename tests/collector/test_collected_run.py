"""Runs whose shared folder is away for a while, as their collector sees them."""

from __future__ import annotations

import errno
import json
import os
import selectors
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mlrun_cli.collector import collected_run
from mlrun_cli.collector.collected_run import CollectedRun
from mlrun_cli.collector.request_relay import RequestRelay
from mlrun_cli.collector.run_liveness import HeartbeatEvidence
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.node.node_run import build_outcome_event
from mlrun_cli.runs.events import AttemptEvent, Event, EventWriter, OutcomeEvent, StartEvent, StatusEvent, read_attempts
from mlrun_cli.runs.heartbeat import write_heartbeat
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import SCRIPT_RUN, SupervisorColumns
from mlrun_cli.runs.shared_folder import SharedFolder, SharedRunFolder, link_run_folder
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.slurm.target import SlurmTarget
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace
from tests.running import until

OUTCOME = Outcome(RunStatus.COMPLETED, 5, 1.5)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Return a workspace with the run `exp_1`."""
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        with opened.transaction():
            experiment, number = opened.experiments.reserve_run_numbers("exp")
            columns = {"run_type": SCRIPT_RUN, "user_name": "someone", "target": "cluster"}
            opened.runs.insert(experiment, number, f"exp_{number}", status=RunStatus.RUNNING, **columns)
        yield opened


@pytest.fixture
def shared(workspace: Workspace, tmp_path: Path) -> SharedRunFolder:
    """Return the folder of the run in a shared folder."""
    whole = SharedFolder(tmp_path / "shared")
    whole.create()
    folder = whole.get_run_folder("exp_1")
    folder.create_for_node(tmp_path)
    local = workspace.get_run_folder("exp_1")
    local.path.mkdir(parents=True)
    link_run_folder(local, folder)
    return folder


def open_run(workspace: Workspace, shared: SharedRunFolder) -> CollectedRun:
    run = workspace.runs.get("exp_1")
    relay = RequestRelay(SlurmTarget(workspace, "cluster"), run, shared, selectors.DefaultSelector())
    return CollectedRun(workspace, run, shared, relay)


def write_events(shared: SharedRunFolder, outcome: OutcomeEvent) -> None:
    events = EventWriter(shared)
    events.write(StartEvent(1, "n1"))
    events.write(outcome)


@pytest.mark.parametrize("has_told_sizes", [True, False])
def test_a_run_does_not_end_while_its_journals_are_away(
    workspace: Workspace, shared: SharedRunFolder, has_told_sizes: bool
) -> None:
    (shared.journal / "1.jsonl").write_text('["m","x",1.0,null,0.5]\n')
    told = build_outcome_event(shared, OUTCOME, is_final=True)
    write_events(shared, told if has_told_sizes else told._replace(journal_sizes={}))
    collected = open_run(workspace, shared)
    whole = shared.path.parents[1]
    whole.rename(whole.with_name("away"))
    whole.mkdir()  # as an unmounted file system leaves it
    for moment in (0.0, 1000.0):
        assert not collected.finish(OUTCOME, moment)
    assert workspace.runs.get("exp_1").status is RunStatus.RUNNING
    whole.rmdir()
    whole.with_name("away").rename(whole)
    assert collected.finish(OUTCOME, 1000.0)
    assert workspace.runs.get("exp_1").status is RunStatus.COMPLETED
    assert list(workspace.metrics.get(workspace.runs.get("exp_1").key, "x")) == ["x"]


def test_an_outcome_is_not_described_while_the_journals_are_away(shared: SharedRunFolder) -> None:
    whole = shared.path.parents[1]
    whole.rename(whole.with_name("away"))
    whole.mkdir()
    with pytest.raises(FileNotFoundError):
        build_outcome_event(shared, OUTCOME, is_final=True)


def test_the_values_of_an_attempt_make_room_for_the_next_even_if_the_run_is_to_be_canceled(
    workspace: Workspace, shared: SharedRunFolder
) -> None:
    (shared.journal / "1.jsonl").write_text('["m","x",1.0,null,0.5]\n')
    events = EventWriter(shared)
    events.write(StartEvent(1, "n1"))
    collected = open_run(workspace, shared)
    key = collected.run.key
    collected.poll(0.0)
    assert list(workspace.metrics.get(key, "x")) == ["x"]
    with workspace.transaction():
        workspace.runs.change_status(key, {RunStatus.RUNNING}, RunStatus.CANCEL_REQUESTED)
    events.write(AttemptEvent(1, Outcome(RunStatus.FAILED, 5, 1.5)))
    collected.poll(100.0)
    run = workspace.runs.get("exp_1")
    assert run.status is RunStatus.CANCEL_REQUESTED
    assert len(run.attempts) == 2
    assert not workspace.metrics.get(key, "x")


def test_a_value_that_the_file_server_shows_late_is_of_the_attempt_that_logged_it(
    workspace: Workspace, shared: SharedRunFolder
) -> None:
    journal, late = shared.journal / "1.jsonl", '["m","x",2.0,null,0.75]\n'
    journal.write_text('["m","x",1.0,null,0.5]\n')
    events = EventWriter(shared)
    events.write(StartEvent(1, "n1"))
    collected = open_run(workspace, shared)
    key = collected.run.key
    sizes = {"1.jsonl": journal.stat().st_size + len(late)}
    events.write(AttemptEvent(1, Outcome(RunStatus.FAILED, 5, 1.5), sizes))
    collected.poll(0.0)
    assert not workspace.runs.get("exp_1").attempts
    assert list(workspace.metrics.get(key, "x")) == ["x"]

    with journal.open("a") as file:
        file.write(late)
    collected.poll(100.0)
    assert len(workspace.runs.get("exp_1").attempts) == 2
    assert not workspace.metrics.get(key, "x")


def test_attempts_are_told_apart_though_the_collector_has_an_old_row(
    workspace: Workspace, shared: SharedRunFolder
) -> None:
    events = EventWriter(shared)
    events.write(StartEvent(1, "n1"))
    collected = open_run(workspace, shared)
    row = collected.run
    for number, name in ((1, "1.jsonl"), (2, "a2-2.jsonl")):
        (shared.journal / name).write_text('["m","x",1.0,null,0.5]\n')
        events.write(AttemptEvent(1, Outcome(RunStatus.FAILED, 5, 1.5)))
        collected.run = row
        collected.poll(100.0 * number)
        assert len(workspace.runs.get("exp_1").attempts) == number + 1
        assert not workspace.metrics.get(row.key, "x")


def test_an_event_sets_the_columns_of_supervisors_and_no_others(workspace: Workspace, shared: SharedRunFolder) -> None:
    plain = sorted(SupervisorColumns.__annotations__.keys() - {"attempts"})
    foreign = {"user_name": "another", "run_id": "exp_7", "owner_lock": "elsewhere", "no_such_column": 7}
    events = EventWriter(shared)
    events.write(StartEvent(1, "n1"))
    before, after = {RunStatus.RUNNING}, RunStatus.FINALIZING
    events.write(StatusEvent(before, after, {**dict.fromkeys(plain, "7"), **foreign}, 5))
    open_run(workspace, shared).poll(0.0)
    run = workspace.runs.get("exp_1")
    assert (run.status, run.user_name, run.owner_lock) == (RunStatus.FINALIZING, "someone", None)
    with sqlite3.connect(workspace.folder / "workspace.db") as database:
        (stored,) = database.execute(f"SELECT {', '.join(plain)} FROM runs")
    assert [float(value) for value in stored] == [7.0] * len(plain)


def refuse_to_sync(_: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def write_until_durable(events: EventWriter, event: Event, failures: int) -> None:
    """Write an event that the disk has only after some failures, although each of them has written the line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", refuse_to_sync)
        for _ in range(failures):
            with suppress(OSError):
                events.write(event)
    events.write(event)


@pytest.mark.parametrize("failures", [1, 3])
@pytest.mark.parametrize("is_seen_between", [True, False])
def test_an_attempt_that_is_written_again_since_it_was_not_durable_counts_once(
    workspace: Workspace, shared: SharedRunFolder, failures: int, is_seen_between: bool
) -> None:
    events = EventWriter(shared)
    events.write(StartEvent(1, "n1"))
    collected = open_run(workspace, shared)
    attempt = AttemptEvent(1, Outcome(RunStatus.FAILED, 5, 1.5))
    if is_seen_between:
        with pytest.MonkeyPatch.context() as patch, suppress(OSError):
            patch.setattr(os, "fsync", refuse_to_sync)
            events.write(attempt)
        collected.poll(0.0)
    write_until_durable(events, attempt, failures)
    collected.poll(100.0)
    assert len(workspace.runs.get("exp_1").attempts) == 2
    assert len(read_attempts(shared)) == 2

    write_until_durable(events, AttemptEvent(1, Outcome(RunStatus.FAILED, 5, 1.5)), failures)
    open_run(workspace, shared).poll(200.0)  # a later collector, which begins in the middle of the file
    assert len(workspace.runs.get("exp_1").attempts) == 3


def test_equal_events_of_an_older_version_are_not_taken_for_repetitions(
    workspace: Workspace, shared: SharedRunFolder
) -> None:
    events = EventWriter(shared)
    events.write(StartEvent(1, "n1"))
    (journal,) = shared.events.iterdir()
    outcome = Outcome(RunStatus.FAILED, 5, 1.5).to_json()
    line = json.dumps({"event": "attempt", "started_at": 1, "outcome": outcome})
    with journal.open("a") as file:
        file.write(f"{line}\n{line}\n")
    open_run(workspace, shared).poll(0.0)
    assert len(workspace.runs.get("exp_1").attempts) == 3


def test_without_the_file_servers_clock_a_heartbeat_is_old_once_it_has_not_changed_for_long(
    workspace: Workspace, shared: SharedRunFolder, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    collected = open_run(workspace, shared)
    assert collected.get_heartbeat_evidence() is HeartbeatEvidence.NONE
    clock = shared.path.parents[1] / "clock"
    clock.unlink(missing_ok=True)
    clock.mkdir()  # root may write any file
    write_heartbeat(shared)
    for _ in range(2):
        assert collected.get_heartbeat_evidence() is HeartbeatEvidence.FRESH
    said = capfd.readouterr().err
    assert said.count(str(clock)) == said.count("\n") == 1

    monkeypatch.setattr(collected_run, "_FRESH_SECONDS", 0.2)
    until(lambda: collected.get_heartbeat_evidence() is HeartbeatEvidence.STALE)
    write_heartbeat(shared)
    assert collected.get_heartbeat_evidence() is HeartbeatEvidence.FRESH
