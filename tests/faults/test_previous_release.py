"""Runs of the last release that live on while this one is installed in its place."""

from __future__ import annotations

import os
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.faults.gates import Fifo, GatedBuild
from tests.faults.wheels import build_wheel_of_commit, install, make_environment
from tests.running import Mlrun, kill, service_error, until, words_of
from tests.sharing import make_once

RELEASE = "8058695"
"""The commit of the last release, 0.1.0."""

Upgrade = Callable[[], None]

SCRIPT = """
    import os, time
    from concurrent.futures import ThreadPoolExecutor
    from azureml.core import Dataset, Model, Run
    from azureml.exceptions import ModelNotFoundException

    run = Run.get_context()
    run.log("x", 1)
    child = run.child_run("before")
    child.log("y", 1)
    print("here", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    run.log("x", 2)
    child.log("y", 2)
    child.complete()
    run.tag("seen", str(run.get_metrics()["x"]))
    run.add_properties({"written": "late"})
    with run.child_run("after") as later:
        later.log("z", 3)
    workspace = run.experiment.workspace
    print(workspace.name, sorted(other.name for other in run.get_children()), flush=True)
    with ThreadPoolExecutor(4) as pool:
        print(list(pool.map(lambda _: len(list(run.get_children())), range(4))), flush=True)
    with open("outputs/model.txt", "w") as file:
        file.write("weights")
    run.upload_file("outputs/kept.txt", "outputs/model.txt")
    print(run.register_model("digits", "outputs/model.txt").version, flush=True)
    print(Dataset.get_all(workspace), sorted(workspace.experiments), sorted(workspace.compute_targets), flush=True)
    try:
        Model(workspace, "none")
    except ModelNotFoundException as error:
        print(type(error).__name__, flush=True)
    run.flush()
"""
WAITING_SCRIPT = """
    import os, time
    from azureml.core import Run

    run = Run.get_context()
    run.log("x", 1)
    print("here", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    run.log("x", 2)
"""
SESSION = """
    import sys
    from azureml.core import Experiment, Model, Workspace
    {before}
    print("here", flush=True)
    sys.stdin.readline()
    {after}
    run.log("x", 2)
    run.tag("seen", str(run.get_metrics()["x"]))
    Model.register(run.experiment.workspace, __file__, "driver")
    run.complete()
    print(run.id, flush=True)
"""
OPEN = 'run = Experiment(Workspace.from_config(), "exp").start_logging(); run.log("x", 1); run.get_status()'


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the last release."""
    folder = make_once(tmp_path_factory, "release", partial(build_wheel_of_commit, RELEASE))
    built = next(folder.glob("*.whl"), None)
    if built is None:
        pytest.skip(f"the history of this tree does not have the commit {RELEASE} of the last release")
    return built


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """The command of the last release, with a home that it has made."""
    command = Mlrun(tmp_path, attach=False)
    command.command = [str(tmp_path / "venv" / "bin" / "mlrun")]
    yield command
    command.close()


@pytest.fixture
def python(mlrun: Mlrun, release: Path, tmp_path: Path) -> Path:
    """The interpreter of the command's environment."""
    python = make_environment(tmp_path / "venv")
    install(python, release)
    mlrun("folder", "attach", "-e", "exp")
    assert mlrun("--version").stdout == "mlrun-cli 0.1.0\n"
    return python


@pytest.fixture
def upgrade(mlrun: Mlrun, python: Path, wheel: Path) -> Upgrade:
    """Install this release in place of the last one, and look at the store with it."""

    def put_in_place() -> None:
        install(python, wheel)
        mlrun("run", "list")

    return put_in_place


def submit_and_wait(mlrun: Mlrun, *words: str) -> str:
    """Submit `train.py` and wait until its script waits for the file `go`."""
    run_id = mlrun.submit(*words, "train.py")
    until(lambda: mlrun.run_folder(run_id).joinpath("artifacts/user_logs/std_log.txt").exists() and mlrun.log(run_id))
    return run_id


def let_go(mlrun: Mlrun, run_id: str) -> None:
    """Have the script of a run go on."""
    (mlrun.run_folder(run_id) / "work" / "go").touch()


def check_logged(mlrun: Mlrun, run_id: str) -> None:
    """Check that a run of `WAITING_SCRIPT` has come to its good end."""
    assert mlrun.wait(run_id)["status"] == "Completed", mlrun.log(run_id)
    assert mlrun.metrics(run_id) == {"x": [1, 2]}


