"""Processes outside of any submitted run that have runs open: how these end with them, and that nothing is lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import StoreUnavailable
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.faults.gates import away, locked, slow_recovery
from tests.running import COMMAND, LIVE, Mlrun, kill, service_error, until

_OPEN = """
import os, sys, time
from azureml.core import Experiment, Workspace
run = Experiment(Workspace.from_config(), "exp").start_logging()
print(run.id, flush=True)
"""
_NOTEBOOK = """
from types import SimpleNamespace as Part
shell = Part(last_execution_result=Part(error_before_exec=None, error_in_exec=None))  # as IPython's after a cell
sys.modules["IPython"] = Part(get_ipython=lambda: shell)
sys.last_value = OSError("an earlier cell")
"""
_MANY = """
import multiprocessing, sys, threading

def log(run, number):
    for value in range(8_000):
        run.log("x", number * 8_000 + value)

def log_in_threads(run, number):
    halves = [threading.Thread(target=lambda half=half: [
        run.log("x", number * 8_000 + value) for value in range(half * 4_000, (half + 1) * 4_000)
    ]) for half in (0, 1)]
    for thread in halves:
        thread.start()
    for thread in halves:
        thread.join()

if __name__ == "__main__":
    from azureml.core import Experiment, Run, Workspace
    run = Run.get_context()
    if not hasattr(run, "experiment"):
        run = Experiment(Workspace.from_config(), "exp").start_logging()
    print(run.id, flush=True)
    context = multiprocessing.get_context(sys.argv[1])
    run.log("x", -1)
    processes = [
        context.Process(target=log if number % 2 else log_in_threads, args=(run, number)) for number in range(8)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    values = run.get_metrics()["x"]
    print(len(values), sorted(values) == list(range(-1, 64_000)), flush=True)
    assert all(process.exitcode == 0 for process in processes)
    run.complete()
"""


def start(mlrun: Mlrun, code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a driver script in the attached folder."""
    path = mlrun.folder.parent / "driver.py"
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, str(path), *arguments],
        cwd=mlrun.folder,
        env=mlrun.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def first_line(process: subprocess.Popen[str]) -> str:
    """The id that a driver prints first."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, process.communicate()[1]
    return line


def journal_and_size(session: Path) -> tuple[str, int]:
    """The name of a session's only journal, and its size."""
    (journal,) = (session / "journal").iterdir()
    return journal.name, journal.stat().st_size


def sessions(mlrun: Mlrun) -> list[Path]:
    """The folders of the sessions there are."""
    return list((mlrun.database.parent / "sessions").iterdir())


@pytest.mark.kill
def test_a_driver_that_is_killed_leaves_a_failed_run_with_all_it_had_logged(mlrun: Mlrun) -> None:
    code = _OPEN + (
        "child = run.child_run()\n"
        "for number in range(8_000):\n"
        "    run.log('x', number)\n"
        "child.tag('a', 'b')\n"
        "print('all', flush=True)\n"
        "time.sleep(600)\n"
    )
    with start(mlrun, code) as driver:
        run_id = first_line(driver)
        assert first_line(driver) == "all"
        assert mlrun.show(run_id)["status"] == "Running"
        kill(driver.pid)
        driver.communicate()

    assert mlrun.stored_status(run_id) == "Running"
    record = mlrun.show(run_id)
    service_error(record, "SessionDied")
    assert mlrun.metrics(run_id) == {"x": list(range(8_000))}
    (child,) = mlrun.json("run", "list", "--parent-run-id", run_id)
    assert (child["status"], child["tags"]) == ("Failed", {"a": "b"})
    assert sessions(mlrun) == []


