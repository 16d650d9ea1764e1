"""A campaign of kills on an engine: `python -m tests.endurance.engine_kills --rounds 300 --seed N`.

Each round submits a run to a target with an engine, or a sweep whose runs go to it together, cancels a run or kills or
takes away one of those that have to do with it at a random moment, and compares the records of the ended runs with what
their scripts have written down themselves.
"""

from __future__ import annotations

import argparse
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tests.running import ENDED, Mlrun, find_processes, kill, until, words_of

_AT_ONCE = 3
_CANCEL = "cancel"
_FORCED_CANCEL = "forced cancel"
_FORCED_DELETION = "forced deletion"
_FORCED = (_FORCED_CANCEL, _FORCED_DELETION)
_COUNTS = (0, 20, 500, 20_000)
_LONGEST_DELAY_SECONDS = 3.0
_LEAVING_SECONDS = 30.0
_REMOVAL_SECONDS = 150.0
"""More than the longest pause between two tries to remove secrets from a machine that could not be reached."""
_TIMEOUT_SECONDS = 500.0

_SCRIPT = """
    import os, sys
    from azureml.core import Run

    path, number, exit_code = "-".join((sys.argv[1], *sys.argv[5:])), int(sys.argv[2]), int(sys.argv[3])
    attempt = 1
    while os.path.exists(f"{path}.{attempt}"):
        attempt += 1
    count = os.open(f"{path}.{attempt}", os.O_WRONLY | os.O_CREAT, 0o600)
    run = Run.get_context()
    for value in range(number):
        run.log("x", float(value))
        os.pwrite(count, b"%d" % (value + 1), 0)
    open(f"{path}.done", "w").close()
    sys.exit(exit_code)
"""


Fault = Callable[[str, random.Random], object]
"""A fault that a round causes; it gets the id of the round's run, and the round's random numbers."""


class Engine(Protocol):
    """An engine under test, with a target in the workspace of a command.

    Attributes:
        mlrun: the command.
        target: the name of the target.
        sweep_size: the number of runs that a round may submit together; 1 if the engine gets each alone.
    """

    mlrun: Mlrun
    target: str
    sweep_size: int

    @property
    def marks(self) -> Path:
        """A folder that has the same path on nodes, and that is not the target's, for what scripts write down."""

    @property
    def losses(self) -> int:
        """A number that is increased before and after each fault which may end the runs of other rounds."""

    def list_node_programs(self, run_id: str) -> list[int]:
        """Return the pids of the supervisors of a run on its nodes."""

    def list_faults(self) -> Mapping[str, Fault]:
        """Return the faults of the engine that a round may cause, by name."""

    def may_lose_job(self, fault: str) -> bool:
        """Return whether a run may end otherwise than its script after this fault."""


class Finding(NamedTuple):
    """A fault found in a round."""

    kind: str
    text: str


