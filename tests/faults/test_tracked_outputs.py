"""The outputs of runs without a script are kept with them, however their process ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun, kill, until
from tests.sdk.driving import BEGINNING, drive

OPEN = """
import os, sys
from azureml.core import Experiment
ws = Workspace.from_config()
experiment = Experiment(ws, "exp")

def write(name, text="text"):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    with open(name, "w") as file:
        file.write(text)
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    yield one
    one.close()


def outputs(mlrun: Mlrun, run_id: str) -> list[str]:
    """The names of a run's files."""
    names: list[str] = mlrun.json("run", "files", "-r", run_id) or []
    return names


def test_outputs_of_the_working_folder_are_kept_when_a_run_is_completed(mlrun: Mlrun) -> None:
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        assert mlrun.run(*git, *words).returncode == 0
    (mlrun.folder.parent / "elsewhere.txt").write_text("of elsewhere", encoding="utf-8")
    drive(
        mlrun,
        OPEN
        + """
write("outputs/before.txt")
run = experiment.start_logging(run_id="by-default")
assert os.path.isdir("outputs")
write("outputs/deep/model.pkl")
os.symlink(os.path.abspath("../elsewhere.txt"), "outputs/linked.txt")
os.symlink("..", "outputs/circle")
run.upload_file("outputs/model.pkl", "outputs/deep/model.pkl")
write("outputs/model.pkl", "later than what was uploaded")
same(run.get_file_names(), ["outputs/model.pkl"])
run.complete()
names = [name for name in run.get_file_names() if "circle" not in name]
same(names, ["outputs/before.txt", "outputs/deep/model.pkl", "outputs/linked.txt", "outputs/model.pkl"])
for name, text in (("linked.txt", "of elsewhere"), ("model.pkl", "text")):
    run.download_file("outputs/" + name, "got.txt")
    same(open("got.txt").read(), text)
assert run.get_snapshot_id() and run.get_properties()["azureml.git.commit"], run.get_properties()

run = experiment.start_logging(outputs="results", snapshot_directory=None, run_id="named")
write("results/metrics.json")
run.fail("no data")
same((run.get_file_names(), run.status), (["outputs/metrics.json"], "Failed"))
properties = run.get_properties()
assert "ContentSnapshotId" not in properties and properties["azureml.git.branch"], properties

for off in (None, False):
    run = experiment.start_logging(outputs=off, snapshot_directory=None)
    run.complete()
    same(run.get_file_names(), [])
refused(UserErrorException, "path of a folder; int", experiment.start_logging, outputs=3)

os.environ["MLRUN_SNAPSHOT_MAX_FILES"] = "1"
refused(SnapshotException, "too large; Or pass snapshot_directory=None", experiment.start_logging, run_id="refused")
""",
    )
    assert "outputs/linked.txt" in outputs(mlrun, "by-default")
    assert mlrun("run", "show", "-r", "refused", check=False).returncode == 3


def test_a_folder_that_cannot_be_made_and_files_that_cannot_be_kept_are_named_and_end_nothing(mlrun: Mlrun) -> None:
    code = (
        BEGINNING
        + OPEN
        + """
write("outputs")
run = experiment.start_logging(snapshot_directory=None)
run.log("x", 1)
run.complete()
same((run.status, run.get_file_names()), ("Completed", []))
write("results/a/b")
write("results/c")
run = experiment.start_logging(outputs="results", snapshot_directory=None, run_id="half")
run.upload_file("outputs/a", "results/c")
run.complete()
same((run.status, run.get_file_names()), ("Completed", ["outputs/a", "outputs/c"]))
"""
    )
    done = mlrun.run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    first, second = done.stderr.splitlines()
    assert f"{mlrun.folder}/outputs " in first and "(File exists)" in first
    assert "/results/a/b (" in second
    assert [warning["message"] for warning in mlrun.show("half")["warnings"]] == [second]


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("pass", "Completed"),
        ("raise ValueError('no data')", "Failed"),
        ("sys.exit(3)", "Failed"),
        ("os.kill(os.getpid(), 9)", "Failed"),
        ("os._exit(0)", "Failed"),
    ],
)
def test_outputs_are_kept_however_the_process_ends(mlrun: Mlrun, ending: str, status: str) -> None:
    code = f"""
run = experiment.start_logging(run_id="left", snapshot_directory=None)
write("outputs/checkpoint", "half")
child = run.child_run(run_id="below", outputs="of-the-child")
write("of-the-child/inner/part")
if os.fork() == 0:
    write("outputs/of-the-fork")
    os._exit(0)
os.wait()
{ending}
"""
    mlrun.run(sys.executable, "-c", BEGINNING + OPEN + code)
    assert mlrun.show("left")["status"] == status
    assert outputs(mlrun, "left") == ["outputs/checkpoint", "outputs/of-the-fork"]
    assert outputs(mlrun, "below") == ["outputs/inner/part"]
    assert list((mlrun.database.parent / "sessions").iterdir()) == []