@pytest.mark.kill
def test_what_a_driver_had_logged_is_ingested_once_by_many_who_look(mlrun: Mlrun) -> None:
    with start(mlrun, _OPEN + "with open(0) as go: go.read()\n") as driver:
        run_id = first_line(driver)
        with locked(mlrun.database):
            # Nobody can ingest anything while the driver says this, and it dies before anybody could.
            journal = until(lambda: next(iter(mlrun.database.parent.glob("sessions/*/journal")), None))
            lines = [json.dumps([">", run_id, ["m", "x", 1.0, None, float(value)]]) for value in range(50_000)]
            (journal / "1-1-1.jsonl").write_text("\n".join(lines) + "\n", encoding="ascii")
            kill(driver.pid)
            driver.communicate()
    lookers = [mlrun.start("run", "show", "-r", run_id) for _ in range(6)]
    seen = {json.loads(looker.communicate()[0])["status"] for looker in lookers}
    assert seen <= {"Failed", "NotResponding"}
    assert mlrun.show(run_id)["status"] == "Failed"
    assert mlrun.metrics(run_id) == {"x": [float(value) for value in range(50_000)]}


@pytest.mark.kill
def test_who_looks_while_another_begins_to_recover_what_a_dead_driver_left_sees_the_truth(mlrun: Mlrun) -> None:
    with start(mlrun, _OPEN + "time.sleep(600)\n") as driver:
        run_id = first_line(driver)
        kill(driver.pid)
        driver.communicate()
    (session,) = sessions(mlrun)
    with slow_recovery(mlrun, session / "lock", run_id) as recovering:
        assert mlrun.show(run_id)["status"] == "Failed"
        assert json.loads(recovering.communicate()[0])["status"] == "Failed"


@pytest.mark.parametrize(
    ("ending", "status", "message"),
    [
        ("", "Completed", None),
        ("raise ValueError('bad data')", "Failed", "bad data"),
        ("os._exit(0)", "Failed", "The process that had this run open died before it ended the run."),
        ("os.fork() or (run.log('y', 2), os._exit(0)); os.wait()", "Completed", None),
        ("sys.excepthook = lambda *_: None\nraise ValueError('quiet')", "Failed", "quiet"),
        ("sys.exit(3)", "Failed", "3"),
        ("sys.exit()", "Completed", None),
        (
            "import glob\n(session,) = glob.glob(os.environ['MLRUN_HOME'] + '/workspaces/*/*/*/sessions/*')\n"
            "os.mkdir(f'{session}/ending.json')",  # stands in the way of writing down how the session ends
            "Completed",
            None,
        ),
        (_NOTEBOOK, "Completed", None),
        (f"{_NOTEBOOK}shell.last_execution_result.error_in_exec = ValueError('last')", "Failed", "last"),
        ("raise ValueError('half a pair: \\ud800')", "Failed", "half a pair: \\ud800"),
    ],
)
def test_an_open_run_ends_as_its_process_does(mlrun: Mlrun, ending: str, status: str, message: str | None) -> None:
    with start(mlrun, f"{_OPEN}run.log('x', 1)\n{ending}\n") as driver:
        run_id = first_line(driver)
        driver.communicate()
    record = mlrun.show(run_id)
    assert record["status"] == status
    assert (record.get("error") or {"error": {"message": None}})["error"]["message"] == message
    metrics = mlrun.metrics(run_id)
    assert metrics == ({"x": 1, "y": 2} if "fork" in ending else {"x": 1})
    assert sessions(mlrun) == []


def test_what_is_logged_while_the_interpreter_ends_is_kept(mlrun: Mlrun) -> None:
    # Registered before the first call of the SDK, so called after its own; no thread can be started with such a stack.
    late = "lambda: (threading.stack_size(1 << 46), run.log('late', 1))"
    code = f"import atexit, threading\natexit.register({late})\n{_OPEN}"
    with start(mlrun, code) as driver:
        run_id = first_line(driver)
        _, errors = driver.communicate()
    assert errors == ""
    assert mlrun.show(run_id)["status"] == "Completed"
    assert mlrun.metrics(run_id) == {"late": 1}


