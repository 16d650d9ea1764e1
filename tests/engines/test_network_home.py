from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.completing import complete
from tests.engines.network_home import Host
from tests.running import find_paths, kill, until

_CODE = "HomeInUse"
_SQLITE_LOCKS_AT, _SQLITE_LOCK_BYTES = 1 << 30, 512
_WRITING = ("workspace", "create", "--description", "text")
_VALUES = "SELECT number FROM metric_values JOIN metrics USING (metric_key) WHERE name = 'x' ORDER BY position"
_INCREMENT = """
import os, signal, sys
from pathlib import Path
from mlrun_cli.processes.host_lease import find_lease, open_home
from mlrun_cli.store.db.sqlite.network_connection import NetworkDatabase

home, file, count, end = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
open_home(home)
database = NetworkDatabase(file, find_lease(file))
database.execute("CREATE TABLE IF NOT EXISTS counts (number INTEGER)")
with database.transaction():
    if database.row("SELECT * FROM counts") is None:
        database.execute("INSERT INTO counts VALUES (0)")
for _ in range(count):
    with database.transaction():
        number = database.row("SELECT number FROM counts")["number"]
        database.execute("UPDATE counts SET number = :number", number=number + 1)
if end == "kill":
    with database.transaction():
        database.execute("CREATE TABLE filler (text TEXT)")
        database._connection.execute("PRAGMA cache_size = 1")
        database._connection.execute("PRAGMA cache_spill = 1")
        for _ in range(2000):  # more than the cache holds: part of it is in the file
            database.execute("INSERT INTO filler VALUES (:text)", text="x" * 1000)
        os.kill(os.getpid(), signal.SIGKILL)
print(database.row("SELECT number FROM counts")["number"], database.row("PRAGMA integrity_check")[0])
"""

_TWO_WORKSPACES = """
import sys
from azureml.core import Workspace

first, second = (Workspace.get(name=name, resource_group="g", subscription_id="s") for name in ("one", "two"))
print(first.experiments, second.experiments, flush=True)
sys.stdin.readline()
first.set_default_datastore("workspacefilestore")
print(second.experiments, flush=True)
sys.stdin.readline()
"""


def test_a_run_asks_its_supervisor_while_the_home_contains_neither_locks_nor_sockets(host: Host) -> None:
    host.script("""
        from azureml.core import Run
        run = Run.get_context()
        run.log("y", 1)
        assert run.get_metrics() == {"y": 1}
        run.child_run("child").complete()
    """)

    record = host.ended()

    assert record["status"] == "Completed", host.log(record["run_id"])
    assert host.find_local(host.run_folder(record["run_id"]) / "lock").exists()
    assert not [path for path in find_paths(host.seen) if path.is_socket() or path.name.endswith(("-wal", "-shm"))]
    shown = host.json("workspace", "show")
    assert (shown["mode"], shown["fileSystem"], shown["host"]) == ("network", "fuse.sshfs", "login1")
    assert (host.find_local(host.seen) / "home").read_text("utf-8") == f"{host.home}\n"


def test_a_queue_serves_its_runs_and_a_killed_supervisor_is_recovered(host: Host) -> None:
    host("computetarget", "create", "amlcompute", "-n", "one", "--max-nodes", "1")
    host.script("import time\nwhile True: time.sleep(0.1)", "endless.py")
    host.script("pass")
    first = host.submit("--ct", "one", "endless.py")
    second = host.submit("--ct", "one", "train.py")
    host.script_pid(first)

    kill(host.supervisor(first))

    assert host.show(first)["status"] == "Failed"
    assert host.wait(second)["status"] == "Completed"
    assert until(lambda: not host.processes(first))


def test_a_run_is_recovered_when_the_local_folder_was_emptied_after_its_supervisor_died(host: Host) -> None:
    host.script("import time\nwhile True: time.sleep(0.1)", "endless.py")
    run_id = host.submit("endless.py")
    host.script_pid(run_id)
    kill(host.supervisor(run_id), *host.processes(run_id))
    for entry in host.local.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    assert host.show(run_id)["status"] == "Failed"