class Round:
    """One round, with its own experiment and random numbers, so that it can be repeated alone."""

    def __init__(self, engine: Engine, number: int, seed: int) -> None:
        self._engine = engine
        self._mlrun = engine.mlrun
        self._chance = random.Random(f"{seed}-{number}")
        self.number = number
        self.victim = self._chance.choice([_CANCEL, *_FORCED, *_VICTIMS, *engine.list_faults()])
        self._path = engine.marks / f"r{number}"
        self._count = self._chance.choice(_COUNTS) + self._chance.randrange(10)
        self._exit_code = self._chance.choice((0, 0, 0, 3))
        self._size = 1 if engine.sweep_size == 1 else self._chance.choice((1, engine.sweep_size, engine.sweep_size))
        self.findings: list[Finding] = []
        self._losses_before = 0

    def __str__(self) -> str:
        return f"round {self.number} ({self.victim})"

    def play(self) -> Round:
        """Play the round, adding the faults to `findings`, and return it."""
        self._path.parent.mkdir(exist_ok=True)
        try:
            self._play()
        except Exception as error:
            self._find("broken", f"{type(error).__name__}: {error}")
        return self

    def _play(self) -> None:
        self._losses_before = self._engine.losses
        submitted = until(self._submit, _TIMEOUT_SECONDS)
        runs = {submitted: self._path}
        if self._size > 1:
            numbers = range(self._size)
            runs = {f"{submitted}_{number}": Path(f"{self._path}-{number}") for number in numbers}
        run_id = self._chance.choice(sorted(runs))
        time.sleep(self._chance.uniform(0, _LONGEST_DELAY_SECONDS) ** 2 / _LONGEST_DELAY_SECONDS)
        until(lambda: self._is_ready(run_id), _TIMEOUT_SECONDS)
        if self._has_job(run_id) or not self._needs_job:  # else the run has ended without one
            self._cause_fault(run_id)
        if self._size > 1:
            self._judge_sweep(submitted, self._wait(submitted))
        for each, path in runs.items():
            record = self._wait(each)
            self._judge_status(each, record, path, is_victim=each == run_id)
            self._judge_values(each, path)
        try:
            until(lambda: not any(map(self._list_left, runs)), _LEAVING_SECONDS)
        except AssertionError:  # an engine may start a job late, which ends at once: only what stays is left
            for each in runs:
                for pid in self._list_left(each):
                    self._find("left process", f"{each} has left {words_of(pid)}")

    def _is_ready(self, run_id: str) -> bool:
        """Return whether a run, which others may submit, or submit again, is there for the fault of this round."""
        if self.victim in _SERVANTS:
            return True
        statuses = [status for (status,) in self._mlrun.stored("SELECT status FROM runs WHERE run_id = ?", run_id)]
        has_ended = bool(statuses) and statuses[0] in ENDED
        return self._has_job(run_id) or has_ended if self._needs_job else bool(statuses)

    @property
    def _needs_job(self) -> bool:
        """Whether the fault of this round is one of the run's job, or of what it has started."""
        return self.victim not in {_CANCEL, *_FORCED, *_SERVANTS}

    def _has_job(self, run_id: str) -> bool:
        sql = "SELECT value FROM run_properties JOIN runs USING (run_key) WHERE run_id = ? AND key IN (?, ?, ?, ?)"
        return bool(self._mlrun.stored(sql, run_id, *_JOB_PROPERTIES))

    def _cause_fault(self, run_id: str) -> None:
        if self.victim == _CANCEL:
            self._mlrun("run", "cancel", "-r", run_id, timeout=_TIMEOUT_SECONDS)
        elif self.victim == _FORCED_CANCEL:
            self._force("run", "cancel", "-r", run_id, "--force")
        elif self.victim == _FORCED_DELETION:
            self._force("run", "delete", "-r", run_id, "--force", "--yes")
            self._judge_deletion(run_id)
        elif self.victim in _VICTIMS:
            kill(*_VICTIMS[self.victim](self._engine, run_id))
        else:
            self._engine.list_faults()[self.victim](run_id, self._chance)

    def _judge_sweep(self, sweep_id: str, record: dict[str, Any]) -> None:
        """Check that a sweep has ended, and that it has each of its runs once."""
        if record["status"] not in {"Completed", "Failed"}:
            self._find("wrong status", f"{sweep_id} is {record['status']}")
        sql = "SELECT count(*), count(DISTINCT run_id) FROM runs WHERE run_id LIKE ?"
        if (counts := self._mlrun.stored(sql, f"{sweep_id}_%")) != [(self._size, self._size)]:
            self._find("lost", f"{sweep_id} has {counts} of {self._size} runs")

    def _force(self, *words: str) -> None:
        """Run a command until it succeeds, which it does not while the engine or the shared folder is away."""
        until(lambda: self._mlrun(*words, check=False, timeout=_TIMEOUT_SECONDS).returncode == 0, _TIMEOUT_SECONDS)

    def _judge_deletion(self, run_id: str) -> None:
        """Check that a deleted run is gone with its processes, and take it back out of the trash."""
        if self._mlrun("run", "show", "-r", run_id, check=False).returncode == 0:
            self._find("wrong status", f"{run_id} is shown after its deletion")
        with suppress(AssertionError):
            until(lambda: not self._list_left(run_id), _LEAVING_SECONDS)
        self._force("run", "restore", "-r", run_id)

    def _wait(self, run_id: str) -> dict[str, Any]:
        """Wait for the end of the run; an engine may let a job wait for minutes before it starts it again."""
        # It may print the traceback of a script that could not log, as it has to.
        self._mlrun.run(*self._mlrun.command, "run", "wait", "-r", run_id, timeout=_TIMEOUT_SECONDS)
        return self._mlrun.show(run_id)

    def _submit(self) -> str | None:
        """Submit the run; return None if the engine is away and nothing is left of the submission."""
        words = ("work.py", str(self._path), str(self._count), str(self._exit_code))
        experiment = f"r{self.number}"
        command = ["submit-script"]
        if self._size > 1:
            copies = ",".join(map(str, range(self._size)))
            command = ["sweep", "--grid", f"copy={copies}", "--concurrent", str(self._size), "--maximize", "x"]
        done = self._mlrun(
            *("run", *command, "--async", "-e", experiment, "--ct", self._engine.target, *words), check=False
        )
        sql = "SELECT run_id FROM runs JOIN experiments USING (experiment_key) WHERE name = ? AND parent_key IS NULL"
        rows = [run_id for (run_id,) in self._mlrun.stored(sql, experiment)]
        if done.returncode == 0 and len(rows) != 1:
            self._find("doubled", f"{len(rows)} rows of one submit")
        return rows[0] if rows else None

    def _list_left(self, run_id: str) -> list[int]:
        return [*self._mlrun.processes(run_id), *self._engine.list_node_programs(run_id)]

    def _judge_status(self, run_id: str, record: dict[str, Any], path: Path, *, is_victim: bool) -> None:
        status, history = record["status"], self._mlrun.history(run_id)
        if status not in ENDED or history[-1] != status or sum(each in ENDED for each in history) != 1:
            self._find("wrong status", f"{run_id} is {status} after {history}")
        if is_victim and self.victim in {_CANCEL, *_FORCED} and status == "Canceled":
            return
        is_done = Path(f"{path}.done").exists()
        if is_done and record.get("exit_code") == self._exit_code:
            # Whether a job was stopped just before or just after the end of its script cannot be told: engines signal
            # all processes of a job, and a script may obey with exit code 0.
            was_stopped = status == "Canceled" and self._engine.may_lose_job(self.victim)
            if status != ("Failed" if self._exit_code else "Completed") and not was_stopped:
                self._find("wrong status", f"{run_id} is {status} after exit code {self._exit_code}")
            return
        was_killed = is_victim and self.victim == "script" and record.get("signal") == "SIGKILL"
        may_be_lost = is_victim and (self.victim == "supervisor" or self._engine.may_lose_job(self.victim))
        may_be_lost = may_be_lost or self._has_had_losses()
        if status == "Completed" or not (was_killed or may_be_lost):
            self._find("wrong status", f"{run_id} is {status}, done: {is_done}, {record.get('error')}")

    def _judge_values(self, run_id: str, path: Path) -> None:
        least = Counter(number for count in self._read_counts(path) for number in map(float, range(count)))
        # A forced end does not wait long for values that cannot be read, but they come.
        with suppress(AssertionError):
            until(lambda: not least - self._read_values(run_id), _REMOVAL_SECONDS if self.victim in _FORCED else 0.0)
        found = self._read_values(run_id)
        # A script may have been killed between the call and the count.
        most = Counter(number for count in self._read_counts(path) for number in map(float, range(count + 1)))
        may_lack_values = self.victim in _FORCED and self._has_had_losses()
        if (lost := least - found) and not may_lack_values:
            self._find("lost", f"{run_id} has lost {lost.total()} of {least.total()} acknowledged values")
        if doubled := found - most:
            self._find("doubled", f"{run_id} has {doubled.total()} values too many")

    def _read_counts(self, path: Path) -> list[int]:
        """Return how many values the script of each attempt has logged, as it has counted them."""
        attempts = sorted(path.parent.glob(f"{path.name}.[0-9]*"))
        return [int(attempt.read_bytes() or b"0") for attempt in attempts]

    def _read_values(self, run_id: str) -> Counter[float]:
        """Return how often each value that a run's script has logged is stored."""
        sql = (
            "SELECT number FROM metric_values JOIN metrics USING (metric_key) JOIN runs USING (run_key)"
            " WHERE run_id = ? AND metrics.name NOT LIKE 'resources/%'"
        )
        return Counter(number for (number,) in self._mlrun.stored(sql, run_id))

    def _has_had_losses(self) -> bool:
        """Return whether a fault of any round may have ended the run."""
        return self._losses_before % 2 == 1 or self._engine.losses != self._losses_before

    def _find(self, kind: str, text: str) -> None:
        self.findings.append(Finding(kind, text))