@pytest.mark.parametrize(("event", "called"), [("call", None), ("c_call", "write")])
def test_what_a_thread_is_logging_while_the_interpreter_ends_is_kept(
    mlrun: Mlrun, event: str, called: str | None
) -> None:
    # The thread stops with the journal in its hand, or its lock, until the session ends, or that waits for the thread.
    code = f"""
        import atexit, sys, threading, time
        from pathlib import Path
        atexit.register(lambda: thread.join())  # called last
        from azureml.core import Experiment, Workspace

        def stop(frame, event, function):
            if (event, frame.f_code.co_name, getattr(function, "__name__", None)) == ({event!r}, "append", {called!r}):
                sys.setprofile(None)
                stopped.set()
                deadline = time.monotonic() + 0.5
                while not list(Path(sys.argv[1]).glob("*/ending.json")) and time.monotonic() < deadline:
                    time.sleep(0.001)

        def log():
            sys.setprofile(stop)
            run.log("x", 2)

        run = Experiment(Workspace.from_config(), "exp").start_logging()
        run.log("x", 1)
        run.flush()
        stopped = threading.Event()
        thread = threading.Thread(target=log, daemon=True)
        thread.start()
        stopped.wait()
        print(run.id, flush=True)
        open(0).read()
    """
    with start(mlrun, code, str(mlrun.database.parent / "sessions")) as driver:
        run_id = first_line(driver)
        (session,) = sessions(mlrun)
        assert driver.stdin is not None
        with locked(mlrun.database):
            driver.stdin.close()
            until((session / "ending.json").exists)
        assert driver.stderr is not None
        assert driver.stderr.read() == ""
    assert mlrun.show(run_id)["status"] == "Completed"
    assert mlrun.metrics(run_id) == {"x": [1, 2]}
    assert sessions(mlrun) == []


def test_how_a_driver_ends_is_noted_without_the_secrets_that_its_exception_tells(mlrun: Mlrun) -> None:
    code = f"{_OPEN}os.environ['A_TOKEN'] = 'hunter2'\nopen(0).read()\nraise ValueError('bad hunter2, --key x')\n"
    with start(mlrun, code) as driver:
        run_id = first_line(driver)
        (session,) = sessions(mlrun)
        assert driver.stdin is not None
        with locked(mlrun.database):
            driver.stdin.close()
            until((session / "ending.json").exists)
            # The lines of the trace are the script's own text.
            assert "ValueError: bad ***, --key ***" in (session / "ending.json").read_text(encoding="utf-8")
    assert mlrun.show(run_id)["error"]["error"]["message"] == "bad ***, --key ***"


def test_a_driver_that_has_no_number_for_a_file_for_a_while_is_ingested_later(mlrun: Mlrun) -> None:
    code = _OPEN + textwrap.dedent("""
        import resource, threading

        def see(event, _):
            if event == "os.listdir" and threading.current_thread() is not threading.main_thread():
                looks.release()

        looks = threading.Semaphore(0)
        sys.addaudithook(see)
        run.log("x", 1)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        print([looks.acquire(timeout=20) for _ in range(3)], flush=True)
        os._exit(0)
    """)
    with start(mlrun, code) as driver:
        first_line(driver)
        assert driver.communicate() == ("[True, True, True]\n", "")


def test_a_signal_handler_may_log_and_ask_while_its_process_does(mlrun: Mlrun) -> None:
    # Into each call of the handler comes one more at most, however slow the machine is.
    code = _OPEN + textwrap.dedent("""
        import itertools, signal

        def wait_for_alarm():
            signal.setitimer(signal.ITIMER_REAL, 0.002)

        def handler(*_):
            global depth
            depth += 1
            if depth == 1:
                wait_for_alarm()
            number = next(numbers)
            run.log("y", number)
            run.get_tags()
            ended.append(number)
            depth -= 1
            if depth == 0:
                wait_for_alarm()

        numbers, ended, depth, count = itertools.count(), [], 0, 0
        signal.signal(signal.SIGALRM, handler)
        wait_for_alarm()
        while len(ended) < 200:
            run.log("x", count)
            count += 1
            run.get_status()
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(count, len(ended), flush=True)
    """)
    with start(mlrun, code) as driver:
        run_id = first_line(driver)
        output, errors = driver.communicate()
    assert errors == ""
    logged = [int(word) for word in output.split()]
    metrics = mlrun.metrics(run_id)
    assert [metrics["x"], sorted(metrics["y"])] == [list(range(number)) for number in logged]


