from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import installed
from tests.running import Mlrun


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """Return the installed command in an attached folder, with the experiment `exp`."""
    with installed(tmp_path) as command:
        yield command
