"""`workspace prune`: what goes, what stays, and that nothing live is touched."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.snapshots.pruning import prevent_pruning
from tests.acceptance.terminal import Terminal
from tests.running import Mlrun, until

DAY = 86_400


def make_old(mlrun: Mlrun, run_id: str, days: int = 40) -> None:
    """Have a run, and what is kept of it, look as if it had ended so long ago."""
    back = days * DAY * MICROSECONDS
    with closing(sqlite3.connect(mlrun.database, timeout=30.0, isolation_level=None)) as connection:
        change = "UPDATE runs SET created_at = created_at - ?, ended_at = ended_at - ? WHERE run_id = ?"
        connection.execute(change, (back, back, run_id))
    make_files_old(mlrun.database.parent / "snapshots", days)


def make_files_old(folder: Path, days: int) -> None:
    moment = time.time() - days * DAY
    for path in folder.rglob("*"):
        os.utime(path, (moment, moment), follow_symlinks=False)


def prune(mlrun: Mlrun, *words: str) -> dict[str, Any]:
    pruned: dict[str, Any] = mlrun.json("workspace", "prune", "--older-than", "30d", "--yes", *words)
    return pruned


def contents(mlrun: Mlrun) -> set[str]:
    return {path.name for path in (mlrun.database.parent / "snapshots" / "objects").glob("*/*")}


def test_old_runs_go_with_all_that_was_kept_for_them_alone(mlrun: Mlrun) -> None:
    mlrun.script("print('old')")
    mlrun.script("shared", "shared.txt")
    old = mlrun.json("run", "submit-script", "train.py")["run_id"]
    mlrun.script("print('new')")
    new = mlrun.json("run", "submit-script", "train.py")["run_id"]
    make_old(mlrun, old)
    assert len(contents(mlrun)) >= 3

    with Terminal(mlrun, [*mlrun.command, "workspace", "prune", "--older-than", "30d"], columns=240) as terminal:
        terminal.wait_for("Remove for good 1 run of workspace 'default' that ended before 20")
        terminal.wait_for(" KB in all?")
    would = prune(mlrun, "--dry-run")
    assert (would["runs"], would["snapshots"], would["contents"], would["dryRun"]) == ([old], 1, 1, True)
    assert mlrun.run_folder(old).exists()
    done = prune(mlrun)

    assert {name: done[name] for name in ("runs", "snapshots", "contents")} == {
        name: would[name] for name in ("runs", "snapshots", "contents")
    }
    assert not mlrun.run_folder(old).exists()
    assert [run["run_id"] for run in mlrun.json("run", "list")] == [new]
    mlrun("run", "download", "-r", new, "user_logs", "-d", "logs")
    assert mlrun.json("run", "submit-script", "train.py")["status"] == "Completed"
    assert prune(mlrun)["runs"] == []


def test_an_old_parent_stays_as_long_as_a_child_is_young_or_lives(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run\nwith Run.get_context().child_run() as child: child.log('a', 1)")
    parent = mlrun.json("run", "submit-script", "train.py")["run_id"]
    (child,) = (run["run_id"] for run in mlrun.json("run", "list", "--parent-run-id", parent))
    make_old(mlrun, parent)
    assert prune(mlrun)["runs"] == []
    make_old(mlrun, child)
    assert set(prune(mlrun)["runs"]) == {parent, child}
    assert mlrun.stored("SELECT count(*) FROM metric_values") == [(0,)]


def test_a_live_run_and_its_snapshot_stay_however_old_they_are(mlrun: Mlrun) -> None:
    gate = mlrun.folder.parent / "gate"
    os.mkfifo(gate)
    mlrun.script(f"open({str(gate)!r}).read()")
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    make_old(mlrun, run_id)

    pruned = prune(mlrun)

    assert (pruned["runs"], pruned["snapshots"], pruned["contents"]) == ([], 0, 0)
    gate.open("w").close()
    assert mlrun.wait(run_id)["status"] == "Completed"


def test_submissions_that_take_old_contents_lose_none_to_pruning_at_the_same_time(mlrun: Mlrun) -> None:
    mlrun.script("print('same')")
    old = mlrun.json("run", "submit-script", "train.py")["run_id"]
    make_old(mlrun, old)
    started = [mlrun.start("run", "submit-script", "--async", "train.py") for _ in range(4)]
    for _ in range(3):
        prune(mlrun)
        make_files_old(mlrun.database.parent / "snapshots" / "objects", 40)
    assert [process.wait() for process in started] == [0] * 4
    for process in started:
        process.communicate()
    ended = until(lambda: (runs := mlrun.json("run", "list", "--status", "completed")) and len(runs) == 4 and runs)
    assert old not in {run["run_id"] for run in ended}
    assert mlrun.json("run", "list", "--status", "failed") == []


def test_pruning_waits_for_a_submit_that_has_found_old_contents(mlrun: Mlrun) -> None:
    mlrun.script("print('same')")
    old = mlrun.json("run", "submit-script", "train.py")["run_id"]
    make_old(mlrun, old)
    before = contents(mlrun)
    snapshots = mlrun.database.parent / "snapshots"
    with prevent_pruning(snapshots):  # as a submission does between its look at the store and its row
        pruning = mlrun.start("workspace", "prune", "--older-than", "30d", "--yes")
        until(lambda: waits_for_a_lock(pruning.pid) or pruning.poll() is not None)
        assert contents(mlrun) == before
        for manifest in (snapshots / "manifests").iterdir():
            os.utime(manifest)
    _, told = pruning.communicate()
    assert pruning.returncode == 0
    assert told
    assert contents(mlrun) == before


def test_pruning_that_waits_is_not_overtaken_by_later_submissions(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun("run", "submit-script", "train.py")
    with prevent_pruning(mlrun.database.parent / "snapshots"):
        pruning = mlrun.start("workspace", "prune", "--older-than", "30d", "--yes")
        until(lambda: waits_for_a_lock(pruning.pid) or pruning.poll() is not None)
        later = mlrun.start("run", "submit-script", "--async", "train.py")
        until(lambda: waits_for_a_lock(later.pid) or later.poll() is not None)
        assert later.poll() is None
    for process in (pruning, later):
        process.communicate()
        assert process.returncode == 0


def test_prunes_at_the_same_time_leave_room_for_each_other(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun("run", "submit-script", "train.py")
    for number in range(300):
        folder = mlrun.run_folder(f"exp_1_{number:08}")
        folder.mkdir()
        os.utime(folder, (0, 0))
    prunes = [mlrun.start("workspace", "prune", "--older-than", "30d", "--yes") for _ in range(4)]
    told = [process.communicate()[1] for process in prunes]
    assert [process.returncode for process in prunes] == [0] * 4, told
    assert not list((mlrun.database.parent / "runs").glob("exp_1_0*"))


def waits_for_a_lock(pid: int) -> bool:
    lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    return any("->" in line and str(pid) in line.split() for line in lines)


def test_what_dead_submissions_left_behind_goes_after_a_day(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun("run", "submit-script", "train.py")
    folder = mlrun.run_folder("exp_1_00000000")
    folder.mkdir()
    assert prune(mlrun)["folders"] == 0
    os.utime(folder, (0, 0))
    assert prune(mlrun)["folders"] == 1
    assert not folder.exists()


def test_folders_of_runs_whose_rows_are_lost_are_held_to_the_age_that_was_given(mlrun: Mlrun) -> None:
    mlrun.script("import pathlib; pathlib.Path('outputs').mkdir(exist_ok=True); open('outputs/model', 'w').write('m')")
    run_id = mlrun.ended()["run_id"]
    folder = mlrun.run_folder(run_id)
    for path in (workspace := mlrun.database.parent).glob("workspace.db*"):
        path.unlink()
    make_files_old(workspace, 40)
    mlrun("workspace", "create", "-w", "default")

    def pruned(older_than: str) -> dict[str, Any]:
        done: dict[str, Any] = mlrun.json("workspace", "prune", "--older-than", older_than, "--yes")
        return {name: done[name] for name in ("contents", "folders", "snapshots")}

    assert pruned("3650d") == {"contents": 0, "folders": 0, "snapshots": 0}
    assert pruned("30d") == {"contents": 0, "folders": 0, "snapshots": 0}, "its outcome says that it ended just now"
    assert (folder / "work" / "outputs" / "model").read_text() == "m"
    outcome = json.loads((folder / "outcome.json").read_text())
    (folder / "outcome.json").write_text(json.dumps({**outcome, "ended_at": 0}))
    make_files_old(workspace, 40)
    assert pruned("50d")["folders"] == 0
    assert pruned("30d")["folders"] == 1
    assert not folder.exists()


def test_what_is_kept_and_what_a_model_comes_from_is_spared(mlrun: Mlrun) -> None:
    mlrun.script(
        "from azureml.core import Run\n"
        "open('model', 'w').write('m')\n"
        "Run.get_context().upload_file('outputs/model', 'model')"
    )
    kept, behind, other = (mlrun.ended()["run_id"] for _ in range(3))
    assert mlrun.json("run", "update", "-r", kept, "--keep")["kept"] is True
    mlrun("model", "register", "--name", "m", "--asset-path", "outputs/model", "--run-id", behind)
    for run_id in (kept, behind, other):
        make_old(mlrun, run_id)
    pruned = prune(mlrun)
    assert (pruned["runs"], pruned["spared"]) == ([other], [kept, behind])
    for run_id, why in ((kept, "it is kept"), (behind, "model m:1 comes from it")):
        assert why in mlrun.fails("run", "delete", "-r", run_id, "--yes").text
    assert len(mlrun.json("run", "list")) == 2
    assert "kept" not in mlrun.json("run", "update", "-r", kept, "--no-keep")
    assert prune(mlrun)["runs"] == [kept]
    assert mlrun.json("run", "delete", "-r", behind, "--force", "--yes") == [behind]


def test_folders_without_permission_go_and_what_cannot_go_is_skipped_and_named(mlrun: Mlrun) -> None:
    # Root without what lets it pass over permissions.
    mlrun.command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner", *mlrun.command]
    mlrun.script(
        "import os\nos.makedirs('outputs/a/b')\nopen('outputs/a/b/c', 'w').close()\n"
        "os.chmod('outputs/a/b', 0o555)\nos.chmod('outputs/a', 0)"
    )
    first, second = (mlrun.ended()["run_id"] for _ in range(2))
    for run_id in (first, second):
        make_old(mlrun, run_id)
    (foreign := mlrun.run_folder(second) / "work" / "foreign").mkdir()
    (foreign / "file").touch()
    os.chown(foreign, 65534, 65534)  # as a container may leave it
    mlrun.fails("run", "delete", "-r", second, "--permanently", "--yes", exit_code=1)
    done = mlrun("workspace", "prune", "--older-than", "30d", "--yes")
    pruned = json.loads(done.stdout)
    assert (pruned["runs"], pruned["skipped"]) == ([first], [str(mlrun.run_folder(second))])
    assert f": {mlrun.run_folder(second)}: " in done.stderr
    assert not mlrun.run_folder(first).exists()
    assert [run["run_id"] for run in mlrun.json("run", "list")] == [second]
    shutil.rmtree(foreign)
    assert prune(mlrun)["runs"] == [second]


def test_what_a_prune_that_was_killed_has_left_of_an_environment_goes(mlrun: Mlrun) -> None:
    left = mlrun.home / "environments" / ".0123abcd.4242"
    (left / "venv").mkdir(parents=True)
    (left / "venv" / "file").write_bytes(bytes(1 << 16))
    (left.parent / ".0123abcd.12").touch()  # nobody's, and no folder
    (mlrun.database.parent / "sessions").mkdir(exist_ok=True)
    stray = mlrun.database.parent / "sessions" / ".DS_Store"
    stray.touch()
    os.utime(stray, (0, 0))
    for words in (("--dry-run",), ()):
        assert sorted(path.name for path in left.parent.iterdir()) == [".0123abcd.12", left.name]
        pruned = prune(mlrun, *words)
        assert (pruned["bytes"] >= 1 << 16, pruned["environments"]) == (True, [])
    assert [path.name for path in left.parent.iterdir()] == [".0123abcd.12"]
    assert stray.exists()


def test_an_environment_stays_as_long_as_a_run_that_had_it(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun.script("dependencies: []", "conda.yml")
    run_id = mlrun.json("run", "submit-script", "-d", "conda.yml", "train.py")["run_id"]
    (key,) = (one["key"] for one in mlrun.json("environment", "list", "--built"))
    for path in ("complete.json", f"../{key}.in-use"):
        os.utime(mlrun.home / "environments" / key / path, (0, 0))
    assert prune(mlrun)["environments"] == []
    make_old(mlrun, run_id)
    assert prune(mlrun, "--dry-run")["environments"] == [key]
    assert prune(mlrun)["environments"] == [key]


def test_the_trash_alone_is_emptied(mlrun: Mlrun) -> None:
    mlrun.script("")
    stored, deleted = mlrun.ended()["run_id"], mlrun.ended()["run_id"]
    make_old(mlrun, stored)
    mlrun("run", "delete", "-r", deleted, "--yes")

    with Terminal(mlrun, [*mlrun.command, "workspace", "prune", "--trash-older-than", "0s"], columns=240) as terminal:
        terminal.wait_for("Remove for good 1 run of workspace 'default' from the trash")
        terminal.wait_for(" KB in all?")
    done = mlrun.json("workspace", "prune", "--trash-older-than", "0s", "--yes")

    assert (done["runs"], done["trash"], done["endedBefore"]) == ([], [deleted], None)
    assert [each["run_id"] for each in mlrun.json("run", "list")] == [stored]
    assert mlrun.json("run", "list", "--deleted") == []
    failure = mlrun.fails("workspace", "prune", "--yes")
    assert failure.code == "MissingOption"
    assert "--older-than" in failure.message


def test_pruning_wants_to_be_confirmed(mlrun: Mlrun) -> None:
    answers = {
        "30d": ("ConfirmationRequired", "--yes"),
        "soon": ("InvalidDuration", "'soon'"),
        "30": ("InvalidDuration", "30d"),
        "9" * 400: ("InvalidDuration", "…"),
        "9" * 400 + "d": ("InvalidDuration", "36500d"),
    }
    for words, (code, fact) in answers.items():
        failure = mlrun.fails("workspace", "prune", "--older-than", words)
        assert failure.code == code
        assert fact in failure.text
    assert mlrun.fails("environment", "prune", "--older-than", "30").code == "InvalidDuration"
    assert mlrun.fails("run", "cancel", "-r", "any", "--grace", "9" * 400).code == "InvalidDuration"