def list_collectors(mlrun: Mlrun) -> list[int]:
    """Return the pids of the collectors of a home."""
    return _list_programs(mlrun, "mlrun_cli/collector/__main__.py")


def stop_collectors(mlrun: Mlrun) -> list[int]:
    """Send SIGSTOP to the collectors of a home while none of them is writing to the store; return their pids."""
    collectors = list_collectors(mlrun)
    with closing(sqlite3.connect(mlrun.database, timeout=30.0, isolation_level=None)) as store:
        store.execute("BEGIN IMMEDIATE")
        kill(*collectors, number=signal.SIGSTOP)
        store.execute("ROLLBACK")
    return collectors


def list_minders(mlrun: Mlrun) -> list[int]:
    """Return the pids of the processes of a home that control sweeps."""
    return _list_programs(mlrun, "mlrun_cli/controller/__main__.py")


def _list_programs(mlrun: Mlrun, name: str) -> list[int]:
    mine = find_processes("MLRUN_HOME", str(mlrun.home))
    return [pid for pid in mine if any(word.endswith(name) for word in words_of(pid))]


_VICTIMS: dict[str, Callable[[Engine, str], Sequence[int]]] = {
    "script": lambda engine, run_id: engine.mlrun.processes(run_id),
    "supervisor": lambda engine, run_id: engine.list_node_programs(run_id),
    "collector": lambda engine, _: list_collectors(engine.mlrun),
    "minder": lambda engine, _: list_minders(engine.mlrun),
}
_JOB_PROPERTIES = ("pool_job_id", "ray_submission_id", "remote_job_id", "slurm_job_id")
_SERVANTS = frozenset({"collector", "minder"})
"""The victims that have to do with a run before it has a job, or is recorded."""


