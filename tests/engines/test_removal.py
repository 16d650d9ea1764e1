"""Canceled runs of an engine, and the removal of runs with what is in the shared folder."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.endurance.engine_kills import stop_collectors
from tests.engines.pool import PoolEngine
from tests.running import is_alive, kill, until

WORK = """
    import os, sys, time
    from azureml.core import Run

    Run.get_context().log("x", 1)
    print("here", flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
"""

LOGGING = """
    import os, sys, time
    from azureml.core import Run

    go, done, count = sys.argv[1:]
    while not os.path.exists(go):
        time.sleep(0.01)
    for number in range(int(count)):
        Run.get_context().log("x", number)
    open(done, "w").close()
    time.sleep(600)
"""

RETRIED = """
    import os, sys, time
    from azureml.core import Run

    go, done = sys.argv[1:]
    if os.environ["MLRUN_ATTEMPT"] == "1":
        Run.get_context().log("x", -1)
        while not os.path.exists(go):
            time.sleep(0.01)
        sys.exit(75)
    for number in range(10):
        Run.get_context().log("x", number)
    open(done, "w").close()
    time.sleep(600)
"""

_COUNT = 3000


def start(pool: PoolEngine, go: Path) -> str:
    """Submit a script that runs until a file exists, and wait until it runs; return the run's id."""
    run_id = submit(pool, go)
    pool.mlrun.wait_for_status(run_id, "Running")
    until(lambda: "here" in pool.mlrun.log(run_id))
    return run_id


def start_and_stop_collectors(pool: PoolEngine, folder: Path, count: int) -> tuple[str, list[int]]:
    """Submit a script that logs so many values once the collectors are stopped; return the run's id and their pids."""
    pool.mlrun.script(LOGGING)
    run_id = pool.mlrun.submit("--ct", "pool", "train.py", str(folder / "go"), str(folder / "done"), str(count))
    pool.mlrun.wait_for_status(run_id, "Running")
    collectors = stop_collectors(pool.mlrun)
    (folder / "go").touch()
    until((folder / "done").exists)
    return run_id, collectors


def submit(pool: PoolEngine, go: Path) -> str:
    pool.mlrun.script(WORK)
    return pool.mlrun.submit("--ct", "pool", "train.py", str(go))


def submit_queued(pool: PoolEngine, go: Path) -> str:
    pool.set_option("slots", "0")
    return submit(pool, go)


def submit_and_wait_for_reason(pool: PoolEngine, go: Path) -> str:
    run_id = submit_queued(pool, go)
    until(lambda: "Resources" in pool.mlrun.show(run_id).get("waiting_for", ""))
    return run_id


def test_a_cancelled_run_that_is_queued_never_starts(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = submit_queued(pool, tmp_path / "go")
    pool.mlrun("run", "cancel", "-r", run_id)
    assert pool.mlrun.wait(run_id)["status"] == "Canceled"
    job = pool.job(run_id)
    assert job is not None
    assert (job["state"], job["end"]) == ("ended", "canceled")
    assert pool.mlrun.history(run_id) == ["NotStarted", "Queued", "CancelRequested", "Canceled"]


@pytest.mark.kill
def test_a_run_is_ended_by_force_with_its_job(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = start(pool, tmp_path / "go")
    processes = pool.mlrun.processes(run_id)
    pool.mlrun("run", "cancel", "-r", run_id, "--force")
    assert pool.mlrun.stored_status(run_id) == "Canceled"
    job = pool.job(run_id)
    assert job is not None
    assert job["state"] == "ended"
    until(lambda: not any(map(is_alive, processes)))


@pytest.mark.kill
def test_a_run_ended_by_force_has_all_values_though_its_collector_was_dead(pool: PoolEngine, tmp_path: Path) -> None:
    run_id, collectors = start_and_stop_collectors(pool, tmp_path, _COUNT)
    kill(*collectors)
    pool.mlrun("run", "cancel", "-r", run_id, "--force")
    assert pool.mlrun.stored_status(run_id) == "Canceled"
    assert pool.mlrun.metrics(run_id) == {"x": list(range(_COUNT))}


@pytest.mark.kill
@pytest.mark.parametrize("dies", [False, True], ids=["stopped", "killed later"])
def test_a_run_ended_by_force_gets_the_values_that_its_collector_was_too_late_for(
    pool: PoolEngine, tmp_path: Path, *, dies: bool
) -> None:
    run_id, collectors = start_and_stop_collectors(pool, tmp_path, _COUNT)
    pool.mlrun("run", "cancel", "-r", run_id, "--force")
    assert pool.mlrun.stored_status(run_id) == "Canceled"
    kill(*collectors, number=signal.SIGKILL if dies else signal.SIGCONT)
    # A reader starts the collector that finds what a killed one has left.
    until(lambda: pool.mlrun.show(run_id) and pool.mlrun.metrics(run_id) == {"x": list(range(_COUNT))})
    secrets, marker = pool.run_folder(run_id) / "secrets.json", pool.shared / "started" / run_id
    until(lambda: not secrets.exists() and not marker.exists())
    assert pool.mlrun.stored_status(run_id) == "Canceled"


@pytest.mark.kill
@pytest.mark.parametrize("dies", [False, True], ids=["stopped", "killed later"])
def test_a_run_deleted_by_force_gets_the_values_that_its_collector_was_too_late_for(
    pool: PoolEngine, tmp_path: Path, *, dies: bool
) -> None:
    run_id, collectors = start_and_stop_collectors(pool, tmp_path, _COUNT)
    pool.mlrun("run", "delete", "-r", run_id, "--force", "--yes")
    if dies:
        kill(*collectors)
        start(pool, tmp_path / "never")  # whose collector has never seen the other run
    else:
        kill(*collectors, number=signal.SIGCONT)
    secrets, marker = pool.run_folder(run_id) / "secrets.json", pool.shared / "started" / run_id
    until(lambda: not secrets.exists() and not marker.exists())
    assert run_id not in {run["run_id"] for run in pool.mlrun.json("run", "list")}

    pool.mlrun("run", "restore", "-r", run_id)
    assert pool.mlrun.metrics(run_id) == {"x": list(range(_COUNT))}
    assert pool.mlrun.stored_status(run_id) == "Canceled"


@pytest.mark.kill
def test_a_restored_run_gets_the_values_that_a_killed_collector_has_left(pool: PoolEngine, tmp_path: Path) -> None:
    run_id, collectors = start_and_stop_collectors(pool, tmp_path, _COUNT)
    pool.mlrun("run", "delete", "-r", run_id, "--force", "--yes")
    kill(*collectors)
    pool.mlrun("run", "restore", "-r", run_id)
    until(lambda: pool.mlrun.metrics(run_id) == {"x": list(range(_COUNT))})
    secrets, marker = pool.run_folder(run_id) / "secrets.json", pool.shared / "started" / run_id
    until(lambda: not secrets.exists() and not marker.exists())


@pytest.mark.kill
def test_a_run_that_is_removed_before_its_values_are_stored_leaves_nothing(pool: PoolEngine, tmp_path: Path) -> None:
    run_id, collectors = start_and_stop_collectors(pool, tmp_path, _COUNT)
    pool.mlrun("run", "delete", "-r", run_id, "--force", "--yes")
    pool.mlrun("run", "delete", "-r", run_id, "--permanently", "--yes")
    kill(*collectors, number=signal.SIGCONT)
    later = start(pool, tmp_path / "end")
    (tmp_path / "end").touch()
    assert pool.mlrun.wait(later)["status"] == "Completed"
    assert not pool.run_folder(run_id).exists()
    assert not (pool.shared / "started" / run_id).exists()
    for table in ("metrics", "journals", "run_properties", "trashed_runs"):
        keys = pool.mlrun.stored(f"SELECT run_key FROM {table} WHERE run_key NOT IN (SELECT run_key FROM runs)")
        assert keys == [], table


@pytest.mark.kill
@pytest.mark.parametrize("dies", [False, True], ids=["stopped", "killed later"])
def test_a_run_ended_by_force_gets_the_values_of_an_attempt_that_no_collector_has_seen_begin(
    pool: PoolEngine, tmp_path: Path, *, dies: bool
) -> None:
    go, done = tmp_path / "go", tmp_path / "done"
    pool.mlrun.script(RETRIED)
    run_id = pool.mlrun.submit("--ct", "pool", "--retry", "1", "train.py", str(go), str(done))
    until(lambda: pool.mlrun.metrics(run_id) == {"x": -1})
    collectors = stop_collectors(pool.mlrun)
    go.touch()
    until(done.exists)
    pool.mlrun("run", "cancel", "-r", run_id, "--force")
    assert pool.mlrun.stored_status(run_id) == "Canceled"
    if dies:
        kill(*collectors)
        start(pool, tmp_path / "never")
    else:
        kill(*collectors, number=signal.SIGCONT)
    until(lambda: pool.mlrun.metrics(run_id) == {"x": list(range(10))})
    run = pool.mlrun.show(run_id)
    assert [(each["number"], each.get("exit_code")) for each in run["attempts"]] == [(1, 75), (2, None)]
    assert run["status"] == "Canceled"


@pytest.mark.kill
def test_a_target_whose_engine_is_gone_is_detached_by_force(pool: PoolEngine, tmp_path: Path) -> None:
    running = start(pool, tmp_path / "go")
    pool.set_option("slots", "1")
    queued = submit(pool, tmp_path / "go")
    processes = pool.mlrun.processes(running)
    pool.set_option("away")
    assert pool.mlrun.fails("computetarget", "detach", "-n", "pool").code == "InUse"
    assert pool.mlrun.fails("run", "cancel", "-r", queued, "--force", exit_code=1).code == "EngineUnavailable"
    detached = pool.mlrun("computetarget", "detach", "-n", "pool", "--force")
    assert {run_id for run_id in (running, queued) if run_id in detached.stderr} == {running, queued}
    assert [pool.mlrun.stored_status(run_id) for run_id in (running, queued)] == ["Canceled"] * 2
    assert pool.mlrun.json("computetarget", "list") == []
    # A supervisor that sees the shared folder ends its script, and one that starts later does nothing.
    until(lambda: not any(map(is_alive, processes)))
    until(lambda: (job := pool.job(queued)) is not None and job["state"] == "ended")
    assert not list(pool.run_folder(queued).glob("events/*"))


@pytest.mark.kill
def test_a_target_is_detached_once_the_values_of_its_ended_runs_are_stored(pool: PoolEngine, tmp_path: Path) -> None:
    run_id, collectors = start_and_stop_collectors(pool, tmp_path, _COUNT)
    pool.mlrun("run", "cancel", "-r", run_id, "--force")
    kill(*collectors)
    pool.mlrun("computetarget", "detach", "-n", "pool")
    assert pool.mlrun.metrics(run_id) == {"x": list(range(_COUNT))}
    assert not (pool.run_folder(run_id) / "secrets.json").exists()


@pytest.mark.kill
def test_a_target_with_values_that_cannot_be_stored_is_detached_only_by_force(pool: PoolEngine, tmp_path: Path) -> None:
    run_id, collectors = start_and_stop_collectors(pool, tmp_path, _COUNT)
    pool.mlrun("run", "cancel", "-r", run_id, "--force")
    failure = pool.mlrun.fails("computetarget", "detach", "-n", "pool")
    assert failure.code == "InUse"
    assert run_id in failure.message
    assert "detach -n pool --force" in failure.hint
    pool.mlrun("computetarget", "detach", "-n", "pool", "--force")
    assert not (pool.run_folder(run_id) / "secrets.json").exists()
    assert list((pool.shared / "started").iterdir()) == []
    kill(*collectors, number=signal.SIGCONT)


@pytest.mark.kill
@pytest.mark.parametrize("begin", [start, submit_and_wait_for_reason], ids=["running", "queued"])
def test_the_secrets_of_a_run_that_ends_while_the_shared_folder_is_away_are_removed(
    pool: PoolEngine, tmp_path: Path, begin: Callable[[PoolEngine, Path], str]
) -> None:
    run_id = begin(pool, tmp_path / "go")
    secrets = pool.run_folder(run_id) / "secrets.json"
    away = pool.shared.rename(pool.shared.with_name("away"))
    pool.shared.mkdir()  # as an unmounted file system leaves it
    pool.mlrun.execute("UPDATE runs SET status = 'Canceled', ended_at = 1 WHERE run_id = ?", run_id)
    log = pool.mlrun.database.parent / "queues" / "pool" / "dispatcher.log"
    until(lambda: f"the secrets of {run_id}" in log.read_text(encoding="utf-8"))
    assert (away / "runs" / run_id / "secrets.json").exists()
    pool.shared.rmdir()
    away.rename(pool.shared)
    until(lambda: not secrets.exists())
    until(lambda: not list((pool.shared / "started").iterdir()))


@pytest.mark.kill
def test_a_target_is_detached_by_force_with_its_jobs(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = start(pool, tmp_path / "go")
    processes = pool.mlrun.processes(run_id)
    detached = pool.mlrun("computetarget", "detach", "-n", "pool", "--force")
    assert run_id not in detached.stderr
    assert pool.mlrun.stored_status(run_id) == "Canceled"
    job = pool.job(run_id)
    assert job is not None
    assert (job["state"], job["end"]) == ("ended", "canceled")
    until(lambda: not any(map(is_alive, processes)))


def test_a_deleted_run_leaves_nothing_in_the_shared_folder(pool: PoolEngine, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    run_id = submit(pool, tmp_path / "go")
    pool.mlrun.wait(run_id)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    (pool.run_folder(run_id) / "artifacts" / "link").symlink_to(kept)
    pool.mlrun("run", "delete", "-r", run_id, "--permanently", "-y")
    assert [*(pool.shared / "runs").iterdir(), *(pool.shared / "started").iterdir()] == []
    assert not pool.mlrun.run_folder(run_id).exists()
    assert (kept / "file").exists()


def test_a_run_is_not_deleted_while_the_shared_folder_is_away(pool: PoolEngine, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    run_id = submit(pool, tmp_path / "go")
    pool.mlrun.wait(run_id)
    away = pool.shared.with_name("away")
    pool.shared.rename(away)
    failure = pool.mlrun.fails("run", "delete", "-r", run_id, "--permanently", "-y", exit_code=1)
    assert failure.code == "OperatingSystemError"
    assert str(pool.shared) in failure.message
    assert "--leave-files" in failure.hint
    away.rename(pool.shared)
    assert pool.mlrun.show(run_id)["status"] == "Completed"
    pool.mlrun("run", "delete", "-r", run_id, "--permanently", "-y")
    assert list((pool.shared / "runs").iterdir()) == []


def test_a_run_is_deleted_though_its_shared_folder_is_gone_if_its_files_may_be_left(
    pool: PoolEngine, tmp_path: Path
) -> None:
    (tmp_path / "go").touch()
    run_id = submit(pool, tmp_path / "go")
    pool.mlrun.wait(run_id)
    pool.shared.rename(pool.shared.with_name("away"))
    done = pool.mlrun("run", "delete", "-r", run_id, "-y", "--leave-files")
    assert str(pool.shared) in done.stderr
    assert pool.mlrun.fails("run", "show", "-r", run_id, exit_code=3).code == "RunNotFound"
    assert not pool.mlrun.run_folder(run_id).exists()


def test_a_run_in_the_trash_is_removed_though_its_shared_folder_is_gone(pool: PoolEngine, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    run_id = submit(pool, tmp_path / "go")
    pool.mlrun.wait(run_id)
    pool.mlrun("run", "delete", "-r", run_id, "-y")
    pool.shared.rename(pool.shared.with_name("away"))
    done = pool.mlrun("run", "delete", "-r", run_id, "-y", "--permanently", "--leave-files")
    assert str(pool.shared) in done.stderr
    assert list((pool.mlrun.database.parent / "trash").iterdir()) == []


def test_a_target_is_not_deleted_while_a_run_has_a_job(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = submit_queued(pool, tmp_path / "go")
    failure = pool.mlrun.fails("computetarget", "delete", "-n", "pool")
    assert failure.code == "InUse"
    pool.mlrun("run", "cancel", "-r", run_id)
    pool.mlrun.wait(run_id)
    pool.mlrun("computetarget", "delete", "-n", "pool")
    assert pool.mlrun.show(run_id)["status"] == "Canceled"


def test_a_prune_removes_the_snapshots_that_no_run_there_needs(pool: PoolEngine, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    run_id = submit(pool, tmp_path / "go")
    pool.mlrun.wait(run_id)
    stored = [path for path in (pool.shared / "snapshots").rglob("*") if path.is_file()]
    for path in stored:
        os.utime(path, (1e9, 1e9))
    pool.mlrun("workspace", "prune", "--older-than", "1d", "-y")
    assert all(path.exists() for path in stored)
    pool.mlrun("workspace", "prune", "--older-than", "0s", "-y")
    assert not any(path.exists() for path in stored)
    assert list((pool.shared / "runs").iterdir()) == []


def test_a_prune_removes_what_was_copied_or_built_for_runs_that_are_gone(pool: PoolEngine, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    run_id = submit(pool, tmp_path / "go")
    pool.mlrun.wait(run_id)
    (pool.shared / "environments" / "0123abcd").mkdir(parents=True)
    copies = [*(pool.shared / "programs").iterdir(), *(pool.shared / "sdk").iterdir()]
    for copy in copies:
        os.utime(copy, (1e9, 1e9))
    pool.mlrun("workspace", "prune", "--older-than", "1d", "-y")
    assert all(copy.exists() for copy in copies)
    assert list((pool.shared / "environments").iterdir()) == []
    done = pool.mlrun.json("workspace", "prune", "--older-than", "0s", "-y")
    assert sorted(done["copies"]) == sorted(map(str, copies))
    assert not any(copy.exists() for copy in copies)