def test_a_session_that_is_killed_while_it_keeps_outputs_has_them_kept_by_the_next_look(mlrun: Mlrun) -> None:
    code = """
run = experiment.start_logging(run_id="half", snapshot_directory=None)
for number in range(200):
    write("outputs/%03d" % number, "x" * 1000)
print("ready", flush=True)
sys.stdin.readline()
run.complete()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", BEGINNING + OPEN + code],
        cwd=mlrun.folder,
        env=mlrun.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()
    kept = mlrun.run_folder("half") / "uploads" / "outputs"
    until(lambda: kept.is_dir() and list(kept.iterdir()))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert mlrun.show("half")["status"] in {"Completed", "Failed"}
    assert outputs(mlrun, "half") == [f"outputs/{number:03}" for number in range(200)]
    assert {path.stat().st_size for path in kept.iterdir()} == {1000}
    assert not list(mlrun.run_folder("half").rglob(".*"))  # nothing unfinished


def test_outputs_of_what_a_script_has_left_open_are_kept_when_all_of_it_is_killed(mlrun: Mlrun) -> None:
    mlrun.script("""
        import os, time
        from azureml.core import Run
        child = Run.get_context().child_run(run_id="below", outputs="of-the-child")
        os.makedirs("of-the-child/deep")
        with open("of-the-child/deep/part", "w") as file:
            file.write("part")
        print("started", flush=True)
        time.sleep(600)
    """)
    run_id = mlrun.submit()
    until(lambda: "started" in mlrun.log(run_id))
    kill(mlrun.supervisor(run_id))
    assert mlrun.show(run_id)["status"] == "Failed"
    assert mlrun.show("below")["status"] == "Failed"
    assert outputs(mlrun, "below") == ["outputs/deep/part"]


def test_a_run_that_was_deleted_meanwhile_stays_so(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        OPEN
        + """
import subprocess
run = experiment.start_logging(run_id="gone", snapshot_directory=None)
write("outputs/a")
run.cancel()
done = subprocess.run([sys.executable.replace("python", "mlrun"), "run", "delete", "-r", "gone", "--yes"],
                      capture_output=True, text=True)
same((done.returncode, done.stderr), (0, ""))
""",
    )
    assert not mlrun.run_folder("gone").exists()


@pytest.mark.parametrize("garbage", ["a folder", "another document"])
def test_a_run_ends_though_what_is_written_of_its_outputs_is_garbage(mlrun: Mlrun, garbage: str) -> None:
    mlrun.script("""
        import time
        from azureml.core import Run
        Run.get_context().child_run(run_id="below", outputs="of-the-child")
        print("started", flush=True)
        time.sleep(600)
    """)
    run_id = mlrun.submit()
    until(lambda: "started" in mlrun.log(run_id))
    record = mlrun.run_folder(run_id) / "tracked" / "below"
    record.unlink()
    if garbage == "a folder":
        record.mkdir()
    else:
        record.write_text("{}", encoding="utf-8")
    mlrun("run", "cancel", "-r", run_id)
    assert mlrun.wait(run_id)["status"] == "Canceled"
    (warning,) = mlrun.show("below")["warnings"]
    assert f": {record} " in warning["message"]
