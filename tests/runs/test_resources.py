"""What a run used, in its file and in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.resources import (
    CurrentUse,
    Resources,
    describe_resources,
    read_current_use,
    read_resources,
    write_resources,
)

USED = Resources(3.25, 220 << 20, 512, 8 << 20, gpu_seconds=60.0, peak_gpu_memory_bytes=2 << 30)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.create()
    return made


def test_what_is_written_is_read(folder: RunFolder) -> None:
    assert read_resources(folder) is None
    current = CurrentUse(1_700_000_000_000_000, 99.5, 200 << 20, 2)
    write_resources(folder, USED, current)
    assert (read_resources(folder), read_current_use(folder)) == (USED, current)
    assert "memory_limit_bytes" not in USED.to_record()
    assert describe_resources(USED) == (
        "220 MB of memory, 3.2 s of CPU, 512 bytes read, 8.0 MB written, 60.0 s of GPU, 2.0 GB of GPU memory"
    )


@pytest.mark.parametrize("text", ["", "[]", '{"total": 1}', '{"total": {"cpu_seconds": 1}}', '{"total": {"x": {}}}'])
def test_a_file_that_a_script_has_overwritten_is_ignored(folder: RunFolder, text: str) -> None:
    folder.resources.write_text(text, encoding="utf-8")
    assert (read_resources(folder), read_current_use(folder)) == (None, None)
