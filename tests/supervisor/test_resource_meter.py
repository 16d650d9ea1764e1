"""The journal of a run's resource usage."""

from __future__ import annotations

import resource
from pathlib import Path

from mlrun_cli.supervisor.resource_meter import append_if_space


def test_a_point_that_has_no_space_leaves_no_part_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "points.jsonl"
    append_if_space(path, b"first\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        append_if_space(path, b"second\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    append_if_space(path, b"third\n")
    assert path.read_bytes() == b"first\nthird\n"
