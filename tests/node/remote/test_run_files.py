"""The files of a run that are sent to the machine that mirrors them."""

from __future__ import annotations

import os
from pathlib import Path

from mlrun_cli.core.json_files import write_json
from mlrun_cli.node.remote.run_files import ChunkBuffer, RunFiles
from mlrun_cli.runs.shared_folder import SharedRunFolder

RESOURCES, METRICS = "journal/resources.json", "journal/metrics.jsonl"


def send(files: RunFiles, name: str) -> list[tuple[int, bytes]]:
    """Return the offset and the data of each piece of a file that is sent now."""
    found = ChunkBuffer(1 << 20)
    start, pieces = 0, []
    for each, offset, size in files.read(found).get("files", ()):
        if each == name:
            pieces.append((offset, bytes(found.payload[start : start + size])))
        start += size
    return pieces


def test_a_replaced_file_is_sent_whole_and_a_growing_one_from_where_it_ended(tmp_path: Path) -> None:
    folder = SharedRunFolder(tmp_path)
    folder.journal.mkdir()
    lines = folder.journal / "metrics.jsonl"
    lines.write_bytes(b"one\ntwo\n")
    write_json(folder.resources, {"old": 1})
    size = folder.resources.stat().st_size
    write_json(folder.resources, {"longer": 12345})
    files = RunFiles(folder, {RESOURCES: size, METRICS: 4})
    assert send(files, RESOURCES) == [(0, folder.resources.read_bytes())]
    files = RunFiles(folder, {RESOURCES: folder.resources.stat().st_size, METRICS: 4})
    assert send(files, RESOURCES) == [(0, folder.resources.read_bytes())]
    assert send(files, RESOURCES) == []

    # As if a file system gave the new file the inode of the old one.
    folder.resources.write_bytes(b'{"longer": 1234567}')
    os.utime(folder.resources, ns=(1, 1))
    assert send(files, RESOURCES) == [(0, folder.resources.read_bytes())]

    lines.write_bytes(b"one\ntwo\nthree\n")
    assert send(files, METRICS) == [(8, b"three\n")]
