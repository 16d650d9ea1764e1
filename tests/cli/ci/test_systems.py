"""The lines for CI systems."""

from __future__ import annotations

import pytest

from mlrun_cli.cli.ci.source_line import SourceLine
from mlrun_cli.cli.ci.systems import AzurePipelines, CiSystem, GitHub, GitLab


@pytest.mark.parametrize("ci", [GitHub(), AzurePipelines(), GitLab()])
def test_texts_of_a_run_reach_no_terminal_and_begin_no_line(ci: CiSystem) -> None:
    plain = ci.format_error("run: Failed", "lost 50%, and more", SourceLine("a/b.py", 3))
    odd = ci.format_error("run: Failed", "lost\x1b[2J\r\n::error::\x9b1m\x85more", SourceLine("a\x1b]0;b\n.py", 3))
    for sign in "\x1b\x9b\x85\r\n\x07":
        assert odd.count(sign) == plain.count(sign)
    assert plain.count("\n") == 0
