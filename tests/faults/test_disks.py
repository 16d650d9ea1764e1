from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.running import Mlrun, kill, service_error, until, user_error

LOG_UNTIL_FULL = """
    import sys
    from pathlib import Path

    from azureml.core import Run
    from azureml.exceptions import UserErrorException

    run = Run.get_context()
    count = 0
    try:
        while True:
            run.log("x", f"{count:06}" + 10_000 * "-")
            count += 1
    except UserErrorException as error:
        is_said = "disk" in str(error) and "full" in str(error)
        Path(sys.argv[1]).write_text(f"{count} {is_said}")  # a print might not fit in what is left of the disk
"""


@contextmanager
def _small_disk(mlrun: Mlrun, megabytes: int, inodes: int = 1 << 20) -> Iterator[Path]:
    """Put the home on a small disk of its own, which only the calls of the command see.

    Yields a file that fills three quarters of it, to be removed when room is needed.
    """
    home = mlrun.home
    home.mkdir(exist_ok=True)
    mount = 'mount -t tmpfs -o "$1" tmpfs "$2" && echo mounted && read -r line'
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", mount, "sh", f"size={megabytes}m,nr_inodes={inodes}", home],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "mounted\n"
        mlrun.command = ["nsenter", "--mount", f"--target={holder.pid}", f"--wd={mlrun.folder}", *mlrun.command]
        mlrun.home = Path(f"/proc/{holder.pid}/root{home}")
        ballast = mlrun.home / "ballast"
        ballast.write_bytes(bytes(megabytes * 3 << 18))
        try:
            yield ballast
        finally:
            mlrun.home = home
            mlrun.close()
            holder.communicate("\n")


def _fill(folder: Path) -> Path:
    """Write until there is no byte left; the file that holds it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    return filler


def _free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bfree * found.f_frsize


def test_a_script_is_told_that_the_disk_is_full_and_keeps_all_that_was_acknowledged(
    mlrun: Mlrun, tmp_path: Path
) -> None:
    mlrun.script(LOG_UNTIL_FULL)
    found = tmp_path / "found.txt"
    with _small_disk(mlrun, 64) as ballast:  # 48 MB hold the database and 20 MB of its own log
        run_id = mlrun.submit("train.py", str(found))
        count, is_said = until(lambda: found.read_text(encoding="utf-8") if found.exists() else None).split()
        assert is_said == "True"
        assert mlrun.show(run_id)["status"] in {"Running", "Finalizing"}
        until(lambda: "room on its disk" in (mlrun.show(run_id).get("waiting_for") or ""))
        waited = mlrun.fails("run", "wait", "-r", run_id, "--timeout", "1s", exit_code=124)
        assert waited.code == "TimedOut"
        assert any(re.search(rf"\b{run_id} .*\bdisk\b", line) for line in waited.warnings)
        with mlrun.start("run", "monitor-logs", "-r", run_id) as streaming:
            lines = iter(streaming.stderr or ())
            assert any("Waiting for: room on its disk" in line for line in lines)
            streaming.kill()

        ballast.unlink()

        assert mlrun.wait(run_id)["status"] == "Completed"
        values = mlrun.metrics(run_id)["x"]
        assert [int(value[:6]) for value in values] == list(range(int(count)))


def test_a_backup_to_a_full_disk_names_the_file_that_was_given_and_leaves_nothing(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script("pass")
    mlrun.ended()
    full = tmp_path / "full"
    full.mkdir()
    mount = 'mount -t tmpfs -o size=100k tmpfs "$0" && "$@"; code=$?; ls -A "$0" >&2; exit $code'
    mlrun.command = ["unshare", "--mount", "sh", "-c", mount, str(full), *mlrun.command]

    done = mlrun("workspace", "backup", str(full / "mine.db"), check=False)

    assert (done.returncode, done.stdout) == (1, "")
    said = done.stderr.splitlines()
    assert f" cannot be copied to {full}/mine.db: the disk " in said[0] and "full" in said[0]
    assert said[1:] == ["Make room there, or name a file on another disk."]


FILL_THE_DISK = """
    with open("filler", "wb") as file:
        while True:
            file.write(bytes(1 << 16))
