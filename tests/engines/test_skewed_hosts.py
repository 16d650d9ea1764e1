"""Hosts that share a home on a network file system, and whose clocks differ from that of the file server."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.network_home import Host

_WRITING = ("workspace", "create", "--description", "text")
_LOOK = """
import sys
from pathlib import Path
from mlrun_cli.processes.host_lease import find_lease, open_home

open_home(Path(sys.argv[1]), only_reads=True)
print(*find_lease(Path(sys.argv[1])).describe_use())
"""


@pytest.fixture(params=["+10m", "-10m"])
def other(hosts: list[Host], request: pytest.FixtureRequest) -> Iterator[Host]:
    """Return a host whose clock is wrong, and which has not measured by how much."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    host = hosts[1]
    for measured in host.local.glob("*.clock"):
        measured.unlink()
    before = dict(host.environment)
    host.environment.update(
        LD_PRELOAD=str(library),
        FAKETIME=request.param,
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        NO_FAKE_STAT="1",  # the times of files are those of the file server
    )
    yield host
    host.environment = before


def _write_last_use(host: Host, seconds_ago: float) -> None:
    """Write when the home was last in use, by the clock of the file server: that of this process, in whole seconds."""
    (file,) = (path for path in (host.seen / "hosts").iterdir() if path.name.isdigit())
    used_at = int((time.time() - seconds_ago) * 1_000_000)
    file.write_text(json.dumps({"used_at": used_at}).ljust(1024), encoding="utf-8")


def _look(host: Host) -> tuple[str, int]:
    """Return the host that has the home, and the seconds since it was last in use, as another host says."""
    done = host.run(*host.enter, sys.executable, "-c", _LOOK, str(host.home))
    assert done.returncode == 0, done.stderr
    name, seconds = done.stdout.split()
    return name, int(seconds)


def test_a_home_in_use_is_followed_and_its_last_use_is_told_by_the_clock_of_the_file_server(
    host: Host, other: Host
) -> None:
    for _ in range(2):  # the second time, it knows how wrong its clock is
        _write_last_use(host, 20)
        name, seconds = _look(other)
        assert (name, 19 <= seconds < 60) == ("login1", True)
    failure = other.fails(*_WRITING, exit_code=1)
    found = re.search(r"login1, last seen (\d+) s ago", failure.text)
    assert found is not None and 19 <= int(found[1]) < 60
    assert other.json("workspace", "show")["host"] == "login1"


@pytest.mark.parametrize("seconds", [62, 630])
def test_a_home_that_has_not_been_used_for_a_lease_is_taken_by_a_host_that_reads_it(
    host: Host, other: Host, seconds: int
) -> None:
    _write_last_use(host, seconds)

    assert other.json("workspace", "show")["host"] == "login2"


def test_a_home_that_can_only_be_read_is_read(host: Host, other: Host) -> None:
    mount = ["mount", "-o", "remount,bind,ro", str(other.home.parent)]
    assert other.run(*other.enter, *mount).returncode == 0
    try:
        assert other.json("run", "list") == host.json("run", "list")
        assert _look(other)[0] == "login1"
    finally:
        other.run(*other.enter, *[word.replace(",ro", ",rw") for word in mount])
