"""What a run takes along from its folder, and what stays with it."""

from __future__ import annotations

import os
import re
import socket
import subprocess

import pytest

from tests.acceptance.installed import run_count
from tests.running import Mlrun, until

WAIT = """
import os, time
print("started", flush=True)
while not os.path.exists(os.environ["GO"]):
    time.sleep(0.01)
"""
_LIST = """
import os
print(sorted(name for name in os.listdir(".") if name not in ("outputs", "logs") and name[0] != "."))
"""


def test_editing_the_folder_after_submit_changes_nothing(mlrun: Mlrun) -> None:
    mlrun.script(f"{WAIT}\nimport later; print(later.text, open('data.txt').read(), os.path.exists('gone.txt'))")
    mlrun.script("text = 'before'", "later.py")
    mlrun.script("before", "data.txt")
    mlrun.script("", "gone.txt")
    mlrun.environment["GO"] = str(mlrun.folder.parent / "go")
    run_id = mlrun.submit()
    mlrun.script("text = 'after'", "later.py")
    mlrun.script("after", "data.txt")
    (mlrun.folder / "gone.txt").unlink()
    mlrun.script("", "new.txt")
    until(lambda: "started" in mlrun.log(run_id))
    (mlrun.folder.parent / "go").touch()
    assert mlrun.wait(run_id)["status"] == "Completed"
    assert mlrun.log(run_id).splitlines()[-1] == "before before True"


def test_a_script_cannot_change_the_folder_or_a_later_run(mlrun: Mlrun) -> None:
    mlrun.script("print(open('data.txt').read()); open('data.txt', 'w').write('changed')")
    mlrun.script("mine", "data.txt")
    for _ in range(2):
        run = mlrun.json("run", "submit-script", "train.py")
        assert mlrun.log(run["run_id"]) == "mine\n"
        assert "data.txt" in mlrun.json("run", "files", "-r", run["run_id"])
    assert (mlrun.folder / "data.txt").read_text(encoding="utf-8") == "mine"


def test_what_the_script_wrote_stays_and_unchanged_copies_go(mlrun: Mlrun) -> None:
    mlrun.script("""
        import os
        os.makedirs("outputs/deep")
        open("outputs/deep/model", "w").write("model")
        open("new.txt", "w").write("new")
        open("changed.txt", "a").write("changed")
    """)
    mlrun.script("", "changed.txt")
    mlrun.script("x" * 1000, "sub/unchanged.txt")
    run = mlrun.json("run", "submit-script", "train.py")
    files = set(mlrun.json("run", "files", "-r", run["run_id"]))
    assert {"outputs/deep/model", "new.txt", "changed.txt"} <= files
    assert not files & {"train.py", "sub/unchanged.txt"}
    assert not list(mlrun.run_folder(run["run_id"]).rglob("unchanged.txt"))


def test_links_out_of_the_working_folder_are_not_followed_but_said(mlrun: Mlrun) -> None:
    mlrun.script("""
        import os
        from azureml.core import Run
        open("outputs/model", "w").write("model")
        os.symlink("model", "outputs/latest")
        os.symlink(os.environ["DISK"], "outputs/checkpoints")
        os.symlink(os.environ["DISK"] + "/epoch 1", "outputs/one")
        os.symlink(os.environ["DISK"] + "/epoch 1", "outputs/uploaded")
        Run.get_context().upload_file("outputs/uploaded", "outputs/uploaded")
    """)
    disk = mlrun.folder.parent / "disk"
    disk.mkdir()
    (disk / "epoch 1").touch()
    mlrun.environment["DISK"] = str(disk)
    run = mlrun.json("run", "submit-script", "train.py")
    files = mlrun.json("run", "files", "-r", run["run_id"])
    assert [name for name in files if name.startswith("outputs")] == [
        "outputs/latest",
        "outputs/model",
        "outputs/uploaded",
    ]
    (warning,) = run["warnings"]
    assert "outputs/checkpoints, outputs/one (2 links" in warning["message"]
    assert "upload_file" in warning["message"]


