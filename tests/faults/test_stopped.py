"""A process that is stopped, as by Ctrl-Z, a batch system or a container engine, holds up nobody."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

from tests.faults.gates import locked
from tests.running import Mlrun, failure_of, good_end, kill

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
                    mlrun("run", "update", "-r", run_id, "--add-tag", "a=b", check=False, timeout=25.0)
                )
        finally:
            kill(holder.pid, number=signal.SIGCONT)

    assert (refused.exit_code, refused.code) == (1, "StoreUnavailable")
    assert f" {holder.pid}" in refused.message
    assert f"'kill -CONT {holder.pid}'" in refused.hint
    mlrun("run", "update", "-r", run_id, "--add-tag", "a=b")


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
