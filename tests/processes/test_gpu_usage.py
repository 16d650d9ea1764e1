"""What a running `nvidia-smi` reports of GPUs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlrun_cli.processes.gpu_usage import GpuSampler, GpuUsage
from tests.running import until

REPORTS = """#!/bin/sh
for round in 1 2; do echo '0, GPU-a, 50, 1024'; echo '1, GPU-b, 90, 2048'; echo '2, GPU-c, [N/A], [N/A]'; done
exec sleep 600
"""


def test_reports_count_for_the_visible_gpus_until_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(REPORTS, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    both, one = GpuSampler(None), GpuSampler("GPU-b,2")
    until(lambda: both.read() == GpuUsage(140.0, 3 << 30))
    until(lambda: one.read() == GpuUsage(90.0, 2 << 30))
    assert both.seconds > one.seconds > 0
    for sampler in (both, one):
        sampler.close()
    monkeypatch.setenv("PATH", "")
    assert GpuSampler(None).read() is None
