from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlrun_cli.core.json_files import write_json
from mlrun_cli.core.text_files import replace_text


def test_a_text_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("old", encoding="utf-8")

    replace_text(path, "größer\n")

    assert path.read_bytes() == "größer\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_text(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("old", encoding="utf-8")

    with pytest.raises(UnicodeEncodeError):
        replace_text(path, "new \ud800")

    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "write",
    [lambda path: replace_text(path, "text\n" * 1000), lambda path: write_json(path, {"text": "text" * 1000})],
    ids=["text", "document"],
)
@pytest.mark.usefixtures("hasty_threads")
def test_threads_that_write_a_file_at_a_time_do_not_take_it_from_each_other(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, [path] * 200))
    assert list(tmp_path.iterdir()) == [path]
