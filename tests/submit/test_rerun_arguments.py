from __future__ import annotations

import pytest

from mlrun_cli.submit.rerun_arguments import change_arguments


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("lr=1 +x=1", "+x", "lr=1 +x=2"),
        ("lr=1 +x=1", "x", "lr=1 +x=2"),
        ("++model.x=1", "++model.x", "++model.x=2"),
        ("lr=1", "+x", "lr=1 +x=2"),
    ],
)
def test_a_plus_of_hydra_names_no_other_parameter(before: str, name: str, after: str) -> None:
    """Hydra refuses a second value for a key that is to be added."""
    assert change_arguments("run", before.split(), (), {name: "2"}, ()).words == after.split()
