from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tests.engines.network_home import Host
from tests.running import kill, until

_CODE = "HomeInUse"
_LOOKS, _COMMITS = 300, 20
_HOLDER = """
import sys
from pathlib import Path
from mlrun_cli.processes.host_lease import hold_home

with hold_home(Path(sys.argv[1])):
    print("holds", flush=True)
    sys.stdin.read()
"""
_WRITER = """
import os, signal, sys
from pathlib import Path
from mlrun_cli.processes.host_lease import find_lease, open_home
from mlrun_cli.store.db.sqlite.network_connection import NetworkDatabase

home, file, mode = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
open_home(home)
database = NetworkDatabase(file, find_lease(file))
if mode != "killed" and not database.rows("SELECT 1 FROM sqlite_master WHERE name = 'copies'"):
    with database.transaction():
        database.execute("CREATE TABLE copies (place INTEGER PRIMARY KEY, number INTEGER, text TEXT)")
        database.execute("CREATE INDEX copies_by_number ON copies (number, text)")
        database.insert_many("copies", ["place", "number", "text"], [(place, 0, "x" * 900) for place in range(100)])
number = 0
print("ready", flush=True)
if mode == "all the time":
    while True:
        number += 1
        with database.transaction():
            database.execute("UPDATE copies SET number = :number", number=number)
            database.execute("INSERT INTO copies VALUES (:place, :number, '')", place=100 + number, number=number)
if mode == "large":
    with database.transaction():
        database.execute("UPDATE copies SET number = -1")
        database.execute("CREATE TABLE filler (text TEXT)")
        for _ in range(4000):
            database.execute("INSERT INTO filler VALUES (:text)", text="x" * 1000)
        print("uncommitted", flush=True)
        sys.stdin.read()
if mode in ("killed", "slow"):
    with database.transaction():
        database._connection.execute("PRAGMA cache_size = 1")
        database._connection.execute("PRAGMA cache_spill = 1")
        database.execute("CREATE TABLE filler (text TEXT)")
        for _ in range(2000):
            database.execute("INSERT INTO filler VALUES (:text)", text="x" * 1000)
        if mode == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        database.execute("UPDATE copies SET number = 7")
        print("spilled", flush=True)
        sys.stdin.read()
"""
_READER = """
import json, sys
from pathlib import Path
from mlrun_cli.errors import StoreUnavailable
from mlrun_cli.processes.host_lease import find_lease, open_home
from mlrun_cli.store.db.sqlite.foreign_reader import ForeignDatabase

home, file, looks, commits = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
open_home(home, only_reads=True)
database = ForeignDatabase(file, find_lease(file))
database.set_busy_timeout(float(sys.argv[5]))
found = []
while len(found) < looks or len({row["low"] for row in found}) < commits:
    try:
        row = database.row(
            "SELECT min(number) AS low, max(number) AS high, sum(length(text)) AS size,"
            " (SELECT max(number) FROM copies INDEXED BY copies_by_number) AS newest,"
            " (SELECT count(*) FROM copies WHERE place > 100) AS more FROM copies WHERE place < 100"
        )
    except StoreUnavailable as error:
        sys.exit(f"{type(error).__name__} {error} {error.hint}")
    found.append(dict(row))
print(json.dumps(found))
"""

