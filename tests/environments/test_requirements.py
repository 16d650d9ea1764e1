"""Requirements without their versions."""

from __future__ import annotations

import pytest

from mlrun_cli.environments.requirements import remove_version


@pytest.mark.parametrize(
    ("line", "opened"),
    [
        ("numpy==1.18.*", "numpy"),
        ("a-b[x,y] >=1,<2 ; python_version < '3.9'", 'a-b[x,y]; python_version < "3.9"'),
        ("six==${SIX_VERSION}", "six"),
        ("six (==1.1)", "six"),
        ("six==1 --hash=sha256:00", "six"),
        ("six", "six"),
        ("x @ https://h/x-1.0-py3-none-any.whl", "x @ https://h/x-1.0-py3-none-any.whl"),
        ("git+https://h/x.git@v1", "git+https://h/x.git@v1"),
        ("--editable /a==b", "--editable /a==b"),
    ],
)
def test_a_line_without_its_version(line: str, opened: str) -> None:
    assert remove_version(line) == opened
