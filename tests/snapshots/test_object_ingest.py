"""Files that have turned into something else by the time they are read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.object_ingest import ingest_file


@pytest.mark.parametrize("other", ["fifo", "link", "folder", "device"])
def test_what_is_no_file_any_more_is_refused_at_once(tmp_path: Path, other: str) -> None:
    path = tmp_path / "was_a_file"
    if other == "fifo":
        os.mkfifo(path)
    elif other == "link":
        (tmp_path / "secret").touch()
        path.symlink_to("secret")
    elif other == "folder":
        path.mkdir()
    else:
        path = Path("/dev/null")

    with pytest.raises(OSError) as caught:
        ingest_file(SnapshotStore(tmp_path / "snapshots"), str(path), lambda _: None)
    assert caught.value.errno == (errno.ELOOP if other == "link" else errno.EINVAL)
    assert not (tmp_path / "snapshots").exists()