def test_a_signal_handler_may_write_while_its_process_does(mlrun: Mlrun) -> None:
    code = _OPEN + textwrap.dedent("""
        import itertools, signal

        def handler(*_):
            run.add_properties({f"handler_{next(handled)}": "x"})

        handled, count = itertools.count(), 0
        signal.signal(signal.SIGALRM, handler)
        while count < 100:
            signal.setitimer(signal.ITIMER_REAL, 0.0002 * (count % 20 + 1))
            run.add_properties({f"main_{count}": "x"})
            count += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(next(handled), sum("main_" in key or "handler_" in key for key in run.get_properties()), flush=True)
    """)
    with start(mlrun, code) as driver:
        first_line(driver)
        output, errors = driver.communicate()
    assert errors == ""
    handled, written = map(int, output.split())
    assert handled and written == 100 + handled


def test_no_method_of_an_open_run_imports_a_module_that_a_signal_handler_may_need(mlrun: Mlrun) -> None:
    code = _OPEN + textwrap.dedent("""
        os.makedirs("folder")
        open("folder/file", "w").write("x")
        open("folder/large", "w").write("x" * 100_000)
        before = set(sys.modules)
        run.log("x", 1); run.log_list("l", [1]); run.log_row("r", a=1); run.log_table("t", {"a": [1]})
        run.log_image("i", path="folder/file")
        run.tag("a", "b"); run.set_tags({"c": "d"}); run.remove_tags(["c"]); run.add_properties({"p": "q"}); run.flush()
        run.get_tags(); run.get_properties(); run.get_status(); run.get_metrics(recursive=True); run.parent
        run.get_details_with_logs(); run.get_portal_url(); run.display_name
        run.upload_file("one", "folder/file"); run.upload_folder("all", "folder"); run.get_file_names()
        run.download_file("one", "two"); run.take_snapshot("folder"); run.restore_snapshot(path="restored")
        with run.child_run("of with") as child:
            child.log("y", 1)
        for child, error in zip(run.create_children(count=2), ["said", ValueError("raised")]):
            child.fail(error_details=error)
        run.child_run("cancelled").cancel()
        print(len(list(run.get_children())), len(list(run.experiment.get_runs())))
        run.complete()
        print(sorted(set(sys.modules) - before))
    """)
    with start(mlrun, code) as driver:
        first_line(driver)
        assert driver.communicate() == ("4 1\n[]\n", "")


def test_what_a_pool_of_processes_has_logged_is_there_when_it_has_answered(mlrun: Mlrun) -> None:
    code = """
        import multiprocessing
        from azureml.core import Experiment, Workspace

        def work(number):
            run.log("x", number)

        run = Experiment(Workspace.from_config(), "exp").start_logging()
        print(run.id, flush=True)
        run.log("x", -1)
        with multiprocessing.get_context("fork").Pool(4) as pool:
            for batch in range(3):
                pool.map(work, range(batch * 100, batch * 100 + 100))
                print(sorted(run.get_metrics()["x"]) == list(range(-1, batch * 100 + 100)), flush=True)
    """
    with start(mlrun, code) as driver:
        run_id = first_line(driver)
        assert driver.communicate() == ("True\n" * 3, "")
    assert sorted(mlrun.metrics(run_id)["x"]) == list(range(-1, 300))


def test_a_session_that_ended_but_is_still_there_counts_for_nothing_more(mlrun: Mlrun) -> None:
    with start(mlrun, f"{_OPEN}run.log('x', 1)\nrun.flush()\nprint('all', flush=True)\nopen(0).read()\n") as driver:
        run_id = first_line(driver)
        assert first_line(driver) == "all"
        (folder,) = sessions(mlrun)
        kept = folder.with_name(f".{folder.name}")
        shutil.copytree(folder, kept)
        driver.communicate("")
    assert sessions(mlrun) == [kept]
    # As it stands when its process dies after it has ended its runs, before it has removed its folder.
    mlrun.execute("INSERT INTO session_journals VALUES (?, ?)", *journal_and_size(kept))
    kept.rename(folder)
    assert mlrun.show(run_id)["status"] == "Completed"
    assert mlrun.metrics(run_id) == {"x": 1}
    assert sessions(mlrun) == []