def campaign(engine: Engine, numbers: Sequence[int], seed: int, say: Callable[[str], object] = print) -> list[Finding]:
    """Play rounds, print their faults as they are found, and return all of them."""
    engine.mlrun.script(_SCRIPT, "work.py")
    victims: Counter[str] = Counter()
    found: list[Finding] = []
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for played in threads.map(lambda number: Round(engine, number, seed).play(), numbers):
            victims[played.victim] += 1
            for finding in played.findings:
                say(f"{played}, seed {seed}: {finding.kind}: {finding.text}")
            found += played.findings

    def list_secrets() -> list[Path]:
        return list(engine.mlrun.home.parent.rglob("secrets.json"))

    with suppress(AssertionError):
        until(lambda: not list_secrets(), _REMOVAL_SECONDS)
    secrets = [Finding("secrets", str(path)) for path in list_secrets()]
    for finding in secrets:
        say(f"at the end, seed {seed}: {finding.kind}: {finding.text}")
    found += secrets
    say(f"{sum(victims.values())} rounds, seed {seed}: {dict(victims)}; wrong: {dict(Counter(f.kind for f in found))}")
    return found


def main() -> int:
    """Play the campaign specified on the command line; return 1 if there were faults."""
    from tests.endurance.engines import ENGINES  # noqa: PLC0415 — they import this module

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=sorted(ENGINES), default="pool")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--only", type=int, action="append", help="a round to be played alone, from 0 on")
    parser.add_argument("--folder", type=Path, help="where to work; kept. Default: a temporary folder")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="kills-") as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        with ENGINES[arguments.engine](folder) as engine:
            found = campaign(engine, arguments.only or range(arguments.rounds), arguments.seed)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
