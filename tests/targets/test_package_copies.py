"""Copies of the SDK and the supervisor for scripts and nodes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import resource, sys
from pathlib import Path
from mlrun_cli.errors import StoreError
from mlrun_cli.targets.package_copies import ensure_sdk_copy

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    ensure_sdk_copy(Path(sys.argv[1]))
except StoreError as error:
    print(error.message)
"""


def test_one_reason_is_given_though_many_files_cannot_be_written(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path / "sdk")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert len(said.splitlines()) == 1
    assert said.count("File too large") == 1
    assert not any((tmp_path / "sdk").iterdir())
