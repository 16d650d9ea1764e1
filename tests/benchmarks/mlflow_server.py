"""MLflow's server over runs similar to those of `seed_pages`, queried as its own pages query it."""

from __future__ import annotations

import http.client
import json
import math
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from tests.benchmarks.seed import BATCH, CURVE_POINTS, CURVES
from tests.running import until

_PREFIX = "/ajax-api/2.0/mlflow"
_ROWS = 50
_MAX_RUNS_OF_A_CURVE = 100
_TIMEOUT_SECONDS = 600.0
_SETTLES_SECONDS = 20.0


class MlflowServer:
    """A running server: `address` is its page, and the newest `names` of its runs have curves."""

    def __init__(self, port: int, names: Sequence[str]) -> None:
        self._port = port
        self.address = f"http://127.0.0.1:{port}"
        self.names = names

    def search(self, condition: str = "") -> None:
        """Request the newest runs that fulfil a condition, as the page of runs does."""
        document = {
            "experiment_ids": ["0"],
            "filter": condition,
            "max_results": _ROWS,
            "order_by": ["attributes.start_time DESC"],
            "run_view_type": "ACTIVE_ONLY",
        }
        self._ask("POST", f"{_PREFIX}/runs/search", document)

    def curves(self, metric: str, names: Sequence[str]) -> None:
        """Request a thinned-out metric of some runs, as the charts do."""
        for start in range(0, len(names), _MAX_RUNS_OF_A_CURVE):
            asked = "&".join(f"run_ids={name}" for name in names[start : start + _MAX_RUNS_OF_A_CURVE])
            query = f"{asked}&metric_key={metric}&max_results=320"
            self._ask("GET", f"{_PREFIX}/metrics/get-history-bulk-interval?{query}")

    def _ask(self, method: str, path: str, document: object = None) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_SECONDS)) as connection:
            body = None if document is None else json.dumps(document)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status == 200, said[:500]


@contextmanager
def mlflow_serving(program: str, folder: Path, count: int, long_curve: int) -> Iterator[MlflowServer]:
    """Serve `count` runs from a database in a folder during the block.

    Args:
        program: the command `mlflow`.
        folder: for its database.
        count: how many runs.
        long_curve: how many values the metric `long` of the newest run has.
    """
    store = folder / "mlflow.db"
    subprocess.run([program, "db", "upgrade", f"sqlite:///{store}"], check=True, capture_output=True)
    _fill(store, folder, count, long_curve)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = int(free.getsockname()[1])
    words = [program, "ui", "--backend-store-uri", f"sqlite:///{store}", "--port", str(port), "--workers", "1"]
    served = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _answers(port))
        time.sleep(_SETTLES_SECONDS)  # it answers while others of its processes still start
        yield MlflowServer(port, [_name(number) for number in range(max(1, count - CURVES + 1), count + 1)])
    finally:
        served.terminate()
        served.wait()


def _answers(port: int) -> bool:
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
    except OSError:
        return False


def _name(number: int) -> str:
    return f"{number:032x}"


def _fill(store: Path, folder: Path, count: int, long_curve: int) -> None:
    """Write directly into MLflow's tables, because its own calls would take hours for a million runs."""
    tables = {
        "runs": lambda number: [_run(number, folder)],
        "tags": _tags,
        "latest_metrics": _latest_metrics,
    }
    with closing(sqlite3.connect(store)) as database:
        now = time.time_ns() // 1_000_000
        row = (0, "Default", str(folder), "active", now, now)
        columns = "experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time"
        database.execute(f"INSERT OR REPLACE INTO experiments ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row)
        for table, rows_of in tables.items():
            _insert(database, table, (row for number in range(1, count + 1) for row in rows_of(number)))
        for number in range(max(1, count - CURVES + 1), count + 1):
            _insert(database, "metrics", _curve("curve", CURVE_POINTS, number))
        _insert(database, "metrics", _curve("long", long_curve, count))
        for name in ("curve", "long"):
            _insert(database, "latest_metrics", [(name, 0.5, now, CURVE_POINTS, 0, _name(count))])


def _insert(database: sqlite3.Connection, table: str, rows: Any) -> None:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        places = ", ".join("?" * len(batch[0]))
        with database:
            database.executemany(f"INSERT INTO {table} VALUES ({places})", batch)


def _run(number: int, folder: Path) -> tuple[object, ...]:
    started = 1_700_000_000_000 + number * 1000
    names = (_name(number), f"trial {number}", "LOCAL", "train.py", "", f"user{number % 20}")
    times = ("FINISHED", started, started + 60_000, "")
    return (*names, *times, "active", str(folder / _name(number)), 0, None)


def _tags(number: int) -> list[tuple[object, ...]]:
    pairs = {
        "model": f"m{number % 50}",
        "quality": "fantastic run" if number % 1000 == 0 else "usual",
        f"week{number % 52}": "",
    }
    return [(key, value, _name(number)) for key, value in pairs.items()]


def _latest_metrics(number: int) -> list[tuple[object, ...]]:
    accuracy = number * 7919 % 1_000_003 / 1_000_003
    return [(key, value, 0, 0, 0, _name(number)) for key, value in (("accuracy", accuracy), ("loss", 1 - accuracy))]


def _curve(name: str, points: int, number: int) -> Iterator[tuple[object, ...]]:
    for step in range(points):
        value = math.exp(-5 * step / points) + math.sin(step * number) / 20
        yield name, value, step, _name(number), step, 0