_SWEEP = """
sampling:
    type: grid
    parameter_space:
        - {name: --lr, expression: choice, values: [0.3, 0.1]}
policy: {type: NoTerminationPolicy}
primary_metric_name: loss
primary_metric_goal: minimize
max_total_runs: 2
max_concurrent_runs: 1
max_duration_minutes: 60
"""
_PIPELINE = (
    "pipeline: {name: p, steps: {A: {type: PythonScriptStep, script_name: train.py, source_directory: source}}}\n"
)
_READING_SCRIPT = """
from azureml.core import Dataset, Environment, Experiment, Model, Workspace

ws = Workspace.from_config()
experiment = Experiment(ws, "exp")
for run in experiment.get_runs():
    print(run.id, run.get_status(), run.get_metrics(), run.get_file_names(), sorted(run.get_details()))
print(ws.get_details(), sorted(ws.experiments), sorted(ws.compute_targets), ws.get_default_datastore().name)
print(Model.list(ws), Dataset.get_all(ws), sorted(Environment.list(ws)) != [], ws.get_run(run.id).parent)
"""
_WRITING_SCRIPT = """
from azureml.core import Experiment, Workspace

ws = Workspace.from_config()
run = next(Experiment(ws, "exp").get_runs())
calls = {
    "tag": lambda: run.tag("a", "b"),
    "experiment": lambda: Experiment(ws, "another"),
    "start": lambda: Experiment(ws, "exp").start_logging(),
    "cancel": lambda: run.cancel(),
    "log": lambda: run.log("x", 1),
}
for name, call in calls.items():
    try:
        call()
    except Exception as error:
        assert "login1, last seen " in str(error), error
    else:
        raise SystemExit(name)
    assert run.get_status() == "Completed"
"""