"""


def test_a_script_that_fills_the_disk_ends_failed_and_says_so_and_its_deletion_makes_room(mlrun: Mlrun) -> None:
    mlrun.script("pass")
    mlrun.script(FILL_THE_DISK, "fill.py")
    with _small_disk(mlrun, 16) as ballast:
        ballast.unlink()
        run_id = mlrun.submit("fill.py")

        record = mlrun.wait(run_id)

        assert re.search(rf" {mlrun.folder.parent}\S* is full ", user_error(record))
        assert mlrun.show(run_id)["status"] == "Failed"
        assert [each["run_id"] for each in mlrun.json("run", "list")] == [run_id]
        refused = mlrun("run", "submit-script", "--async", "train.py", check=False)
        assert refused.returncode == 1
        assert "full" in refused.stderr
        mlrun("run", "delete", "-r", run_id, "--permanently", "--yes")
        assert mlrun.wait(mlrun.submit())["status"] == "Completed"


def test_a_supervisor_that_dies_on_a_full_disk_is_recorded_all_the_same(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import time
        try:
            with open("filler", "wb") as file:
                while True:
                    file.write(bytes(1 << 16))
        except OSError:
            time.sleep(600)
        """
    )
    with _small_disk(mlrun, 16) as ballast:
        ballast.unlink()
        run_id = mlrun.submit()
        until(lambda: _free_bytes(mlrun.home) == 0)
        kill(mlrun.supervisor(run_id))

        record = mlrun.show(run_id)

        service_error(record, "SupervisorDied")