@pytest.mark.kill
def test_a_session_that_is_half_removed_is_removed_by_who_looks_next(mlrun: Mlrun) -> None:
    with start(mlrun, f"{_OPEN}os.kill(os.getpid(), 9)\n") as driver:
        run_id = first_line(driver)
        driver.communicate()
    (session,) = sessions(mlrun)
    shutil.rmtree(session / "journal")
    mlrun("run", "list")
    assert mlrun.stored_status(run_id) == "Failed"
    assert sessions(mlrun) == []


@pytest.mark.kill
def test_a_prune_that_cannot_reconcile_a_dead_session_leaves_what_it_had_logged(mlrun: Mlrun) -> None:
    with start(mlrun, f"{_OPEN}run.log_list('x', [1, 2])\nos.kill(os.getpid(), 9)\n") as driver:
        run_id = first_line(driver)
        driver.communicate()
    (session,) = sessions(mlrun)
    os.utime(session, (0, 0))
    full = ("--trace=pwrite64", f"--trace-path={session / 'lock'}", "--inject=pwrite64:error=ENOSPC")
    mlrun.command = ["strace", "--output=/dev/null", *full, str(COMMAND)]
    assert mlrun.json("workspace", "prune", "--older-than", "30d", "--yes")["folders"] == 0
    mlrun.command = [str(COMMAND)]
    assert mlrun.metrics(run_id) == {"x": [1, 2]}


def test_what_lives_goes_on_while_its_workspace_is_away(mlrun: Mlrun) -> None:
    folder = mlrun.database.parent

    def look_while_it_is_away(workspace: Workspace) -> None:
        with away(folder):
            with pytest.raises(StoreUnavailable, match=re.escape(f" {folder} ")):
                reconcile(workspace)
            Workspace.open(workspace.locator, create=True, redactor=Redactor()).close()  # another in its place
            with pytest.raises(StoreUnavailable, match=re.escape(f" {folder} ")):
                reconcile(workspace)
            shutil.rmtree(folder)

    mlrun.script("import time\nprint('here', flush=True)\ntime.sleep(600)")
    submitted = mlrun.submit()
    until(lambda: mlrun.log(submitted))
    with (
        Workspace.connect(parse_locator(folder), redactor=Redactor()) as workspace,
        start(mlrun, f"input()\n{_OPEN}input()\n") as driver,
    ):
        look_while_it_is_away(workspace)
        assert driver.stdin is not None
        driver.stdin.write("\n")
        driver.stdin.flush()
        opened = first_line(driver)
        look_while_it_is_away(workspace)
        assert [mlrun.show(run_id)["status"] in LIVE for run_id in (submitted, opened)] == [True, True]
        driver.communicate("\n")


def test_what_a_script_has_open_fails_with_a_run_whose_folder_is_removed(mlrun: Mlrun) -> None:
    mlrun.script("""
        import time
        from azureml.core import Run
        print(Run.get_context().child_run().id, flush=True)
        time.sleep(600)
    """)
    run_id = mlrun.submit()
    child = until(lambda: mlrun.log(run_id).strip())
    kill(mlrun.supervisor(run_id))
    shutil.rmtree(mlrun.run_folder(run_id))
    assert mlrun.show(run_id)["status"] == "Failed"
    assert mlrun.show(child)["status"] == "Failed"


