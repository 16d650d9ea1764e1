"""What a submitter brings along must not reach the supervisor: its folder, its descriptors, its signals."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.running import Mlrun, until, words_of


def test_modules_beside_the_script_are_not_the_supervisors(mlrun: Mlrun) -> None:
    for name in ("selectors", "signal", "queue", "socket"):
        mlrun.script("raise RuntimeError('not mine')", f"{name}.py")
    mlrun.script("print('hello')")

    mlrun.environment["PYTHONSAFEPATH"] = "1"  # the script's own imports are its own affair

    assert mlrun.json("run", "submit-script", "train.py")["status"] == "Completed"


def test_an_ignored_sigchld_of_the_submitter_does_not_hide_the_end(mlrun: Mlrun) -> None:
    mlrun.script("print('hello')")
    ignoring = (
        "import signal, os, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"
    )
    mlrun.command = [sys.executable, "-c", ignoring, *mlrun.command]

    assert mlrun.json("run", "submit-script", "train.py")["status"] == "Completed"


def test_a_descriptor_of_the_submitter_is_not_held_until_the_run_has_ended(mlrun: Mlrun) -> None:
    mlrun.script("import time\ntime.sleep(60)\n")
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)

    subprocess.run(
        [*mlrun.command, "run", "submit-script", "--async", "train.py"],
        cwd=mlrun.folder,
        env=mlrun.environment,
        capture_output=True,
        check=True,
        close_fds=False,
    )
    os.close(writing)

    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b""  # ends when the last holder has closed it
    (run,) = mlrun.json("run", "list")
    assert run["status"] in {"NotStarted", "Preparing", "Starting", "Running"}


def test_more_journals_than_open_files_are_all_ingested(mlrun: Mlrun) -> None:
    mlrun.script(
        "import os\nfrom azureml.core import Run\nrun = Run.get_context()\n"
        "for number in range(150):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n        run.log('x', number)\n        os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
    )
    mlrun.command = ["bash", "-c", 'ulimit -n 100; exec "$@"', "-", *mlrun.command]

    run = mlrun.json("run", "submit-script", "train.py")

    assert run["status"] == "Completed"
    assert sorted(mlrun.metrics(run["run_id"])["x"]) == list(range(150))


LIMITED = """
    import os, resource, time
    from azureml.core import Run
    while not os.path.exists(os.environ["GO"]):
        time.sleep(0.01)
    run = Run.get_context()
    print(resource.getrlimit(resource.RLIMIT_FSIZE), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    for number in range(5_000):
        run.log("x", number)
    try:
        open("large", "wb").write(bytes(80 << 20))
    except OSError as error:
        print(error.strerror)
"""
PARENT = """
    from azureml.core import Run, ScriptRunConfig
    Run.get_context().submit_child(ScriptRunConfig(".", "train.py"))
"""


def test_the_limits_of_a_submitter_hold_for_its_script_and_neither_for_a_supervisor_nor_for_the_script_of_another(
    mlrun: Mlrun,
) -> None:
    mlrun("computetarget", "create", "amlcompute", "-n", "single", "--max-nodes", "1")
    mlrun.script(LIMITED)
    mlrun.script(PARENT, "parent.py")
    mlrun.environment["GO"] = str(mlrun.folder.parent / "go")
    free = mlrun.command

    def limit(words: str) -> None:
        mlrun.command = ["bash", "-c", f'ulimit -n 500; ulimit {words}; exec "$@"', "-", *free]

    limit("-S -f 65536")
    parent = mlrun.submit("parent.py")
    mlrun.command = free
    assert mlrun.wait(parent)["status"] == "Completed"
    run_ids = [mlrun.json("run", "list", "--parent-run-id", parent)[0]["run_id"]]
    for words in ("-S -f 65536", "-S -f unlimited"):  # the dispatcher is that of the first
        limit(words)
        run_ids += [mlrun.submit("--ct", target, "train.py") for target in ("single", "local")]
    mlrun.command = free
    supervisors = [mlrun.supervisor(run_id) for run_id in run_ids if mlrun.stored_status(run_id) != "Queued"]
    assert {resource.prlimit(pid, resource.RLIMIT_FSIZE)[0] for pid in supervisors} == {resource.RLIM_INFINITY}
    Path(mlrun.environment["GO"]).touch()
    for run_id in run_ids:
        assert mlrun.wait(run_id)["status"] == "Completed"
        assert len(mlrun.metrics(run_id)["x"]) == 5_000
    limited = f"({65536 << 10}, -1) 500\nFile too large\n"
    assert [mlrun.log(run_id) for run_id in run_ids] == [*[limited] * 3, *["(-1, -1) 500\n"] * 2]


def test_a_limit_that_a_supervisor_cannot_shake_off_is_told(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun.command = [
        "setpriv",
        "--bounding-set",
        "-sys_resource",
        "bash",
        "-c",
        'ulimit -f 9999; exec "$@"',
        "-",
        *mlrun.command,
    ]
    told = mlrun("run", "submit-script", "--async", "train.py").stderr
    assert "'ulimit -f' holds for the run's supervisor too" in told


def test_a_run_whose_supervisor_may_not_write_the_store_any_more_ends_at_the_next_look(mlrun: Mlrun) -> None:
    mlrun.script(LIMITED)
    mlrun.environment["GO"] = str(mlrun.folder.parent / "go")
    free = mlrun.command
    limit = ["setpriv", "--bounding-set", "-sys_resource", "bash", "-c", 'ulimit -n 500; ulimit -f 1024; exec "$@"']
    mlrun.command = [*limit, "-", *free]
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    mlrun.command = free
    other = mlrun.submit()
    with closing(sqlite3.connect(mlrun.database)) as reader:  # with it, the log of the store only grows
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM runs").fetchone()
        Path(mlrun.environment["GO"]).touch()
        mlrun.wait_for_status(other, "Completed")
        until(lambda: not mlrun.supervisors(run_id))
    assert mlrun.wait(run_id)["status"] == "Completed"
    assert len(mlrun.metrics(run_id)["x"]) == 5_000


def test_a_home_of_another_user_is_refused_in_words(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun.wait(mlrun.submit())
    mlrun.command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *mlrun.command]
    mlrun.environment["MLRUN_HOME"] = str(mlrun.home / "theirs")
    mlrun.home.chmod(0)
    try:
        for words in (("run", "list"), ("run", "submit-script", "train.py"), ("workspace", "list")):
            done = mlrun(*words, check=False)
            told = done.stderr.splitlines()
            assert done.returncode == 1, done
            assert "Permission denied" in told[0]
            assert "permissions" in told[1]
            assert "MLRUN_HOME" in told[1]
            assert len(told) == 2
    finally:
        mlrun.home.chmod(0o700)


def test_a_run_folder_without_permissions_stops_neither_pruning_nor_repair(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run\nRun.get_context().log('x', 1)\n")
    closed, other = mlrun.submit(), mlrun.submit()
    for run_id in (closed, other):
        mlrun.wait(run_id)
    mlrun.command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *mlrun.command]

    mlrun.run_folder(closed).chmod(0)
    pruned = mlrun.json("workspace", "prune", "--older-than", "0s", "--dry-run")
    assert sorted(pruned["runs"]) == sorted([closed, other])
    assert pruned["skipped"] == []

    mlrun.run_folder(closed).chmod(0)
    for file in mlrun.database.parent.glob("workspace.db*"):
        file.unlink()
    assert mlrun.json("workspace", "repair")["runs"] == 2
    assert mlrun.metrics(closed) == {"x": 1}


def test_a_fifo_among_the_journals_hangs_nobody(mlrun: Mlrun) -> None:
    mlrun.script(
        "import os\nfrom azureml.core import Run\nrun = Run.get_context()\n"
        "os.mkfifo(os.environ['MLRUN_RUN_FOLDER'] + '/journal/a.jsonl')\nrun.log('x', 1)\n"
    )

    run = mlrun.json("run", "submit-script", "train.py")

    assert run["status"] == "Completed"
    assert mlrun.metrics(run["run_id"]) == {"x": 1}


def test_no_line_of_a_journal_keeps_a_run_from_its_end(mlrun: Mlrun) -> None:
    lines = [
        '["m","x",1.0,null,0.25]',
        '["m","x",-1e300,null,0.5]',
        "[" * 200_000,
        '[">","\\ud800",["m","x",1.0,null,1]]',
        '["g",1.0,["ab"]]',
        '["t","table",1.0,null,5]',
        '["m","y",1.0,null,1]',
    ]
    mlrun.script("\n".join([*lines, ""]), "hand-1.jsonl")
    mlrun.script("import os, shutil\nshutil.copy('hand-1.jsonl', os.environ['MLRUN_RUN_FOLDER'] + '/journal')\n")

    run = mlrun.json("run", "submit-script", "train.py")

    assert run["status"] == "Completed"
    (warning,) = run["warnings"]
    assert warning["message"].startswith("5 damaged lines ")
    assert mlrun.metrics(run["run_id"]) == {"x": 0.25, "y": 1}


def test_a_process_that_cannot_be_killed_is_named_and_not_waited_for(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import subprocess, time
        other = subprocess.Popen(['setpriv', '--reuid', '65534', '--clear-groups', 'sleep', '90'])
        while open(f"/proc/{other.pid}/comm").read() != "sleep\\n":  # before that it can be killed
            time.sleep(0.01)
        """
    )
    mlrun.command = ["setpriv", "--bounding-set", "-kill", *mlrun.command]

    run = mlrun.json("run", "submit-script", "train.py")

    assert run["status"] == "Completed"
    (warning,) = run["warnings"]
    pid = int(warning["message"].rstrip(".").split()[-1])
    assert words_of(pid)[:1] == ["sleep"]
    os.kill(pid, signal.SIGKILL)


def test_a_run_whose_folder_is_damaged_leaves_the_others_visible(mlrun: Mlrun) -> None:
    mlrun.script("import time\ntime.sleep(60)\n")
    damaged, whole = mlrun.submit(), mlrun.submit()
    for run_id in (damaged, whole):
        mlrun.wait_for_status(run_id, "Running")
    for run_id in (damaged, whole):
        os.kill(mlrun.supervisor(run_id), signal.SIGKILL)
    subprocess.run(["rm", "-rf", mlrun.run_folder(damaged) / "artifacts"], check=True)

    statuses = until(lambda: [run["status"] for run in mlrun.json("run", "list")] == ["Failed", "Failed"] or None)

    assert statuses


def test_a_reader_that_looks_at_the_lock_does_not_make_a_dead_run_look_alive(mlrun: Mlrun) -> None:
    mlrun.script("import time\ntime.sleep(60)\n")
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    os.kill(mlrun.supervisor(run_id), signal.SIGKILL)
    lock = mlrun.run_folder(run_id) / "lock"
    with subprocess.Popen(["flock", "--shared", lock, "sleep", "0.5"]):
        time.sleep(0.1)
        assert mlrun.show(run_id)["status"] == "Failed"