def test_outputs_of_a_failed_and_of_a_canceled_run_stay_too(mlrun: Mlrun) -> None:
    mlrun.script("""
        import sys, time
        open("outputs/checkpoint", "w").write("half")
        print("started", flush=True)
        if sys.argv[1] == "fail":
            sys.exit(1)
        time.sleep(600)
    """)
    failed = mlrun.submit("train.py", "fail")
    canceled = mlrun.submit("train.py", "wait")
    until(lambda: "started" in mlrun.log(canceled))
    mlrun("run", "cancel", "-r", canceled)
    for run_id, status in ((failed, "Failed"), (canceled, "Canceled")):
        assert mlrun.wait(run_id)["status"] == status
        assert "outputs/checkpoint" in mlrun.json("run", "files", "-r", run_id)


def test_equal_folders_have_equal_snapshots(mlrun: Mlrun) -> None:
    mlrun.script("")

    def snapshot_id() -> str:
        properties = mlrun.json("run", "submit-script", "train.py")["properties"]
        return str(properties["ContentSnapshotId"])

    first = snapshot_id()
    assert snapshot_id() == first
    mlrun.script("pass")
    assert snapshot_id() != first


def test_what_attach_leaves_out_are_the_outputs_at_the_top_alone(mlrun: Mlrun) -> None:
    packages = ("src/docs/part.py", "src/outputs/part.py", "src/logs/part.py")
    for path in ("outputs/model", "logs/log", *packages, "docs/guide.md", "outputs.py"):
        mlrun.script("", path)
    mlrun.script("""
        import os
        print(sorted(os.path.join(top, name)[2:] for top, _, names in os.walk(".") for name in names))
    """)
    run_id = mlrun.ended()["run_id"]
    kept = ["docs/guide.md", "outputs.py", *sorted(packages), "train.py"]
    assert mlrun.log(run_id) == f"{['.amlignore', *kept]}\n"


def test_amlignore_and_else_gitignore_say_what_stays_behind(mlrun: Mlrun) -> None:
    mlrun.script(_LIST)
    mlrun.script("", "a.txt")
    mlrun.script("", "b.txt")
    (mlrun.folder / ".gitignore").write_text("a.txt\n", encoding="utf-8")
    (mlrun.folder / ".amlignore").write_text("b.txt\n.*\n", encoding="utf-8")
    rules = mlrun.json("run", "submit-script", "--dry-run", "train.py")["snapshot"]["ignore_file"]
    assert rules == ".amlignore"
    assert mlrun.log(mlrun.json("run", "submit-script", "train.py")["run_id"]) == "['a.txt', 'train.py']\n"
    (mlrun.folder / ".amlignore").unlink()
    seen = mlrun.log(mlrun.json("run", "submit-script", "train.py")["run_id"])
    assert "b.txt" in seen
    assert "a.txt" not in seen


def test_too_many_files_are_refused_with_the_line_to_add(mlrun: Mlrun) -> None:
    mlrun.script("")
    (mlrun.folder / "data set").mkdir()
    for number in range(2001):
        (mlrun.folder / "data set" / f"{number}.csv").touch()
    told = mlrun.fails("run", "submit-script", "train.py")
    assert told.code == "SnapshotTooLarge"
    assert re.search(r"\bdata set/ \(.*\b2,?001 files\)", told.text)
    assert ".amlignore" in told.text
    assert run_count(mlrun) == 0
    command = told.text.splitlines()[1].partition(": ")[2].partition("   (")[0]
    subprocess.run(["bash", "-c", command], cwd=mlrun.folder, check=True)
    assert mlrun.json("run", "submit-script", "train.py")["status"] == "Completed"


def test_too_many_bytes_are_refused_and_the_limit_can_be_set(mlrun: Mlrun) -> None:
    mlrun.script("")
    with open(mlrun.folder / "huge.bin", "wb") as file:
        file.truncate(301 * 1024 * 1024)
    told = mlrun.fails("run", "submit-script", "train.py")
    assert told.code == "SnapshotTooLarge"
    assert "huge.bin" in told.text
    assert "MLRUN_SNAPSHOT_MAX_MB" in told.text
    assert run_count(mlrun) == 0
    with open(mlrun.folder / "huge.bin", "wb") as file:
        file.truncate(2 * 1024 * 1024)
    mlrun.environment["MLRUN_SNAPSHOT_MAX_MB"] = "1"
    mlrun.fails("run", "submit-script", "train.py")


