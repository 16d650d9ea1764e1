"""The ends that a collector records, by what it has told the supervisor and what the engine says of the job."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from selectors import DefaultSelector

import pytest

from mlrun_cli.collector import collector as collector_module
from mlrun_cli.collector import job_poll, liveness_check
from mlrun_cli.collector.collected_runs import CollectedRuns
from mlrun_cli.collector.collector import Collector
from mlrun_cli.collector.job_poll import JobPoll
from mlrun_cli.collector.resubmission import resubmit_job
from mlrun_cli.collector.run_liveness import SETTLE_SECONDS, EngineEvidence
from mlrun_cli.compute.compute_target import ComputeTarget
from mlrun_cli.core.json_files import write_json
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.runs.events import EventWriter, OutcomeEvent, StartEvent, StatusEvent
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.shared_folder import SharedFolder, SharedRunFolder, link_run_folder
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.submission import Secrets
from mlrun_cli.runtime.queue import QueueFolder, ensure_dispatchers
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.engine import JobEnd, JobRequest
from mlrun_cli.targets.errors import EngineUnavailable
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace
from tests.engines.network_home import find_obstacle, mount
from tests.engines.pool_target import Pool, PoolTarget
from tests.running import until

STOPPED = Outcome(RunStatus.FAILED, 5, 1.5, exit_code=0, error={"error": {"code": "ServiceError", "message": "m"}})


class Place:
    """A workspace with a run on a pool, whose job has ended, or waits if there is no end.

    Attributes:
        workspace: the workspace.
        target: the pool.
        run_folder: the folder of the run.
        shared: its folder in the shared folder.
    """

    def __init__(self, root: Path, end: JobEnd | None, status: RunStatus = RunStatus.RUNNING) -> None:
        whole = SharedFolder(root / "shared")
        whole.create()
        self._pool = Pool(root / "pool")
        self._pool.folder.mkdir()
        (self._pool.folder / "slots").write_text("0", encoding="utf-8")
        locator = locate_workspace(root / "home", WorkspaceIdentity("s", "g", "w"))
        self.workspace = Workspace.open(locator, create=True, redactor=Redactor())
        self.target = PoolTarget(self.workspace, "pool")
        properties = {"sharedFolder": str(whole.path), "poolFolder": str(self._pool.folder)}
        self.run_folder = self.workspace.get_run_folder("exp_1").path
        self.shared = whole.get_run_folder("exp_1")
        job_id = self._pool.submit(JobRequest("exp_1", "w", ["true"], Demand(), root / "log"))
        if end is not None:
            self._pool.end(job_id, end)
        with self.workspace.transaction():
            self.workspace.compute_targets.insert(ComputeTarget("pool", "pool", 1, 1, properties=properties))
            experiment, number = self.workspace.experiments.reserve_run_numbers("exp")
            columns = {"run_type": SCRIPT_RUN, "user_name": "someone", "target": "pool"}
            key = self.workspace.runs.insert(experiment, number, f"exp_{number}", status=status, **columns)
            self.workspace.runs.add_properties(key, {"pool_job_id": job_id})
        self.shared.create_for_node(root)
        self.run_folder.mkdir(parents=True)
        link_run_folder(self.workspace.get_run_folder("exp_1"), self.shared)

    def add_run_without_job(self, run_id: str, created_at: int = 1) -> None:
        """Add a run whose submitting process has died, by default long ago, before it knew of a job."""
        with self.workspace.transaction():
            experiment, number = self.workspace.experiments.reserve_run_numbers("exp")
            columns = {"run_type": SCRIPT_RUN, "user_name": "someone", "target": "pool"}
            key = self.workspace.runs.insert(experiment, number, run_id, status=RunStatus.NOT_STARTED, **columns)
            self.workspace.runs.update(key, created_at=created_at)
        self.workspace.get_run_folder(run_id).path.mkdir()
        self.workspace.get_run_folder(run_id).lock.touch()

    def create_collector(self) -> Collector:
        queue = QueueFolder(self.workspace, "pool")
        queue.create()
        lock = OwnerLock.open(queue.lock)
        assert lock.try_acquire()
        return Collector(self.target, lock)

    def collect(self) -> Run:
        """Have a collector serve the target until the run has ended, and return the run."""
        self.create_collector().run()
        run = self.workspace.runs.get("exp_1")
        self.workspace.close()
        return run


def write_interruption(shared: SharedRunFolder, outcome: Outcome = STOPPED) -> None:
    write_attempt(shared, outcome, is_final=False)


def write_attempt(shared: SharedRunFolder, outcome: Outcome, *, is_final: bool) -> None:
    events = EventWriter(shared)
    events.write(StartEvent(events.attempt, "n1"))
    events.write(OutcomeEvent(outcome, {}, is_final=is_final))


def get_reason(run: Run) -> str:
    assert run.error is not None
    return str(run.error["error"]["innerError"]["code"])


@pytest.mark.parametrize("end", [JobEnd.CANCELED, JobEnd.EXITED])
def test_a_run_that_has_lost_its_stream_is_canceled_when_its_job_ends(tmp_path: Path, end: JobEnd) -> None:
    place = Place(tmp_path, end)
    (place.run_folder / "streams").mkdir()
    (place.run_folder / "streams" / f"{os.getpid()}-1").touch()  # locked by none
    write_interruption(place.shared)
    run = place.collect()
    assert (run.status, get_reason(run)) == (RunStatus.CANCELED, "StreamKilled")


@pytest.mark.skipif(find_obstacle() is not None, reason=str(find_obstacle()))
def test_the_outcome_of_a_later_start_is_found_behind_an_old_listing_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "exported").mkdir()
    with mount(tmp_path / "exported", tmp_path / "shared", name_seconds=600):
        place = Place(tmp_path, JobEnd.EXITED)
        write_interruption(place.shared)
        names = os.listdir(place.shared.events)
        node = SharedFolder(tmp_path / "exported").get_run_folder("exp_1")
        write_attempt(node, Outcome(RunStatus.COMPLETED, 9, 1.5, exit_code=0), is_final=True)
        assert os.listdir(place.shared.events) == names
        run = place.collect()
    assert (run.status, run.ended_at) == (RunStatus.COMPLETED, 9)


def test_a_job_that_a_stalled_engine_accepts_late_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness_check, "_LATE_SECONDS", 5.0)
    monkeypatch.setattr(job_poll, "_FIRST_SECONDS", 0.05)
    place = Place(tmp_path, JobEnd.EXITED)
    place.add_run_without_job("exp_2")
    collector = place.create_collector()
    pool = Pool(tmp_path / "pool")

    def accept_late() -> None:
        until(lambda: collector._liveness._lost_since)
        pool.set_option("stall", "")
        until((pool.folder / "stalled").exists)
        time.sleep(5.5)
        pool.end(pool.submit(JobRequest("exp_2", "w", ["true"], Demand(), tmp_path / "log")), JobEnd.CANCELED)
        pool.set_option("stall", None)

    with ThreadPoolExecutor(1) as threads:
        accepted = threads.submit(accept_late)
        collector.run()
        accepted.result()
    assert get_reason(place.workspace.runs.get("exp_2")) == "JobCanceled"
    place.workspace.close()


def test_a_run_that_was_created_by_a_clock_ahead_of_the_collectors_ends_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness_check, "_LATE_SECONDS", 0.1)
    monkeypatch.setattr(liveness_check, "_SUBMIT_SECONDS", 0.5)
    place = Place(tmp_path, JobEnd.EXITED)
    place.add_run_without_job("exp_2", created_at=now() + 3600 * MICROSECONDS)
    place.create_collector().run()
    assert get_reason(place.workspace.runs.get("exp_2")) == "JobLost"
    place.workspace.close()


def test_a_run_without_a_job_id_has_no_job_only_if_the_engine_said_so(tmp_path: Path) -> None:
    place = Place(tmp_path, JobEnd.EXITED)
    place.add_run_without_job("exp_2")
    run = place.workspace.runs.get("exp_2")
    jobs = JobPoll(place.target)
    pool = Pool(tmp_path / "pool")
    pool.set_option("away", "")
    evidence = []
    for number in range(6):
        if number == 3:
            pool.set_option("away", None)
        assert jobs.query_if_due([run], 1e9 + 60.0 * number)
        evidence.append(jobs.get_evidence(run))
    assert evidence == [EngineEvidence.SILENT] * 4 + [EngineEvidence.MISSING] * 2
    place.workspace.close()


def test_the_engine_is_asked_again_soon_after_it_has_not_answered_a_repeated_submission(tmp_path: Path) -> None:
    place = Place(tmp_path, JobEnd.EXITED)
    run = place.workspace.runs.get("exp_1")
    place.add_run_without_job("exp_2")
    jobs = JobPoll(place.target)
    moments = [1e9 + 60.0 * number for number in range(20)]
    assert all(jobs.query_if_due([run], moment) for moment in moments)
    assert not jobs.query_if_due([run], moments[-1] + 2.0)  # nothing has changed for long

    away = tmp_path / "pool" / "away"
    away.touch()
    with pytest.raises(EngineUnavailable):
        resubmit_job(place.target, jobs, place.workspace.runs.get("exp_2"))
    away.unlink()

    assert jobs.get_evidence(run) is EngineEvidence.SILENT
    assert jobs.query_if_due([run], moments[-1] + 2.0)
    assert jobs.get_evidence(run) is EngineEvidence.ENDED
    place.workspace.close()


def test_a_query_for_ids_of_jobs_is_no_answer_about_jobs(tmp_path: Path) -> None:
    place = Place(tmp_path, JobEnd.EXITED)
    run = place.workspace.runs.get("exp_1")
    jobs = JobPoll(place.target)
    assert jobs.query_if_due([run], 1.0)
    asked_at = jobs.asked_at
    assert asked_at > 0
    without_id = run._replace(key=run.key + 1, run_id="exp_2", properties={})
    assert jobs.query_if_due([run, without_id], 1e9)
    assert jobs.asked_at == asked_at
    assert jobs.query_if_due([run, without_id], 1e10)
    assert jobs.asked_at > asked_at
    place.workspace.close()


def test_a_run_whose_job_waits_again_is_queued_although_the_collector_has_an_old_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector_module, "_RELOAD_SECONDS", 3600.0)
    place = Place(tmp_path, None, RunStatus.QUEUED)
    place.shared.started_marker.touch()
    events = EventWriter(place.shared)
    events.write(StartEvent(events.attempt, "n1"))
    events.write(StatusEvent({RunStatus.QUEUED}, RunStatus.RUNNING, {}, 5))

    def watch() -> list[RunStatus]:
        locator = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
        with Workspace.open(locator, create=False, redactor=Redactor()) as workspace:
            key = workspace.runs.get("exp_1").key
            try:
                until(lambda: [status for status, _ in workspace.runs.list_status_changes(key)][2:])
            finally:
                pool = Pool(tmp_path / "pool")
                pool.end(pool.list()[0]["id"], JobEnd.CANCELED)
            return [status for status, _ in workspace.runs.list_status_changes(key)][:3]

    with ThreadPoolExecutor(1) as threads:
        watched = threads.submit(watch)
        place.create_collector().run()
        assert watched.result() == [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.QUEUED]
    place.workspace.close()


def test_a_collector_ends_although_the_mark_that_it_is_needed_cannot_be_removed(tmp_path: Path) -> None:
    place = Place(tmp_path, JobEnd.EXITED, RunStatus.CANCELED)
    mark = place.workspace.folder / "unfinished" / "pool"
    (mark / "in the way").mkdir(parents=True)
    place.collect()
    assert mark.exists()


def test_the_mark_of_a_deleted_target_is_removed(tmp_path: Path) -> None:
    place = Place(tmp_path, JobEnd.EXITED, RunStatus.CANCELED)
    queues = [QueueFolder(place.workspace, name) for name in ("pool", "gone")]
    for queue in queues:
        queue.mark_unfinished()
    with place.workspace.transaction():
        assert place.workspace.compute_targets.delete("pool")
    ensure_dispatchers(place.workspace)
    assert not any(queue.is_unfinished() for queue in queues)
    place.workspace.close()


@contextmanager
def call_later(seconds: float, call: Callable[[], object]) -> Iterator[None]:
    """Call a function so many seconds after the beginning of the block, at the latest before its end."""
    timer = threading.Timer(seconds, call)
    timer.start()
    yield
    timer.join()


def write_secrets(place: Place) -> None:
    """Write what a run that was ended by force leaves to the collector."""
    place.shared.started_marker.touch()
    write_json(place.shared.secrets, Secrets({}, ("true",), {}).to_json())


def test_an_engine_that_does_not_answer_has_not_said_that_an_ended_run_has_no_job(tmp_path: Path) -> None:
    place = Place(tmp_path, None, RunStatus.CANCELED)
    with closing(sqlite3.connect(place.workspace.folder / "workspace.db")) as database, database:
        database.execute("DELETE FROM run_properties")
    write_secrets(place)
    silent = tmp_path / "pool" / "away"
    silent.touch()
    with call_later(SETTLE_SECONDS + 2.0, silent.unlink):
        place.collect()
    assert [(job["state"], job["end"]) for job in Pool(tmp_path / "pool").list()] == [("ended", "canceled")]
    assert not place.shared.secrets.exists()


def test_a_collector_waits_for_the_shared_folder_with_what_ended_runs_have_left_there(tmp_path: Path) -> None:
    place = Place(tmp_path, JobEnd.EXITED, RunStatus.CANCELED)
    write_secrets(place)
    whole = place.shared.path.parents[1]
    away = whole.rename(whole.with_name("away"))

    with call_later(1.0, lambda: away.rename(whole)):
        place.collect()
    assert not place.shared.secrets.exists()
    assert not place.shared.started_marker.exists()


def test_a_run_that_is_ended_by_force_just_after_the_last_look_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, JobEnd.CANCELED, RunStatus.CANCELED)
    clear_unfinished = QueueFolder.clear_unfinished

    def end_run_before(folder: QueueFolder) -> bool:
        monkeypatch.undo()
        write_secrets(place)
        folder.mark_unfinished()
        return clear_unfinished(folder)

    monkeypatch.setattr(QueueFolder, "clear_unfinished", end_run_before)
    place.collect()
    assert not place.shared.secrets.exists()


def test_a_job_that_cannot_be_canceled_keeps_no_others(tmp_path: Path) -> None:
    place = Place(tmp_path, None)
    pool = Pool(tmp_path / "pool")
    request = JobRequest("exp_1", "w", ["true"], Demand(), tmp_path / "log")
    stuck, *others = [row["id"] for row in pool.list()] + [pool.submit(request) for _ in range(3)]
    pool.set_option("stuck", stuck)
    with pytest.raises(EngineUnavailable, match=stuck):
        place.target.cancel_jobs([stuck, *others])
    assert [row["state"] for row in pool.list()] == ["queued", *["ended"] * 3]
    pool.set_option("away", "")
    with pytest.raises(EngineUnavailable, match="does not answer"):
        place.target.cancel_jobs([stuck, *others])
    pool.set_option("away", None)
    pool.end(stuck, JobEnd.CANCELED)
    place.workspace.close()


def test_the_files_of_a_run_with_the_id_of_a_removed_one_are_left(tmp_path: Path) -> None:
    place = Place(tmp_path, JobEnd.CANCELED, RunStatus.CANCELED)
    write_secrets(place)
    run = place.workspace.runs.get("exp_1")
    with DefaultSelector() as selector:
        collected_runs = CollectedRuns(place.target, selector)
        collected_runs.close(run._replace(key=run.key + 1))
        assert place.shared.secrets.exists()
        assert collected_runs.leftovers == frozenset()
        collected_runs.close(run)
    assert not place.shared.secrets.exists()
    place.workspace.close()
