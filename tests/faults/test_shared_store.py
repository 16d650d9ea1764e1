from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.faults.gates import locked
from tests.running import Mlrun, until

LOG_AND_END = """
    import os, time
    from azureml.core import Run

    run = Run.get_context()
    run.log("before", 1)
    print("here", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    for number in range(1000):
        run.log("x", number)
    print("logged", flush=True)
    print(len(run.get_metrics("x")["x"]), flush=True)
"""
LOCKED_SECONDS = 5.0


def _statuses(mlrun: Mlrun) -> list[str]:
    statuses: list[str] = mlrun.json("run", "list", "--last", "100", "--query", "[].status")
    return statuses


def test_32_processes_submit_and_list_at_once_and_every_run_is_there_once(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run\nRun.get_context().log('x', 1)\n")

    def work(number: int) -> tuple[str, list[str]]:
        before = _statuses(mlrun) if number % 2 else []
        run_id = mlrun.submit()
        return run_id, before if number % 2 else _statuses(mlrun)

    with ThreadPoolExecutor(32) as threads:
        done = list(threads.map(work, range(32)))

    run_ids = [run_id for run_id, _ in done]
    mlrun("run", "wait", *(word for run_id in run_ids for word in ("-r", run_id)))
    records = mlrun.json("run", "list", "--last", "100")
    assert Counter(record["run_id"] for record in records) == Counter(run_ids)
    assert {record["status"] for record in records} == {"Completed"}
    assert sorted(record["run_number"] for record in records) == list(range(1, 33))
    seen = {status for _, statuses in done for status in statuses}
    assert not seen & {"Failed", "NotResponding", "Canceled"}


def test_no_run_is_ever_seen_failed_while_runs_are_submitted(mlrun: Mlrun) -> None:
    mlrun.script("pass")
    seen: Counter[str] = Counter()
    with ThreadPoolExecutor(1) as threads:
        submitting = threads.submit(lambda: [mlrun.submit() for _ in range(10)])
        while not submitting.done():
            seen.update(_statuses(mlrun))
        run_ids = submitting.result()

    mlrun("run", "wait", *(word for run_id in run_ids for word in ("-r", run_id)))
    assert seen
    assert not set(seen) & {"Failed", "NotResponding", "Canceled"}


def test_a_store_that_another_process_holds_for_five_seconds_delays_a_submit_and_no_more(mlrun: Mlrun) -> None:
    mlrun.script("pass")
    mlrun.wait(mlrun.submit())
    with locked(mlrun.database):
        streaming = mlrun.start("run", "submit-script", "train.py")
        time.sleep(LOCKED_SECONDS)
        assert streaming.poll() is None
        assert mlrun.json("run", "list", "--query", "length(@)") == 1

    _, stderr = streaming.communicate(timeout=180)
    assert streaming.returncode == 0, stderr
    assert mlrun.json("run", "list", "--query", "[].status") == ["Completed", "Completed"]


def test_a_store_that_another_process_holds_stops_no_log_delays_a_question_and_loses_nothing(mlrun: Mlrun) -> None:
    mlrun.script(LOG_AND_END)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    until(lambda: mlrun.log(run_id))
    with locked(mlrun.database):
        (mlrun.run_folder(run_id) / "work" / "go").touch()
        until(lambda: mlrun.log(run_id).endswith("logged\n"))
        time.sleep(LOCKED_SECONDS)
        assert mlrun.stored_status(run_id) == "Running"
        assert mlrun.log(run_id).endswith("logged\n")

    record = mlrun.wait(run_id)
    assert record["status"] == "Completed"
    assert mlrun.log(run_id).endswith("logged\n1000\n")
    assert record["duration_seconds"] < LOCKED_SECONDS + 60
    assert mlrun.metrics(run_id) == {"before": 1, "x": list(range(1000))}
