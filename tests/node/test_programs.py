"""The programs that engines start on nodes, from a copy of the package in a shared folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlrun_cli.targets.package_copies import ensure_program_copy


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("node/__main__.py", []),
        ("node/forwarder.py", []),
        ("node/remote/__main__.py", ["serve", "folder"]),
        ("node/relay_program.py", []),
    ],
)
def test_a_program_imports_its_own_package_wherever_its_copy_is(
    tmp_path: Path, program: str, arguments: list[str]
) -> None:
    moved = ensure_program_copy(tmp_path / "programs").rename(tmp_path / "mounted elsewhere")
    other = tmp_path / "scripts" / "mlrun_cli"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise SystemExit('the wrong package')\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-E", "-v", moved / "mlrun_cli" / program, *arguments],
        cwd=other.parent,
        env={"PYTHONPATH": str(other.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    # It fails for lack of arguments or requests, once it has imported all that it needs.
    sources = re.findall(r"(?:code object from|matches) '?(\S.*/mlrun_cli/.*\.py)", done.stderr)
    assert sources
    assert [source for source in sources if not source.startswith(str(moved))] == []
