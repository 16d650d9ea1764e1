"""A home on a network file system whose record of the host that has it is lost, damaged, or older than it was."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.engines.network_home import Host

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
    for number in (term, term + 1):
        (_get_exported_home(host) / "hosts" / str(number)).touch()
        (hosts / str(number)).unlink()  # its client knows what it does itself

    assert _take_over_and_add_rows(host, 1) == [term, count + 1001]
    assert discarded.read_text(encoding="ascii") != before
