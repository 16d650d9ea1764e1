"""A home on a network file system whose disk is full."""

from __future__ import annotations

import errno
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import network_home
from tests.engines.network_home import Host

_WRITING = ("workspace", "create", "--description", "text")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder whose subfolder `exported` is a small disk of its own."""
    reason = network_home.find_obstacle()
    if reason is not None:
        pytest.skip(reason)
    root = tmp_path_factory.mktemp("full")
    (root / "exported").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(root / "exported")], check=True)
    yield root
    subprocess.run(["umount", "--lazy", str(root / "exported")], check=True)


@pytest.fixture(scope="module")
def hosts(disk: Path) -> Iterator[list[Host]]:
    """Return two hosts that share a home on that disk."""
    with network_home.start_hosts(disk, "login1", "login2") as started:
        yield started


@pytest.fixture
def filler(disk: Path, hosts: list[Host]) -> Iterator[Path]:
    """Have the first host take the home, and fill the disk; return the file that does."""
    hosts[0]("workspace", "show", "--take-over")
    hosts[0]("run", "list")
    file = disk / "exported" / "filler"
    with file.open("wb", buffering=0) as filling, pytest.raises(OSError, match=f"Errno {errno.ENOSPC}"):
        while True:
            filling.write(bytes(4096))
    yield file
    file.unlink(missing_ok=True)


def _edit_last_use(host: Host, seconds: int) -> None:
    """Write into the home that it was last in use so many seconds earlier than it says."""
    (file,) = (path for path in (host.seen / "hosts").iterdir() if path.name.isdigit())
    used_at = json.loads(file.read_text(encoding="utf-8"))["used_at"]
    file.write_text(json.dumps({"used_at": used_at - seconds * 1_000_000}).ljust(1024), encoding="utf-8")


def _list_lease_files(host: Host) -> set[str]:
    return {path.name for path in (host.seen.parent.parent.parent / "exported" / "home" / "hosts").iterdir()}


def test_the_host_that_has_the_home_reads_it_and_is_told_why_nothing_is_written(
    hosts: list[Host], filler: Path
) -> None:
    host, other = hosts
    _edit_last_use(host, 20)  # so that the lease is to be renewed

    assert host.json("run", "list") == other.json("run", "list") == []
    assert "is full" in host.fails(*_WRITING, exit_code=1).text
    filler.unlink()
    host(*_WRITING)


def test_a_home_that_no_host_uses_is_read_although_it_cannot_be_taken(hosts: list[Host], filler: Path) -> None:
    host, other = hosts
    before = _list_lease_files(host)
    _edit_last_use(host, 61)

    assert other.json("run", "list") == []
    for _ in range(2):
        failure = other.fails(*_WRITING, exit_code=1)
        assert failure.code == "StoreUnavailable" and "is full" in failure.text
    assert _list_lease_files(host) == before

    filler.unlink()
    other(*_WRITING)
    assert other.json("workspace", "show")["host"] == "login2"