def test_a_script_logs_and_asks_on(mlrun: Mlrun, upgrade: Upgrade) -> None:
    mlrun.script(SCRIPT)
    mlrun.script("", "nothing.py")
    earlier = mlrun.ended("nothing.py", "--lr", "0.3")["run_id"]
    run_id = submit_and_wait(mlrun)

    upgrade()
    assert mlrun.show(run_id)["status"] == "Running"
    assert mlrun.show(earlier)["parameters"] == {"lr": 0.3}
    assert mlrun.stored("SELECT name FROM run_parameters") == []
    assert [run["run_id"] for run in mlrun.json("run", "list", "--search", "lr=0.3")] == [earlier]
    assert mlrun.stored("SELECT name, sort_value FROM run_parameters") == [("lr", 0.3)]
    let_go(mlrun, run_id)

    record = mlrun.wait(run_id)
    assert record["status"] == "Completed", mlrun.log(run_id)
    assert record["tags"] == {"seen": "[1, 2]"}
    assert record["properties"]["written"] == "late"
    assert mlrun.log(run_id).splitlines() == [
        "here",
        f"{mlrun.database.parent.name} ['after', 'before']",
        "[2, 2, 2, 2]",
        "1",
        "{} ['exp'] []",
        "ModelNotFoundException",
    ]
    assert mlrun.metrics(run_id) == {"x": [1, 2]}
    children = {child["display_name"]: child for child in mlrun.json("run", "list", "--parent-run-id", run_id)}
    assert {name: child["status"] for name, child in children.items()} == {"before": "Completed", "after": "Completed"}
    assert mlrun.metrics(children["before"]["run_id"]) == {"y": [1, 2]}
    assert mlrun.metrics(children["after"]["run_id"]) == {"z": 3}
    assert {"outputs/kept.txt", "outputs/model.txt"} <= set(mlrun.json("run", "files", "-r", run_id))


def test_a_run_of_before_submits_a_child_run(mlrun: Mlrun, upgrade: Upgrade) -> None:
    mlrun.script("from azureml.core import Run\nRun.get_context().log('x', 7)\n", "child.py")
    mlrun.script("""
        import os, time
        from azureml.core import Run, ScriptRunConfig

        assert list(Run.get_context().get_children()) == []
        print("here", flush=True)
        while not os.path.exists("go"):
            time.sleep(0.01)
        child = Run.get_context().submit_child(ScriptRunConfig(".", script="child.py"))
        child.wait_for_completion(raise_on_error=True)
        print(child.id, child.get_metrics(), flush=True)
    """)
    run_id = submit_and_wait(mlrun)

    upgrade()
    let_go(mlrun, run_id)

    assert mlrun.wait(run_id)["status"] == "Completed", mlrun.log(run_id)
    (child,) = mlrun.json("run", "list", "--parent-run-id", run_id)
    assert child["status"] == "Completed"
    assert mlrun.log(run_id).splitlines() == ["here", f"{child['run_id']} {{'x': 7}}"]


@pytest.mark.kill
@pytest.mark.parametrize("dispatcher", ["lives on", "is killed"])
def test_a_queue_goes_on(mlrun: Mlrun, upgrade: Upgrade, dispatcher: str) -> None:
    mlrun.script(WAITING_SCRIPT)
    mlrun("computetarget", "create", "amlcompute", "-n", "single", "--max-nodes", "1")
    first = submit_and_wait(mlrun, "--ct", "single")
    second = mlrun.submit("--ct", "single", "train.py")
    old = mlrun.programs("dispatch.py")

    upgrade()
    if dispatcher == "is killed":
        kill(*old, *mlrun.programs("fork_server.py"))
        # Nobody looks: it is the supervisor of the first run that starts one.
        until(lambda: mlrun.programs("dispatcher.py"))
    third = mlrun.submit("--ct", "single", "train.py")
    for run_id in (first, second, third):
        mlrun.wait_for_status(run_id, "Running")
        let_go(mlrun, run_id)
        check_logged(mlrun, run_id)
    assert len(old) == 1


@pytest.mark.parametrize(("before", "after"), [(OPEN, ""), ("", OPEN)], ids=["opened", "loaded"])
def test_a_session_goes_on(
    mlrun: Mlrun, python: Path, upgrade: Upgrade, before: str, after: str, tmp_path: Path
) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(textwrap.dedent(SESSION).format(before=before, after=after), encoding="utf-8")
    with started(mlrun, str(python), str(driver)) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == "here\n"
        upgrade()
        output, errors = session.communicate("\n", timeout=180)
    assert (session.returncode, errors) == (0, "")
    run_id = output.splitlines()[-1]
    record = mlrun.show(run_id)
    assert (record["status"], record["tags"]) == ("Completed", {"seen": "[1, 2]"})
    assert mlrun.metrics(run_id) == {"x": [1, 2]}
    assert [model["name"] for model in mlrun.json("model", "list")] == ["driver"]


