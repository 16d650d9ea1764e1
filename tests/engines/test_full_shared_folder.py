"""Runs whose shared folder is full or, on their node, cannot be written."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.engines.pool import PoolEngine
from tests.engines.ray import Ray
from tests.engines.slurm import Slurm
from tests.engines.sshd import HOST_ALIAS, RemoteMachine
from tests.running import Mlrun, service_error, until

_WAITING = """
    import os, sys, time

    print("here", flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
"""
_LOG = "from azureml.core import Run\nRun.get_context().log('x', 1)\n"


@contextmanager
def _mount_small_disk(shared: Path) -> Iterator[None]:
    """Have a small disk of its own at the path of a shared folder during the block."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    shared.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", shared], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", shared], check=True)


def _fill(folder: Path) -> Path:
    """Write until there is no byte left; return the file that holds it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 12))
    return filler


@pytest.fixture
def small_pool(tmp_path: Path, pool_installation: Path) -> Iterator[PoolEngine]:
    """Return an engine whose shared folder has a small disk of its own."""
    with _mount_small_disk(tmp_path / "shared"):
        engine = PoolEngine(tmp_path, pool_installation)
        yield engine
        engine.close()


def test_a_run_that_starts_while_the_shared_folder_is_full_says_so(small_pool: PoolEngine) -> None:
    mlrun = small_pool.mlrun
    small_pool.set_option("slots", "0")
    mlrun.script(_LOG)
    run_id = mlrun.submit("--ct", "pool", "train.py")
    filler = _fill(small_pool.shared)
    small_pool.set_option("slots", "2")

    message = service_error(mlrun.wait(run_id), "DiskFull")

    assert str(small_pool.shared) in message
    assert os.uname().nodename in message
    filler.unlink()
    assert mlrun.wait(mlrun.submit("--ct", "pool", "train.py"))["status"] == "Completed"


def _pad_to_page(path: Path) -> None:
    """Append empty lines to a file, up to a size after which any more needs another page of the disk."""
    with path.open("ab") as file:
        file.write(b"\n" * (-path.stat().st_size % os.sysconf("SC_PAGE_SIZE")))


def test_a_run_whose_shared_folder_was_full_for_a_while_says_so_afterwards(
    small_pool: PoolEngine, tmp_path: Path
) -> None:
    mlrun, go = small_pool.mlrun, tmp_path / "go"
    mlrun.script(_WAITING)
    run_id = mlrun.submit("--ct", "pool", "train.py", str(go))
    until(lambda: "here" in mlrun.log(run_id))
    mlrun.wait_for_status(run_id, "Running")
    log = small_pool.run_folder(run_id) / "artifacts" / "system_logs" / "supervisor.log"
    (events,) = (small_pool.run_folder(run_id) / "events").iterdir()
    until(lambda: '"files"' in events.read_text("utf-8"))  # nothing more is written before the script ends
    for path in (log, events):
        _pad_to_page(path)
    (small_pool.run_folder(run_id) / "reserve").unlink()  # what others write would fill its place too
    filler = _fill(small_pool.shared)
    before = events.stat().st_mtime_ns
    go.touch()
    until(lambda: events.stat().st_mtime_ns != before)  # a line without room was cut off again
    filler.unlink()

    assert mlrun.wait(run_id)["status"] == "Completed"
    lines = [line for line in log.read_text("utf-8").splitlines() if "No space left" in line]
    assert len(lines) == 1
    assert lines[0].startswith("the shared folder")


@pytest.mark.parametrize(
    ("call", "error", "code"),
    [
        ("mkdir", "EDQUOT", "DiskFull"),
        ("mkdir", "EROFS", "FileNotWritable"),
        ("mkdir", "EACCES", "FileNotWritable"),
        ("mkdir", "EIO", "OperatingSystemError"),
        ("fsync", "ENOSPC", "DiskFull"),
    ],
)
def test_a_run_that_cannot_write_to_the_shared_folder_on_its_node_says_why(
    pool: PoolEngine, call: str, error: str, code: str
) -> None:
    kernel = ["strace", "--output=/dev/null", f"--trace={call}", f"--inject={call}:error={error}"]
    pool.set_option("prefix", json.dumps(kernel))
    pool.mlrun.script(_LOG)

    record = pool.mlrun.wait(pool.mlrun.submit("--ct", "pool", "train.py"))

    assert str(pool.shared) in service_error(record, code)


def test_a_run_whose_node_does_not_have_the_shared_folder_says_where_it_is_missed(pool: PoolEngine) -> None:
    away = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs "$0" && exec "$@"', str(pool.shared)]
    pool.set_option("prefix", json.dumps(away))
    pool.mlrun.script(_LOG)

    record = pool.mlrun.wait(pool.mlrun.submit("--ct", "pool", "train.py"))

    assert str(pool.shared) in service_error(record, "SupervisorDied")


def test_a_job_of_slurm_says_that_the_shared_folder_is_full_or_cannot_be_written(
    slurm: Slurm, slurm_mlrun: Mlrun
) -> None:
    mlrun, shared = slurm_mlrun, slurm_mlrun.folder.parent / "shared"
    mlrun.script(_LOG)
    with _mount_small_disk(shared):
        place = ("--shared-folder", str(shared))
        mlrun("computetarget", "attach", "slurm", "-n", "slurm", *place, "--no-check", "--sbatch-option=--hold")
        first, second = (mlrun.submit("--ct", "slurm", "-e", name, "train.py") for name in ("one", "two"))
        filler = _fill(shared)
        slurm("scontrol", "release", str(mlrun.show(first)["properties"]["slurm_job_id"]))
        message = service_error(mlrun.wait(first), "DiskFull")
        assert str(shared) in message
        assert f"on {slurm('squeue', '-h', '-t', 'all', '-n', first, '-o', '%N')}" in message

        filler.unlink()
        subprocess.run(["mount", "-o", "remount,ro", shared], check=True)
        slurm("scontrol", "release", str(mlrun.show(second)["properties"]["slurm_job_id"]))
        assert str(shared) in service_error(mlrun.wait(second), "SupervisorDied")
        subprocess.run(["mount", "-o", "remount,rw", shared], check=True)
        mlrun.close()


def _write_python_without_room(path: Path, python: str = "python3") -> Path:
    """Write a program that is the interpreter of a node whose shared folder is full; return its path."""
    kernel = "strace --output=/dev/null --trace=mkdir --inject=mkdir:error=ENOSPC"
    case = f'case "$*" in */node/__main__.py*) exec {kernel} {python} "$@";; esac'
    path.write_text(f'#!/bin/sh\n{case}\nexec {python} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.ray
def test_a_job_of_ray_says_that_the_shared_folder_is_full(ray: Ray, tmp_path: Path) -> None:
    mlrun, shared = ray.make_command(tmp_path), tmp_path / "shared"
    mlrun.script(_LOG)
    place = ("--address", ray.address, "--shared-folder", str(shared))
    python = _write_python_without_room(tmp_path / "python")
    mlrun("computetarget", "attach", "ray", "-n", "ray", *place, "--no-check", "--python", str(python))

    record = mlrun.wait(mlrun.submit("--ct", "ray", "train.py"))

    assert str(shared) in service_error(record, "DiskFull")
    mlrun.close()


def test_a_job_on_another_machine_says_that_its_disk_is_full(remote_machine: RemoteMachine, ssh_mlrun: Mlrun) -> None:
    ssh_mlrun.script(_LOG)
    python = _write_python_without_room(remote_machine.marks / "python", remote_machine.python)
    machine = ("--address", HOST_ALIAS, "--python", str(python))
    ssh_mlrun("computetarget", "attach", "remote", "-n", "box", *machine)

    record = ssh_mlrun.wait(ssh_mlrun.submit("--ct", "box", "train.py"))

    assert f"{HOST_ALIAS}:" in service_error(record, "DiskFull")
