"""The worker process of a run, which handles all requests but reads of the run itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import Mlrun, find_processes, kill, until, words_of

_PROGRAM = ("rpc", "worker.py")


def workers(run_id: str) -> list[int]:
    """The pids of the workers that a run's supervisor has started."""
    started = find_processes("MLRUN_SUPERVISOR_OF", run_id)
    return [pid for pid in started if any(Path(word).parts[-2:] == _PROGRAM for word in words_of(pid))]


@pytest.mark.kill
def test_a_worker_that_is_killed_is_started_again_and_ends_with_its_run(mlrun: Mlrun) -> None:
    mlrun.script("""
        import os, time
        from azureml.core import Run
        from azureml.exceptions import ServiceException
        run = Run.get_context()
        print(run.child_run().status, flush=True)
        while not os.path.exists("go"):
            time.sleep(0.01)
        print(run.child_run().status, len(list(run.get_children())), flush=True)
        while not os.path.exists("end"):
            time.sleep(0.01)
    """)
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id) == "Running\n")
    (worker,) = workers(run_id)
    kill(worker)
    until(lambda: not Path(f"/proc/{worker}").exists())  # dying, it might still take a request along
    work = mlrun.run_folder(run_id) / "work"
    (work / "go").touch()
    until(lambda: mlrun.log(run_id).endswith("Running 2\n"))
    assert len(workers(run_id)) == 1
    (work / "end").touch()
    assert mlrun.wait(run_id)["status"] == "Completed", mlrun.log(run_id)
    assert workers(run_id) == []


def test_a_script_that_only_reads_its_own_run_has_no_worker(mlrun: Mlrun) -> None:
    mlrun.script("""
        import os, time
        from azureml.core import Run
        run = Run.get_context()
        run.log("x", 1)
        print(run.get_metrics(), run.get_tags(), flush=True)
        while not os.path.exists("end"):
            time.sleep(0.01)
    """)
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id) == "{'x': 1} {}\n")
    assert workers(run_id) == []
    (mlrun.run_folder(run_id) / "work" / "end").touch()
    assert mlrun.wait(run_id)["status"] == "Completed"


@pytest.mark.kill
def test_a_worker_does_not_outlive_a_supervisor_that_is_killed(mlrun: Mlrun) -> None:
    mlrun.script("""
        import time
        from azureml.core import Run
        Run.get_context().child_run()
        print("here", flush=True)
        time.sleep(600)
    """)
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id))
    assert workers(run_id)
    kill(mlrun.supervisor(run_id))
    until(lambda: not workers(run_id))
    assert mlrun.show(run_id)["status"] == "Failed"


def test_more_values_than_a_supervisor_reads_come_from_the_worker(mlrun: Mlrun) -> None:
    mlrun.script("""
        from azureml.core import Run
        run = Run.get_context()
        for number in range(30_000):
            run.log("x", number)
        print(run.get_metrics() == {"x": list(range(30_000))})
    """)
    run_id = mlrun.submit()
    assert mlrun.wait(run_id)["status"] == "Completed"
    assert mlrun.log(run_id) == "True\n"
