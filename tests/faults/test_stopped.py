"""A process that is stopped, as by Ctrl-Z, a batch system or a container engine, holds up nobody."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import pytest

from tests.faults.gates import locked, stopped_at
from tests.running import Mlrun, failure_of, good_end, kill, until

_DRIVER = """
    from azureml.core import Experiment, Workspace
    run = Experiment(Workspace.from_config(), "driven").start_logging()
    run.log("x", 1)
    run.complete()
"""


def test_no_process_of_a_run_keeps_others_out_of_the_store_when_it_opens_or_closes_it(
    mlrun: Mlrun, tmp_path: Path
) -> None:
    mlrun.script("from azureml.core import Run\nRun.get_context().log('x', 1)\n")
    mlrun.script(_DRIVER, "driver.py")
    mlrun("run", "list")
    trace = tmp_path / "trace"
    mlrun.command = ["strace", "--follow-forks", "--output", str(trace), "--trace=fcntl", *mlrun.command]
    run_id = mlrun.ended()["run_id"]
    for words in (["list"], ["show", "-r", run_id], ["update", "-r", run_id, "--add-tag", "a=b"], ["list"]):
        mlrun("run", *words)
    traced = ["strace", "--follow-forks", "--output", str(tmp_path / "driver"), "--trace=fcntl"]
    good_end(mlrun.run(*traced, sys.executable, "driver.py"))

    calls = trace.read_text(encoding="utf-8") + (tmp_path / "driver").read_text(encoding="utf-8")
    assert "F_RDLCK" in calls
    # From 2**30 on lie the bytes by whose locks SQLite keeps readers out.
    exclusive = re.findall(r"F_WRLCK, l_whence=SEEK_SET, l_start=107374182\d, .*= 0$", calls, re.MULTILINE)
    assert exclusive == []


def test_looks_do_not_wait_for_a_writer_that_is_stopped_and_who_writes_is_told_of_it(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run\nRun.get_context().log('x', 1)\n")
    run_id = mlrun.submit()
    mlrun.wait(run_id)
    with locked(mlrun.database) as holder:
        kill(holder.pid, number=signal.SIGSTOP)
        try:
            assert [each["run_id"] for each in mlrun.json("run", "list")] == [run_id]
            assert mlrun.show(run_id)["status"] == "Completed"
            assert mlrun.metrics(run_id) == {"x": 1}

            with mlrun.error_format("json"):
                refused = failure_of(
                    mlrun("run", "update", "-r", run_id, "--add-tag", "a=b", check=False, timeout=180.0)
                )
        finally:
            kill(holder.pid, number=signal.SIGCONT)

    assert (refused.exit_code, refused.code) == (1, "StoreUnavailable")
    assert f" {holder.pid}" in refused.message
    assert f"'kill -CONT {holder.pid}'" in refused.hint
    mlrun("run", "update", "-r", run_id, "--add-tag", "a=b")


@pytest.mark.parametrize(
    ("suffix", "call"),
    [("-shm", "ftruncate"), ("-shm", "pwrite64"), ("-wal", "pread64")],
    ids=["first-opener", "index-grows", "log-is-read"],
)
def test_looks_answer_while_who_opens_the_store_is_stopped_and_who_writes_is_told_of_it(
    mlrun: Mlrun, suffix: str, call: str
) -> None:
    mlrun.script("from azureml.core import Run\nRun.get_context().log('x', 1)\n")
    mlrun.script(_DRIVER, "driver.py")
    run_id = mlrun.submit()
    mlrun.wait(run_id)
    until(lambda: not mlrun.supervisors(run_id))
    file = Path(f"{mlrun.database}{suffix}")
    with stopped_at(call, file, [sys.executable, "driver.py"], mlrun.environment, mlrun.folder) as pid:
        assert [each["run_id"] for each in mlrun.json("run", "list")] == [run_id]
        assert mlrun.show(run_id)["status"] == "Completed"
        assert mlrun.metrics(run_id) == {"x": 1}

        refused = mlrun.fails("run", "update", "-r", run_id, "--add-tag", "a=b", exit_code=1)

    assert refused.code == "StoreUnavailable"
    assert f" {pid}" in refused.message
    assert f"'kill -CONT {pid}'" in refused.hint
    assert [each["status"] for each in mlrun.json("run", "list", "-e", "driven")] == ["Completed"]


def test_looks_write_nothing(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run\nRun.get_context().log('x', 1)\n")
    run_id = mlrun.submit()
    mlrun.wait(run_id)
    mlrun("run", "list")
    files = [mlrun.database.with_name(f"workspace.db{suffix}") for suffix in ("", "-wal", "-shm")]
    before = [file.stat() for file in files]

    for words in (["list"], ["show", "-r", run_id], ["metrics", "-r", run_id], ["files", "-r", run_id]):
        mlrun("run", *words)

    after = [file.stat() for file in files]
    assert [(each.st_size, each.st_mtime_ns) for each in after] == [(each.st_size, each.st_mtime_ns) for each in before]