def test_more_processes_ask_than_a_supervisor_may_have_open_files(mlrun: Mlrun) -> None:
    mlrun.command = ["prlimit", "--nofile=128", *mlrun.command]
    mlrun.script("""
        import os
        from azureml.core import Run
        run = Run.get_context()
        read, write = os.pipe()
        for number in range(150):
            if os.fork() == 0:
                os.close(write)
                run.get_tags(), run.get_file_names()
                os.read(read, 1)  # keeps its connections until all have asked
                run.get_tags(), run.get_file_names()
                os._exit(0)
        os.close(write)
        print(all(os.wait()[1] == 0 for _ in range(150)))
    """)
    run_id = mlrun.submit()
    assert mlrun.wait(run_id)["status"] == "Completed", mlrun.log(run_id)
    assert mlrun.log(run_id) == "True\n"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_eight_processes_of_a_driver_lose_nothing_and_double_nothing(mlrun: Mlrun, method: str) -> None:
    with start(mlrun, _MANY, method) as driver:
        run_id = first_line(driver)
        output, errors = driver.communicate(timeout=120)
    assert (output, errors, driver.returncode) == ("64001 True\n", "", 0)
    assert mlrun.show(run_id)["status"] == "Completed"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_eight_processes_of_a_script_lose_nothing_and_double_nothing(mlrun: Mlrun, method: str) -> None:
    mlrun.script(_MANY)
    run_id = mlrun.submit("train.py", method)
    assert mlrun.wait(run_id)["status"] == "Completed", mlrun.log(run_id)
    assert mlrun.log(run_id).splitlines() == [run_id, "64001 True"]


@pytest.mark.kill
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_eight_processes_of_a_script_lose_nothing_when_the_supervisor_is_killed_half_way(
    mlrun: Mlrun, method: str
) -> None:
    counts = mlrun.folder.parent / "counts"
    counts.mkdir()
    mlrun.environment["COUNTS"] = str(counts)
    mlrun.script("""
        import multiprocessing, os, sys
        from azureml.core import Run

        def log(number):
            run = Run.get_context()
            count = os.open(f"{os.environ['COUNTS']}/{number}", os.O_WRONLY | os.O_CREAT, 0o600)
            for value in range(50_000):
                run.log(f"x{number}", value)
                os.pwrite(count, b"%d" % (value + 1), 0)

        if __name__ == "__main__":
            context = multiprocessing.get_context(sys.argv[1])
            processes = [context.Process(target=log, args=(number,)) for number in range(8)]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
    """)
    run_id = mlrun.submit("train.py", method)

    def acknowledged() -> list[int]:
        return [int(path.read_bytes() or b"0") for path in sorted(counts.iterdir())]

    until(lambda: len(acknowledged()) == 8 and min(acknowledged()) > 5_000)
    kill(mlrun.supervisor(run_id))
    record = mlrun.wait(run_id)
    assert record["status"] == "Failed"
    metrics: dict[str, list[Any]] = mlrun.metrics(run_id)
    for number, count in enumerate(acknowledged()):
        values = metrics[f"x{number}"]
        assert values == list(range(len(values)))
        assert len(values) - count in {0, 1}  # killed between the call and the count


@pytest.mark.kill
@pytest.mark.parametrize(
    ("ending", "status"),
    [("", "Completed"), ("raise SystemExit(3)", "Failed"), ("time.sleep(600)", "Failed"), ("cancel", "Canceled")],
)
def test_what_a_script_leaves_open_ends_as_its_run_does(mlrun: Mlrun, ending: str, status: str) -> None:
    mlrun.script(f"""
        import time
        from azureml.core import Run
        run = Run.get_context()
        child, other = run.create_children(count=2)
        child.log("x", 1)
        other.complete()
        print("here", flush=True)
        {"time.sleep(600)" if ending == "cancel" else ending}
    """)
    run_id = mlrun.submit()
    if ending == "cancel":
        until(lambda: mlrun.log(run_id))
        mlrun("run", "cancel", "-r", run_id)
    elif "sleep" in ending:
        until(lambda: mlrun.log(run_id))
        kill(mlrun.supervisor(run_id))
    assert mlrun.wait(run_id)["status"] == status
    children = mlrun.json("run", "list", "--parent-run-id", run_id)
    assert [child["status"] for child in children] == ["Completed", status]
    assert mlrun.metrics(children[1]["run_id"]) == {"x": 1}