def test_without_a_byte_left_runs_are_shown_and_deleted(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run\nRun.get_context().log('x', 1)\n")
    with _small_disk(mlrun, 16):
        run_ids = [mlrun.submit() for _ in range(3)]
        for run_id in run_ids:
            mlrun.wait(run_id)
        _fill(mlrun.home)

        assert mlrun.show(run_ids[0])["status"] == "Completed"
        assert mlrun.metrics(run_ids[0]) == {"x": 1}
        assert len(mlrun.json("run", "list")) == 3
        assert _free_bytes(mlrun.home) == 0
        mlrun("run", "delete", "-r", run_ids[0], "--permanently", "--yes")
        pruned = mlrun.json("workspace", "prune", "--older-than", "0s", "--yes")

        assert len(pruned["runs"]) == 2
        assert mlrun.json("run", "list") == []


@pytest.mark.parametrize(
    "words", [("workspace", "prune", "--trash-older-than", "0s"), ("run", "delete", "-r", "ID", "--permanently")]
)
def test_what_the_hint_of_a_full_disk_names_frees_the_space_of_the_trash(mlrun: Mlrun, words: tuple[str, ...]) -> None:
    mlrun.script("pass")
    mlrun.script("open('big', 'wb').write(bytes(1 << 21))", "big.py")
    with _small_disk(mlrun, 16) as ballast:
        run_id = mlrun.submit("big.py")
        mlrun.wait(run_id)
        mlrun("run", "delete", "-r", run_id, "--yes")
        _fill(mlrun.home)

        refused = mlrun.fails("run", "submit-script", "--async", "train.py", exit_code=1)

        assert refused.code == "DiskFull"
        assert " ".join(words) in refused.hint
        mlrun(*(run_id if word == "ID" else word for word in words), "--yes")
        assert _free_bytes(mlrun.home) > 1 << 20
        ballast.unlink()
        assert mlrun.wait(mlrun.submit())["status"] == "Completed"


def test_a_disk_without_inodes_is_said_to_be_full(mlrun: Mlrun) -> None:
    mlrun.script("pass")
    with _small_disk(mlrun, 16, inodes=300) as ballast:
        ballast.unlink()
        run_id = mlrun.submit()
        mlrun.wait(run_id)
        folder = mlrun.home / "many"
        folder.mkdir()
        with suppress(OSError):
            for number in range(300):
                (folder / str(number)).touch()

        refused = mlrun.fails("run", "submit-script", "--async", "train.py", exit_code=1)

        assert refused.code == "DiskFull"
        assert re.search(rf"/{mlrun.home.name} .*\binode\b", refused.message)
        assert refused.warnings == []
        assert len(refused.text.splitlines()) <= 3
        assert mlrun.show(run_id)["status"] == "Completed"
        mlrun("run", "delete", "-r", run_id, "--permanently", "--yes")


@pytest.mark.parametrize("kilobytes_left", [0, 8, 16, 32, 64])
def test_a_submit_to_a_full_disk_is_refused_in_words_and_leaves_nothing(mlrun: Mlrun, kilobytes_left: int) -> None:
    mlrun.script("pass")
    with _small_disk(mlrun, 16) as ballast:
        mlrun.wait(mlrun.submit())
        runs = mlrun.database.parent / "runs"
        filler = _fill(mlrun.home)
        os.truncate(filler, filler.stat().st_size - (kilobytes_left << 10))

        submitted = mlrun("run", "submit-script", "--async", "train.py", check=False)

        assert submitted.returncode == 1
        assert "space" in submitted.stderr or "full" in submitted.stderr
        assert len(submitted.stderr.strip().splitlines()) <= 3
        filler.unlink()
        assert os.listdir(runs) == mlrun.json("run", "list", "--query", "[].run_id")
        assert len(os.listdir(runs)) == 1
        ballast.unlink()
        assert mlrun.wait(mlrun.submit())["status"] == "Completed"


def test_a_limit_on_the_size_of_files_costs_a_script_the_value_that_did_not_fit_and_no_other(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        from azureml.core import Run
        from azureml.exceptions import UserErrorException

        run = Run.get_context()
        count = 0
        try:
            while True:
                run.log("x", count)
                count += 1
        except UserErrorException as error:
            print(count, "ulimit" in str(error))
        """
    )
    mlrun.script("command: 'ulimit -f 200; exec python3 train.py'\n", "limited.runconfig")

    streamed = mlrun("run", "submit-script", "-c", "limited")

    (record,) = mlrun.json("run", "list")
    count, is_said = mlrun.log(record["run_id"]).split()
    assert streamed.returncode == 0
    assert is_said == "True"
    assert mlrun.metrics(record["run_id"])["x"] == list(range(int(count)))


def test_a_home_that_cannot_be_written_can_be_read_and_this_is_said_in_words(mlrun: Mlrun) -> None:
    mlrun.script("pass")
    run_id = mlrun.submit()
    mlrun.wait(run_id)
    folders = os.listdir(mlrun.database.parent / "runs")
    read_only = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    writable = mlrun.command
    mlrun.command = ["unshare", "--mount", "sh", "-c", read_only, str(mlrun.home), *mlrun.command]

    for words in (["submit-script", "train.py"], ["update", "-r", run_id, "--add-tag", "a=b"]):
        refused = mlrun("run", *words, check=False)
        assert refused.returncode == 1, words
        assert "read-only" in refused.stderr.lower()
        assert "set MLRUN_HOME to" in refused.stderr
        assert len(refused.stderr.strip().splitlines()) <= 3
    assert [each["run_id"] for each in mlrun.json("run", "list")] == [run_id]
    assert mlrun.show(run_id)["status"] == "Completed"
    mlrun.command = writable
    assert mlrun.show(run_id)["status"] == "Completed"
    assert os.listdir(mlrun.database.parent / "runs") == folders


def test_a_home_that_cannot_be_made_is_said_in_words(mlrun: Mlrun) -> None:
    mlrun.script("pass")
    mlrun.environment["MLRUN_HOME"] = "/proc/home"

    refused = mlrun("run", "submit-script", "train.py", check=False)

    assert refused.returncode == 1
    assert "/proc/home" in refused.stderr
    assert "MLRUN_HOME" in refused.stderr


@pytest.mark.parametrize("error", ["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def test_a_home_on_a_file_system_without_locks_is_refused_in_words(mlrun: Mlrun, error: str) -> None:
    mlrun.script("pass")
    mlrun("run", "list")
    kernel = ["strace", "--follow-forks", "--output=/dev/null", "--trace=flock", f"--inject=flock:error={error}"]
    mlrun.command = [*kernel, *mlrun.command]

    refused = mlrun("run", "submit-script", "train.py", check=False)

    assert refused.returncode == 1
    assert "locks" in refused.stderr
    assert "MLRUN_HOME" in refused.stderr
    assert mlrun.json("run", "list") == []


def test_a_sweep_waits_for_room_and_goes_on_when_there_is_some(mlrun: Mlrun, tmp_path: Path) -> None:
    gate, logged = tmp_path / "gate", tmp_path / "logged"
    mlrun.script(
        f"import os, time\nfrom azureml.core import Run\nRun.get_context().log('acc', 1.0)\n"
        f"open({os.fspath(logged)!r}, 'w').close()\n"
        f"while not os.path.exists({os.fspath(gate)!r}): time.sleep(0.02)\n"
    )
    with _small_disk(mlrun, 24) as ballast:
        line = ("run", "sweep", "--grid", "lr=1,2,3", "--concurrent", "1", "--maximize", "acc", "--async", "train.py")
        sweep = mlrun.json(*line)["run_id"]
        children = ("run", "list", "--parent-run-id", sweep)
        until(logged.exists)  # on a full disk the script could not log
        filler = ballast.with_name("filler")
        with suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(1 << 16))
        gate.touch()
        until(lambda: mlrun.show(sweep).get("waiting_for"))
        for path in (filler, ballast):
            path.unlink()
        record = mlrun.wait(sweep)
        assert record["status"] == "Completed"
        assert "waiting_for" not in record
        assert [run["status"] for run in mlrun.json(*children)] == ["Completed"] * 3