def test_what_is_no_file_is_named_and_never_hung_on(mlrun: Mlrun) -> None:
    mlrun.script(_LIST)
    os.mkfifo(mlrun.folder / "fifo")
    (mlrun.folder / "loop").symlink_to("loop")
    (mlrun.folder / "round").symlink_to(".")
    (mlrun.folder / "out").symlink_to("/etc")
    (mlrun.folder / "dangling").symlink_to("nowhere")
    (mlrun.folder / "inside.py").symlink_to("train.py")
    with socket.socket(socket.AF_UNIX) as server:
        descriptor = os.open(mlrun.folder, os.O_DIRECTORY)
        server.bind(f"/proc/self/fd/{descriptor}/socket")
        os.close(descriptor)
        done = mlrun("run", "submit-script", "train.py")
    told = next(line for line in done.stderr.splitlines() if "Left out" in line)
    for name in ("fifo", "loop", "out"):
        assert name in told
    assert "['inside.py', 'train.py']" in done.stderr.replace("'.amlignore', ", "")


def test_a_home_inside_the_folder_is_left_out(mlrun: Mlrun) -> None:
    mlrun.script("import os; print(os.listdir('.'))")
    mlrun.environment["MLRUN_HOME"] = str(mlrun.folder / "runs of mine")
    mlrun.home = mlrun.folder / "runs of mine"
    for _ in range(2):
        done = mlrun("run", "submit-script", "train.py")
        assert "runs of mine'" not in done.stderr


def test_a_git_work_tree_is_told_of_in_the_properties(mlrun: Mlrun) -> None:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *words]
        done = subprocess.run(
            command, cwd=mlrun.folder, env=mlrun.environment, check=True, capture_output=True, encoding="utf-8"
        )
        return done.stdout.strip()

    mlrun.script("")
    git("init", "-q", "-b", "topic/näme")
    git("remote", "add", "origin", "git@github.com:owner/repository.git")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    commit = git("rev-parse", "HEAD")
    clean = mlrun.json("run", "submit-script", "train.py")["properties"]
    assert (
        clean.items()
        >= {
            "azureml.git.repository_uri": "git@github.com:owner/repository.git",
            "azureml.git.branch": "topic/näme",
            "azureml.git.commit": commit,
            "azureml.git.dirty": "False",
            "mlflow.source.git.repoURL": "git@github.com:owner/repository.git",
            "mlflow.source.git.branch": "topic/näme",
            "mlflow.source.git.commit": commit,
        }.items()
    )
    mlrun.script("pass")
    assert mlrun.json("run", "submit-script", "train.py")["properties"]["azureml.git.dirty"] == "True"
    (mlrun.folder / ".git" / "index").write_bytes(b"damaged")
    unknown = mlrun.json("run", "submit-script", "train.py")["properties"]
    assert unknown["azureml.git.commit"] == commit and "azureml.git.dirty" not in unknown


@pytest.mark.parametrize("where", ["sub", "."])
def test_a_source_directory_is_all_that_goes_along(mlrun: Mlrun, where: str) -> None:
    mlrun.script(_LIST, "sub/train.py")
    mlrun.script("", "beside.py")
    script = "train.py" if where == "sub" else "sub/train.py"
    done = mlrun("run", "submit-script", "--source-directory", where, script)
    assert ("['train.py']" if where == "sub" else "['beside.py', 'sub']") in done.stderr


def test_a_folder_above_is_found_from_below(mlrun: Mlrun) -> None:
    mlrun.script("print('here')", "deep/er/train.py")
    done = subprocess.run(
        [*mlrun.command, "run", "submit-script", "train.py"],
        cwd=mlrun.folder / "deep" / "er", env=mlrun.environment, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert "here\n" in done.stderr


def test_without_other_options_the_files_are_listed(mlrun: Mlrun) -> None:
    mlrun.script("")
    run_id = mlrun.ended()["run_id"]
    listed = mlrun.json("run", "snapshot", "-r", run_id)
    assert "train.py" in [each["path"] for each in listed]
    assert listed == mlrun.json("run", "snapshot", "-r", run_id, "--list")
    assert mlrun.fails("run", "snapshot", "-r", run_id, "--list", "--cat", "train.py").code == "ConflictingOptions"