def test_an_environment_is_built_for_a_supervisor_of_before(
    mlrun: Mlrun, python: Path, upgrade: Upgrade, tmp_path: Path
) -> None:
    mlrun.script(WAITING_SCRIPT)
    build = GatedBuild(mlrun, tmp_path / "package")
    mlrun("computetarget", "create", "amlcompute", "-n", "single", "--max-nodes", "1")
    holder = submit_and_wait(mlrun, "--ct", "single")
    preparing = mlrun.submit("-d", "gated.yml", "train.py")
    build.wait()
    (tmp_path / "package" / "reached").unlink()  # else it would be another environment
    starting = mlrun.submit("--ct", "single", "-d", "gated.yml", "train.py")
    submission = Fifo(mlrun.run_folder(starting) / "submission.json")
    let_go(mlrun, holder)
    check_logged(mlrun, holder)
    supervisor = mlrun.supervisor(starting)
    assert words_of(supervisor)[0] == str(python)

    upgrade()
    submission.let_through()
    mlrun.wait_for_status(starting, "Preparing")
    until(lambda: [pid for pid in mlrun.processes(starting) if "mlrun_cli.environments" in words_of(pid)])
    build.open()

    for run_id in (preparing, starting):
        assert mlrun.wait_for_status(run_id, "Running", "Failed") == "Running", mlrun.show(run_id)["error"]
        let_go(mlrun, run_id)
        check_logged(mlrun, run_id)
    assert len(mlrun.json("environment", "list", "--built")) == 1


def test_a_cancel_is_obeyed(mlrun: Mlrun, upgrade: Upgrade) -> None:
    mlrun.script(WAITING_SCRIPT)
    run_id = submit_and_wait(mlrun)

    upgrade()
    mlrun("run", "cancel", "-r", run_id)

    assert mlrun.wait(run_id)["status"] == "Canceled"
    assert mlrun.metrics(run_id) == {"x": 1}
    assert not mlrun.processes(run_id)


@pytest.mark.kill
def test_a_run_whose_supervisor_is_killed_is_recovered(mlrun: Mlrun, upgrade: Upgrade) -> None:
    mlrun.script(SCRIPT)
    run_id = submit_and_wait(mlrun)

    upgrade()
    kill(mlrun.supervisor(run_id))

    record = mlrun.show(run_id)
    assert service_error(record, "SupervisorDied").endswith(" ran.")
    assert mlrun.metrics(run_id) == {"x": 1}
    (child,) = mlrun.json("run", "list", "--parent-run-id", run_id)
    assert child["status"] == "Failed"
    assert mlrun.metrics(child["run_id"]) == {"y": 1}
    assert not mlrun.processes(run_id)


@contextmanager
def started(mlrun: Mlrun, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Have a program run in the attached folder; killed at the latest at the end of the block."""
    with subprocess.Popen(
        words,
        cwd=mlrun.folder,
        env={**mlrun.environment, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.kill(process.pid, 9)


def test_handles_that_it_has_pickled_are_read(mlrun: Mlrun, python: Path, upgrade: Upgrade) -> None:
    run = """
        import pickle, sys
        from azureml.core import Experiment, Workspace

        run = Experiment(Workspace.from_config(), "exp").start_logging()
        run.log("x", 1)
        run.complete()
        print(run.id)
        pickle.dump([run, run.experiment, run.experiment.workspace], open("handles", "wb"))
    """
    run_id = subprocess.check_output([python, "-c", textwrap.dedent(run)], cwd=mlrun.folder, env=mlrun.environment)

    upgrade()
    read = """
        import pickle

        run, experiment, workspace = pickle.load(open("handles", "rb"))
        print([run.id, run.get_metrics(), [each.id for each in experiment.get_runs()], list(workspace.experiments)])
    """
    name = run_id.decode().strip()
    seen = subprocess.check_output([python, "-c", textwrap.dedent(read)], cwd=mlrun.folder, env=mlrun.environment)
    assert seen.decode() == f"{[name, {'x': 1}, [name], ['exp']]}\n"
