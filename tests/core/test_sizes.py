from __future__ import annotations

import pytest

from mlrun_cli.core.sizes import MEGABYTE, format_size


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1500, "1.5 KB"),
        (1_024_000, "1.0 MB"),
        (300 * MEGABYTE, "300 MB"),
        (2**41, "2.0 TB"),
        (2**51, "2048 TB"),
    ],
)
def test_sizes_are_short(size: int, words: str) -> None:
    assert format_size(size) == words