@pytest.fixture(scope="module")
def holder(hosts: list[Host]) -> Iterator[subprocess.Popen[str]]:
    """Start a process of the first host that uses the home all the time."""
    words = [*hosts[0].enter, sys.executable, "-c", _HOLDER, str(hosts[0].home)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as holding:
        assert holding.stdout is not None
        assert holding.stdout.readline() == "holds\n"
        yield holding


@pytest.fixture(scope="module")
def host(hosts: list[Host], holder: subprocess.Popen[str]) -> Host:  # noqa: ARG001
    """Return the host that has the home, and that uses it all the time."""
    return hosts[0]


def test_another_host_reads_what_the_first_one_does_and_changes_nothing(host: Host, other: Host) -> None:
    host.script("""
        from azureml.core import Run
        run = Run.get_context()
        for value in range(3):
            run.log("loss", value)
        print("hello")
    """)
    ids = [host.ended("--display-name", name, "train.py")["run_id"] for name in ("first", "second")]
    host("computetarget", "create", "amlcompute", "-n", "one", "--max-nodes", "1")
    chosen = ["-r", ids[0]]
    commands = [
        ["run", "list"],
        ["run", "list", "--metrics", "all", "--where", "loss > 1", "-o", "table"],
        ["run", "show", *chosen],
        ["run", "view", *chosen],
        ["run", "metrics", *chosen],
        ["run", "files", *chosen],
        ["run", "wait", *chosen],
        ["run", "snapshot", *chosen, "--list"],
        ["run", "monitor-logs", *chosen],
        ["run", "compare", "-r", ids[0], "-r", ids[1], "--all"],
        ["run", "diff", "-r", ids[0], "-r", ids[1]],
        ["experiment", "list"],
        ["experiment", "show"],
        ["computetarget", "list"],
        ["computetarget", "show", "-n", "one"],
        ["datastore", "list"],
        ["datastore", "show-default"],
        ["queue", "list"],
        ["model", "list"],
        ["dataset", "list"],
        ["environment", "list"],
        ["notify", "list"],
        ["pipeline", "list"],
    ]
    expected = [host(*words).stdout for words in commands]
    assert all(run_id in expected[0] for run_id in ids)
    before = host.describe_files()

    assert [other(*words).stdout for words in commands] == expected
    assert other.json("workspace", "show")["host"] == "login1"
    downloaded = other.json("run", "download-logs", *chosen, "-d", "logs")
    assert any((other.folder / path).read_text(encoding="utf-8") == "hello\n" for path in downloaded)
    other("run", "export", *chosen, "--html", "run.html")
    assert ids[0] in (other.folder / "run.html").read_text(encoding="utf-8")
    assert host.describe_files() == before


def test_a_look_from_another_host_does_not_touch_the_lease(hosts: list[Host], other: Host) -> None:
    exported = other.seen.parent.parent.parent / "exported" / "home" / "hosts"

    def describe() -> list[Any]:
        files = [exported, *exported.iterdir()]
        return [(path, path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None) for path in files]

    other("run", "list", "-e", "exp")  # for ten minutes it knows the time of the file server now
    hosts[0]("workspace", "show")
    before = describe()
    other("run", "list", "-e", "exp")

    assert describe() == before


def test_what_writes_is_refused_on_another_host_before_it_changes_anything(host: Host, other: Host) -> None:
    host.script("pass")
    run_id = host.ended()["run_id"]
    before = host.describe_files()

    for words in [
        ["run", "submit-script", "train.py"],
        ["run", "update", "-r", run_id, "--add-tag", "a=b"],
        ["run", "cancel", "-r", run_id],
        ["run", "delete", "-r", run_id, "--yes"],
        ["run", "monitor-logs", "-r", run_id, "--on-interrupt", "cancel"],
        ["workspace", "prune", "--older-than", "1d", "--yes"],
        ["workspace", "create", "--description", "text"],
    ]:
        failure = other.fails(*words, exit_code=1)
        assert (failure.code, "login1" in failure.text) == (_CODE, True)

    assert host.describe_files() == before


def test_dry_runs_on_another_host_show_what_they_show_on_the_first(host: Host, other: Host) -> None:
    for each in (host, other):
        each.script("pass", "source/train.py")
        each.script(_SWEEP, "sweep.yml")
        each.script(_PIPELINE, "pipeline.yml")
    source = ["--source-directory", "source", "train.py"]
    run_id = host.ended(*source)["run_id"]
    commands = [
        ["run", "submit-script", *source],
        ["run", "submit-script", "--after", run_id, *source],
        ["run", "sweep", "--grid", "lr=1,2", "--minimize", "loss", "--seed", "7", *source],
        ["run", "submit-hyperdrive", "--hyperdrive-configuration-name", "sweep.yml", *source],
        ["run", "submit-pipeline", "-y", "pipeline.yml"],
        ["run", "rerun", "-r", run_id],
        ["run", "resume", "-r", run_id],
        ["workspace", "prune", "--older-than", "0s"],
        ["environment", "prune", "--older-than", "0s"],
    ]

    def preview(each: Host, words: list[str]) -> str:
        shown = each(*words[:2], "--dry-run", *words[2:]).stdout
        shown = shown.replace(str(host.folder), "FOLDER").replace(str(other.folder), "FOLDER")
        return re.sub(r'"(bytes|endedBefore|seed)": [^,\n]+', r"\1", shown)  # another one, or cached

    expected = [preview(host, words) for words in commands]
    assert run_id in expected[-2]
    before = host.describe_files()

    for words, text in zip(commands, expected, strict=True):
        assert preview(other, words) == text

    for words in (["workspace", "prune", "--older-than", "0s", "--yes"], ["environment", "prune", "--yes"]):
        assert other.fails(*words, exit_code=1).code == _CODE
    assert host.describe_files() == before


def test_an_environment_that_a_run_uses_is_not_pruned_on_its_host_or_shown_as_unused_on_another(
    host: Host, other: Host
) -> None:
    host.script("import time\nwhile True: time.sleep(0.1)", "endless.py")
    host.script("dependencies: []", "conda.yml")
    run_id = host.submit("-d", "conda.yml", "endless.py")
    host.script_pid(run_id)
    (key,) = (one["key"] for one in host.json("environment", "list", "--built"))
    prune = ("environment", "prune", "--older-than", "0s")

    # The other host knows the names in a folder for a while.
    until(lambda: other.json(*prune, "--dry-run")["environments"] == [])
    assert host.json(*prune)["environments"] == []

    host("run", "cancel", "-r", run_id)
    host.wait(run_id)
    until(lambda: other.json(*prune, "--dry-run")["environments"] == [key])
    assert host.json(*prune)["environments"] == [key]


def test_a_script_reads_on_another_host_what_it_reads_on_the_first(host: Host, other: Host) -> None:
    host.script("from azureml.core import Run\nRun.get_context().log('loss', 0.5)")
    run_id = host.ended()["run_id"]
    words = [sys.executable, "-c", _READING_SCRIPT]
    expected = host.run(*host.enter, *words)
    assert run_id in expected.stdout, expected.stderr
    before = host.describe_files()

    done = other.run(*other.enter, *words)

    assert (done.stdout, done.stderr) == (expected.stdout, "")
    assert host.describe_files() == before


def test_what_a_script_would_write_is_refused_on_another_host_and_it_reads_on(host: Host, other: Host) -> None:
    host.script("pass")
    host.ended()
    before = host.describe_files()

    done = other.run(*other.enter, sys.executable, "-c", _WRITING_SCRIPT)

    assert done.returncode == 0, done.stdout + done.stderr
    assert host.describe_files() == before


def test_another_host_makes_a_backup_of_what_one_commit_left(host: Host, other: Host) -> None:
    host.script("pass")
    run_id = host.ended()["run_id"]
    before = host.describe_files()

    record = other.json("workspace", "backup", "copy.db", "--overwrite")

    with closing(sqlite3.connect(record["file"])) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT status FROM runs WHERE run_id = ?", (run_id,)).fetchall() == [("Completed",)]
    assert host.describe_files() == before


def test_a_live_run_is_followed_from_another_host(host: Host, other: Host) -> None:
    host.script("""
        import time
        from pathlib import Path
        from azureml.core import Run
        run = Run.get_context()
        step = 0
        while not Path("outputs/stop").exists():
            run.log("step", step)
            print("step", step, flush=True)
            step += 1
            time.sleep(0.02)
        print("the end")
    """)
    run_id = host.submit()
    host.script_pid(run_id)

    until(lambda: other.json("run", "metrics", "-r", run_id, "--last").get("step", 0) > 10)
    assert other.json("run", "list", "--active")[0]["run_id"] == run_id
    with other.start("run", "monitor-logs", "-r", run_id) as following:
        (host.run_folder(run_id) / "work" / "outputs" / "stop").touch()
        printed, _ = following.communicate()

    assert following.returncode == 0
    assert printed.splitlines()[-1] == "the end"
    assert printed == host.log(run_id)
    assert other.metrics(run_id) == host.metrics(run_id)
    assert other.json("run", "show", "-r", run_id)["status"] == "Completed"


def test_each_look_sees_one_commit_while_the_first_host_commits_all_the_time(host: Host, other: Host) -> None:
    with _write(host, "commits.db", "all the time"):
        looks = _look(other, "commits.db", _LOOKS, _COMMITS)

    assert [look for look in looks if not look["low"] == look["high"] == look["newest"] == look["more"]] == []
    assert {look["size"] for look in looks} == {90_000}


def test_a_look_during_a_large_transaction_sees_the_commit_before(host: Host, other: Host) -> None:
    with _write(host, "large.db", "nothing") as writing:
        writing.wait()
    before = _look(other, "large.db")

    with _write(host, "large.db", "large") as writing:
        assert writing.stdout is not None
        assert writing.stdout.readline() == "uncommitted\n"
        assert _look(other, "large.db") == before


def test_a_change_that_a_host_left_that_is_gone_is_not_waited_for_and_can_be_taken_over(
    host: Host, other: Host, holder: subprocess.Popen[str]
) -> None:
    host.script("pass")
    host.ended()
    before = other("run", "list").stdout
    database = str(host.database.relative_to(host.seen))
    with _write(host, database, "killed") as writing:
        writing.wait()
    os.kill(host.find_pid(holder), signal.SIGSTOP)
    try:
        _make_unseen(host)
        done = _run_reader(other, database, 1, 1, 600.0)
        _make_unseen(host)
        failure = other.fails("run", "list", exit_code=1)
    finally:
        os.kill(holder.pid, signal.SIGCONT)  # nsenter stops and goes on with it

    assert done.stderr.startswith("StoreUnavailable "), done.stderr
    for text in (done.stderr, failure.text):
        assert "login1, last seen " in text and "mlrun workspace show --take-over" in text
    assert failure.code == "StoreUnavailable"
    other("workspace", "show", "--take-over")
    assert other("run", "list").stdout == before
    host("workspace", "show", "--take-over")
    assert host("run", "list").stdout == before


def _make_unseen(host: Host) -> None:
    """Write into the home that its host used it last a little more than half a minute ago."""
    (file,) = (path for path in (host.seen / "hosts").iterdir() if path.name.isdigit())
    used_at = int((time.time() - 32) * 1_000_000)
    file.write_text(json.dumps({"used_at": used_at}).ljust(1024), encoding="utf-8")


def test_a_slow_commit_of_a_host_that_is_up_is_waited_for(host: Host, other: Host) -> None:
    with _write(host, "slow.db", "slow") as writing:
        assert writing.stdin is not None and writing.stdout is not None
        assert writing.stdout.readline() == "spilled\n"
        words = [*other.enter, sys.executable, *_build_reader_command(other, "slow.db", 1, 1, 600.0)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as reading:
            with pytest.raises(subprocess.TimeoutExpired):
                reading.wait(6)
            writing.stdin.close()
            output, errors = reading.communicate()

    assert [row["low"] for row in json.loads(output)] == [7], errors


def test_a_journal_that_cannot_be_read_is_told_as_that(host: Host, other: Host) -> None:
    with _write(host, "unreadable.db", "nothing") as writing:
        writing.wait()
    (host.seen / "unreadable.db-journal").mkdir()

    done = _run_reader(other, "unreadable.db", 1, 1, 600.0)

    assert done.stderr.startswith("StoreUnavailable ")
    assert os.strerror(errno.EISDIR) in done.stderr and "login1" not in done.stderr


def test_a_store_that_is_as_it_was_on_a_local_disk_names_the_host_that_can_change_that(host: Host, other: Host) -> None:
    with closing(sqlite3.connect(host.folder / "local.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE copies (place INTEGER)")
        shutil.copy(host.folder / "local.db", host.seen)

    done = _run_reader(other, "local.db", 1, 1, 60.0)

    assert done.stderr.startswith("StoreUnavailable ")
    assert "local disk" in done.stderr and "login1" in done.stderr


@contextmanager
def _write(host: Host, name: str, mode: str) -> Iterator[subprocess.Popen[str]]:
    """Write to a database in the host's home during the block, which begins once the database exists."""
    words = [*host.enter, sys.executable, "-c", _WRITER, str(host.home), str(host.home / name), mode]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as writing:
        assert writing.stdout is not None
        assert writing.stdout.readline() == "ready\n"
        try:
            yield writing
        finally:
            kill(host.find_pid(writing))


def _look(host: Host, name: str, looks: int = 1, commits: int = 1) -> list[dict[str, int]]:
    """Read a database of `_write` on a host that does not have the home, until it has read so often, and seen so much.

    Args:
        host: the host.
        name: the name of the database.
        looks: how often to read at least.
        commits: how many commits of the other host to see.
    """
    done = _run_reader(host, name, looks, commits, 120.0)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, int]] = json.loads(done.stdout)
    return found


def _run_reader(host: Host, name: str, looks: int, commits: int, seconds: float) -> subprocess.CompletedProcess[str]:
    return host.run(*host.enter, sys.executable, *_build_reader_command(host, name, looks, commits, seconds))


def _build_reader_command(host: Host, name: str, looks: int, commits: int, seconds: float) -> list[str]:
    return ["-c", _READER, str(host.home), str(host.home / name), str(looks), str(commits), str(seconds)]
