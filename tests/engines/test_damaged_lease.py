"""A home on a network file system whose record of the host that has it is lost, damaged, or older than it was."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.engines.network_home import Host
from tests.running import until

_CODE = "HomeInUse"
_WRITING = ("workspace", "create", "--description", "text")
_DAMAGES = {"empty": b"", "missing": None, "blank": b" " * 1024, "half": b'{"turn": 1, "home": "'}
_ENDLESS = """
import itertools, time
from azureml.core import Run
run = Run.get_context()
for value in itertools.count():
    run.log("x", value)
    time.sleep(0.02)
"""

_ROWS = """
import sys
from pathlib import Path
from mlrun_cli.processes.host_lease import find_lease, open_home
from mlrun_cli.store.db.sqlite.network_connection import NetworkDatabase

home, file, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
open_home(home, take_over=True)
database = NetworkDatabase(file, find_lease(file))
database.execute("CREATE TABLE IF NOT EXISTS texts (text TEXT)")
with database.transaction():
    for _ in range(count):
        database.execute("INSERT INTO texts VALUES (:text)", text="x" * 1000)
print(find_lease(file).term, database.row("SELECT count(text) FROM texts")[0])
"""


def _get_exported_home(host: Host) -> Path:
    """Return the home as the file server has it, which no client has cached."""
    return host.seen.parent.parent.parent / "exported" / "home"


def _take_over_and_add_rows(host: Host, count: int) -> list[int]:
    """Have a host take over the home and add rows to a database in it; return its term and the number of rows."""
    words = ["-c", _ROWS, str(host.home), str(host.home / "texts.db"), str(count)]
    done = host.run(*host.enter, sys.executable, *words)
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


def test_a_host_that_gets_the_number_of_its_term_once_more_discards_what_it_has_cached(host: Host, other: Host) -> None:
    for _ in range(2):  # the file is there the second time
        term, count = _take_over_and_add_rows(host, 1)
    discarded = host.find_local(host.seen / "texts.db.seen")
    before = discarded.read_text(encoding="ascii")
    assert _take_over_and_add_rows(other, 1000) == [term + 1, count + 1000]
    hosts = host.seen / "hosts"
    record: dict[str, Any] = json.loads((hosts / "current").read_text(encoding="utf-8"))
    (hosts / "current").write_text(json.dumps({**record, "turn": term - 1}).ljust(1024), encoding="utf-8")
    for name in (str(term), str(term + 1), f"{term + 1}.record"):
        (_get_exported_home(host) / "hosts" / name).touch()
        (hosts / name).unlink()  # its client knows what it does itself

    assert _take_over_and_add_rows(host, 1) == [term, count + 1001]
    assert discarded.read_text(encoding="ascii") != before


def _damage(host: Host, content: bytes | None) -> None:
    """Overwrite the record of the host that has the home, or remove it, behind the backs of all clients."""
    record = _get_exported_home(host) / "hosts" / "current"
    if content is None:
        record.unlink()
    else:
        record.write_bytes(content)


def _remove_copies(host: Host) -> None:
    """Leave the home as one that was used by a version that makes no copies of the record."""
    for copy in (_get_exported_home(host) / "hosts").glob("*.record"):
        copy.unlink()


def _write_last_use(host: Host, seconds_ago: float) -> None:
    (file,) = (path for path in (_get_exported_home(host) / "hosts").iterdir() if path.name.isdigit())
    used_at = int((time.time() - seconds_ago) * 1_000_000)
    file.write_text(json.dumps({"used_at": used_at}).ljust(1024), encoding="utf-8")


def _list_local_folders(host: Host) -> list[Path]:
    return [entry for entry in host.local.iterdir() if entry.is_dir()]


@pytest.mark.parametrize("kind", _DAMAGES)
def test_no_other_host_takes_a_home_in_use_whose_record_is_damaged_and_its_own_host_goes_on(
    host: Host, other: Host, kind: str
) -> None:
    term, folders = host.json("workspace", "show")["turn"], _list_local_folders(host)
    _damage(host, _DAMAGES[kind])

    failure = other.fails(*_WRITING, exit_code=1)
    assert failure.code == _CODE and "login1" in failure.text
    assert other.json("run", "list") == host.json("run", "list")

    host(*_WRITING)
    shown = host.json("workspace", "show")
    assert (shown["host"], shown["turn"]) == ("login1", term + 1)
    assert _list_local_folders(host) == folders
    assert other.fails(*_WRITING, exit_code=1).code == _CODE


def test_a_home_whose_record_is_damaged_is_taken_over_under_the_next_number_and_by_another_host_after_a_lease(
    host: Host, other: Host
) -> None:
    shown = host.json("workspace", "show")
    local = Path(shown["localFolder"]).name
    _damage(host, b"")
    taken = other.json("workspace", "show", "--take-over")
    assert (taken["host"], taken["turn"] > shown["turn"]) == ("login2", True)
    assert Path(taken["localFolder"]).name == local

    _damage(host, b"")
    _write_last_use(host, 61)
    host(*_WRITING)
    again = host.json("workspace", "show")
    assert (again["host"], again["turn"] > taken["turn"]) == ("login1", True)
    assert Path(again["localFolder"]).name == local
    assert other.fails(*_WRITING, exit_code=1).code == _CODE


def test_a_run_goes_on_and_is_seen_as_alive_although_the_record_is_lost(host: Host) -> None:
    host.script(_ENDLESS)
    run_id = host.submit()
    until(lambda: host.metrics(run_id))

    _damage(host, None)

    assert host.show(run_id)["status"] == "Running"
    count = len(host.metrics(run_id))
    until(lambda: len(host.metrics(run_id)) >= count)
    host("run", "cancel", "-r", run_id)
    assert host.wait(run_id)["status"] == "Canceled"


def test_a_run_is_seen_as_alive_after_a_take_over_of_a_home_of_an_older_version(host: Host) -> None:
    host.script(_ENDLESS)
    run_id = host.submit()
    until(lambda: host.metrics(run_id))
    supervisor = host.supervisor(run_id)
    os.kill(supervisor, signal.SIGSTOP)
    try:
        term, folders = host.json("workspace", "show")["turn"], _list_local_folders(host)
        _damage(host, b"")
        _remove_copies(host)
        assert host.json("workspace", "show", "--take-over")["turn"] > term
        assert _list_local_folders(host) == folders
        assert host.show(run_id)["status"] == "Running"
    finally:
        os.kill(supervisor, signal.SIGCONT)
    host("run", "cancel", "-r", run_id)
    assert host.wait(run_id)["status"] == "Canceled"


def test_a_home_without_any_record_is_refused_until_nothing_has_used_it_for_a_lease(host: Host, other: Host) -> None:
    _damage(host, None)
    _remove_copies(host)
    _write_last_use(host, 2)
    for words in (_WRITING, ("run", "list")):
        failure = other.fails(*words, exit_code=1)
        assert failure.code == _CODE
        assert "hosts/current, which names the host" in failure.text and "--take-over" in failure.text

    _write_last_use(host, 61)
    other(*_WRITING)
    assert other.json("workspace", "show")["host"] == "login2"