def test_ids_are_completed_on_all_hosts_without_the_locks_of_the_file_system(host: Host, other: Host) -> None:
    host.script("pass")
    run_id = host.ended()["run_id"]
    shutil.copytree(host.folder / ".azureml", other.folder / ".azureml", dirs_exist_ok=True)
    asked = ("run", "show", "-r", run_id[:-1])
    before = host.describe_files()
    with open(host.database, "rb+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, _SQLITE_LOCK_BYTES, _SQLITE_LOCKS_AT)
        assert [complete(each, *asked) for each in (host, other)] == [[run_id]] * 2
    assert host.describe_files() == before


def test_nothing_is_completed_during_a_commit(host: Host, other: Host) -> None:
    host.script("pass")
    run_id = host.ended()["run_id"]
    shutil.copytree(host.folder / ".azureml", other.folder / ".azureml", dirs_exist_ok=True)
    journal = Path(f"{host.database}-journal")
    journal.write_bytes(b"\xd9\xd5")
    try:
        assert [complete(each, "run", "show", "-r", run_id[:-1]) for each in (host, other)] == [[], []]
    finally:
        journal.unlink()
    assert complete(host, "run", "show", "-r", run_id[:-1]) == [run_id]


def test_another_host_is_refused_until_it_takes_over_and_then_the_first_one_is(host: Host, other: Host) -> None:
    host.script("""
        import itertools, time
        from azureml.core import Run
        run = Run.get_context()
        for value in itertools.count():
            run.log("x", value)
            time.sleep(0.02)
    """)
    run_id = host.submit()
    until(lambda: host.metrics(run_id))

    assert other.fails("run", "submit-script", "train.py", exit_code=1).code == _CODE
    assert other.fails("run", "update", "-r", run_id, "--add-tag", "a=b", exit_code=1).code == _CODE
    other("workspace", "show", "--take-over")
    assert host.fails("run", "cancel", "-r", run_id, exit_code=1).code == _CODE
    assert run_id in [each["run_id"] for each in other.json("run", "list")]
    until(lambda: "in use from login2" in _read_supervisor_log(other, run_id))
    values = other.stored(_VALUES)
    time.sleep(1.0)
    assert other.stored(_VALUES) == values

    host("workspace", "show", "--take-over")
    host("run", "cancel", "-r", run_id)
    assert host.wait(run_id)["status"] == "Canceled"
    logged = [number for (number,) in host.stored(_VALUES)]
    assert logged == list(range(len(logged))) and len(logged) > len(values)


def _read_supervisor_log(host: Host, run_id: str) -> str:
    return (host.run_folder(run_id) / "artifacts" / "system_logs" / "supervisor.log").read_text(encoding="utf-8")


def test_a_home_that_has_not_been_used_for_a_lease_is_taken_without_a_word(host: Host, other: Host) -> None:
    turn = host.json("workspace", "show")["turn"]
    file = host.seen / "hosts" / str(turn)
    used_at = json.loads(file.read_text())["used_at"]
    file.write_text(json.dumps({"used_at": used_at - 61_000_000}).ljust(1024))

    assert other.json("workspace", "show")["host"] == "login2"
    assert host.fails(*_WRITING, exit_code=1).code == _CODE


def test_a_script_that_has_taken_the_home_no_longer_reads_as_if_another_host_had_it(host: Host, other: Host) -> None:
    for name in ("one", "two"):
        host("workspace", "create", "-w", name, "-g", "g", "--subscription-id", "s")
    turn = host.json("workspace", "show")["turn"]
    words = [*other.enter, sys.executable, "-c", _TWO_WORKSPACES]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=other.environment
    ) as script:
        assert script.stdin is not None and script.stdout is not None
        assert script.stdout.readline() == "{} {}\n"
        file = host.seen / "hosts" / str(turn)
        file.write_text(json.dumps({"used_at": json.loads(file.read_text())["used_at"] - 61_000_000}).ljust(1024))
        script.stdin.write("\n")
        script.stdin.flush()
        assert script.stdout.readline() == "{}\n"
        descriptors = Path(f"/proc/{other.find_pid(script)}/fd").iterdir()
        opened = [os.readlink(descriptor) for descriptor in descriptors]
        script.stdin.close()
    # Who has the home reads under the lock of its own host.
    assert [name for name in opened if name.endswith("two/workspace.db.lock")] != []


def test_a_host_with_the_machine_id_of_another_is_not_taken_for_that_one_after_a_restart(
    host: Host, other: Host, tmp_path: Path
) -> None:
    place = "/proc/sys/kernel/random/boot_id"
    (tmp_path / "boot_id").write_text("00000000-0000-4000-8000-000000000000\n", encoding="ascii")
    assert other.run(*other.enter, "mount", "--bind", str(tmp_path / "boot_id"), place).returncode == 0
    try:
        assert host.json("workspace", "show")["host"] == "login1"
        assert other.fails(*_WRITING, exit_code=1).code == _CODE
        assert other.json("workspace", "show")["host"] == "login1"
    finally:
        other.run(*other.enter, "umount", place)


def test_a_damaged_record_without_a_copy_is_told_and_is_no_reason_to_take_the_home(host: Host, other: Host) -> None:
    record = host.seen / "hosts" / "current"
    for copy in record.parent.glob("*.record"):  # older versions make none
        copy.unlink()
    for damaged in (b" " * 1024, b"{}".ljust(1024)):
        record.write_bytes(damaged)
        for each in (host, other):
            for words in (_WRITING, ("run", "list")):
                failure = each.fails(*words, exit_code=1)
                assert (failure.code, "--take-over" in failure.text) == ("StoreUnavailable", True)
        assert record.read_bytes() == damaged
    assert other.json("workspace", "show", "--take-over")["host"] == "login2"


def test_of_two_hosts_that_take_over_at_once_each_time_one_has_the_home(hosts: list[Host]) -> None:
    def take_over(host: Host) -> subprocess.CompletedProcess[str]:
        return host("workspace", "show", "--take-over", check=False)

    with ThreadPoolExecutor(2) as threads:
        for _ in range(3):
            done = list(threads.map(take_over, hosts))
            assert any(each.returncode == 0 for each in done), done[0].stderr
            writes = list(threads.map(lambda host: host(*_WRITING, check=False), hosts))
            assert sorted(each.returncode for each in writes) == [0, 1], [each.stderr for each in writes]


def test_no_increment_of_eight_processes_is_lost_and_what_a_killed_one_wrote_is_taken_back(host: Host) -> None:
    file = str(host.home / "counts.db")

    def increment(end: str) -> subprocess.CompletedProcess[str]:
        words = ["-c", _INCREMENT, str(host.home), file, "20", end]
        return host.run(*host.enter, sys.executable, *words)

    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(increment, ["exit"] * 7 + ["kill"]))

    assert done[-1].returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}, done[-1].stderr
    assert [each.stderr for each in done[:-1]] == [""] * 7
    last: Any = increment("exit")
    assert last.stdout.split() == ["180", "ok"], last.stderr
