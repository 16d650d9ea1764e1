"""What a running `nvidia-smi` reports of GPUs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mlrun_cli.processes.gpu_usage import GpuSampler, GpuUsage
from tests.running import is_alive, kill, until

REPORTS = """#!/bin/sh
for round in 1 2; do echo '0, GPU-a, 50, 1024'; echo '1, GPU-b, 90, 2048'; echo '2, GPU-c, [N/A], [N/A]'; done
exec sleep 600
"""


UNREAPABLE = f"""#!{sys.executable}
import ctypes, os, time
libc = ctypes.CDLL(None)
libc.prctl(0x59616D61, -1, 0, 0, 0)  # PR_SET_PTRACER: anyone
if os.fork():
    time.sleep(600)
if libc.ptrace(0x4206, os.getppid(), None, None):  # PTRACE_SEIZE: its end is told to the tracer first
    os._exit(1)
print("0, GPU-a, 50, 1024", flush=True)
with open("tracer", "w") as file:
    file.write(str(os.getpid()))
os.close(1)
time.sleep(60)
os._exit(0)
"""


def write_program(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "nvidia-smi"
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_reports_count_for_the_visible_gpus_until_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(tmp_path, REPORTS, monkeypatch)
    both, one = GpuSampler(None), GpuSampler("GPU-b,2,")
    until(lambda: both.read() == GpuUsage(140.0, 3 << 30))
    until(lambda: one.read() == GpuUsage(90.0, 2 << 30))
    assert both.seconds > one.seconds > 0
    for sampler in (both, one):
        sampler.close()
    monkeypatch.setenv("PATH", "")
    assert GpuSampler(None).read() is None


def test_reports_of_a_program_that_has_ended_are_no_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(tmp_path, REPORTS.replace("exec sleep 600", "read end < gate"), monkeypatch)
    monkeypatch.chdir(tmp_path)
    os.mkfifo("gate")
    sampler = GpuSampler(None)
    until(sampler.read)
    (tmp_path / "gate").write_text("end\n", encoding="utf-8")
    until(lambda: sampler.read() is None)
    assert sampler.seconds > 0
    sampler.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_program_that_cannot_be_reaped_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(tmp_path, UNREAPABLE, monkeypatch)
    monkeypatch.chdir(tmp_path)
    sampler = GpuSampler(None)
    tracer = tmp_path / "tracer"
    until(lambda: tracer.exists() and tracer.read_text(encoding="utf-8"))
    pid = int(tracer.read_text(encoding="utf-8"))
    try:
        sampler.close()
        assert is_alive(pid)
    finally:
        kill(pid)
