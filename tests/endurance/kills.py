"""A campaign of kills: `python -m tests.endurance.kills --rounds 1000 --seed N`.

Each round starts a run, kills one of those that have to do with it at a random moment, and looks at what is left. The
rounds share a workspace, in which several go on at once.

With `--network`, the home is on a network file system, and two hosts take turns: see `network_campaign`.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

from tests.engines.network_home import Host, start_hosts
from tests.running import ENDED, Mlrun, find_processes, is_alive, kill, until, words_of

TARGET = "cluster"
_NODES = 2
_AT_ONCE = 3
_COUNTS = (0, 20, 500, 4000)
_LONGEST_DELAY_SECONDS = 0.9
_LONGEST_RECOVERY_SECONDS = 0.12
_RECOVERY_PATIENCE_SECONDS = 1.0
_LEAVING_SECONDS = 20.0
_ROUNDS_OF_A_TURN = 15
_AT_ONCE_ON_A_HOST = 8
_LOSS_CHANCE = 0.4
_START_CHANCE = 0.8
_LONG_COUNT = 200_000
_LOOK_AGAIN_SECONDS = 2.0
_WRITING = ("workspace", "create", "--description", "text")

_SCRIPT = """
    import os, subprocess, sys
    from azureml.core import Run

    path, number, exit_code = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(path + ".starts", "a") as starts:
        starts.write("x")
    if number % 8:
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        subprocess.Popen(["sleep", "600"])
    run = Run.get_context()
    count = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    for value in range(number):
        run.log("x", float(value))
        os.pwrite(count, b"%d" % (value + 1), 0)
    open(path + ".done", "w").close()
    sys.exit(exit_code)
"""
_DRIVER = """
    import os, sys
    from azureml.core import Experiment, Workspace

    path, number, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    run = Experiment(Workspace.from_config(), name).start_logging()
    open(path + ".starts", "w").write("x")
    count = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    for value in range(number):
        run.log("x", float(value))
        os.pwrite(count, b"%d" % (value + 1), 0)
    open(path + ".said", "w").close()
    run.complete()
    open(path + ".done", "w").close()
"""


class Finding(NamedTuple):
    """A fault found in a round."""

    kind: str
    text: str


class Work:
    """The work of one run's script: its parameters, and its progress according to the script itself."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self.path = path
        self.number = chance.choice(_COUNTS) + chance.randrange(10)
        self.exit_code = chance.choice((0, 0, 0, 3))

    def words(self) -> list[str]:
        return [str(self.path), str(self.number), str(self.exit_code)]

    @property
    def acknowledged(self) -> int:
        return int(self.path.read_bytes() or b"0") if self.path.exists() else 0

    @property
    def starts(self) -> int:
        path = Path(f"{self.path}.starts")
        return len(path.read_text()) if path.exists() else 0

    def has(self, mark: str) -> bool:
        return Path(f"{self.path}.{mark}").exists()


class Round:
    """One round, with its own experiment and random numbers, so that it can be repeated alone."""

    def __init__(self, mlrun: Mlrun, number: int, seed: int) -> None:
        self._mlrun = mlrun
        self._chance = random.Random(f"{seed}-{number}")
        self.number = number
        self.victim = self._chance.choice(tuple(_VICTIMS))
        self._experiment = f"r{number}"
        self._folder = mlrun.folder.parent / "work" / self._experiment
        self._folder.mkdir(parents=True)
        self.findings: list[Finding] = []

    def __str__(self) -> str:
        return f"round {self.number} ({self.victim})"

    def play(self) -> Round:
        """Play the round, adding the faults to `findings`, and return it."""
        try:
            _VICTIMS[self.victim](self)
        except Exception as error:
            self._find("broken", f"{type(error).__name__}: {error}")
        return self

    def _find(self, kind: str, text: str) -> None:
        self.findings.append(Finding(kind, text))

    def _work(self, name: str = "work") -> Work:
        return Work(self._folder / name, self._chance)

    def _submit(self, work: Work, *words: str) -> subprocess.Popen[str]:
        queue = ["--ct", TARGET] if self._chance.random() < 0.3 else []
        named = ["-e", self._experiment, *(words or queue)]
        return self._mlrun.start("run", "submit-script", "--async", *named, "work.py", *work.words())

    def _rows(self) -> list[str]:
        sql = "SELECT run_id FROM runs JOIN experiments USING (experiment_key) WHERE name = ? ORDER BY run_key"
        return [run_id for (run_id,) in self._mlrun.stored(sql, self._experiment)]

    def _submitted(self, submitting: subprocess.Popen[str]) -> str:
        """Return the run's id as soon as the run has a row."""
        until(lambda: self._rows() or submitting.poll())
        assert self._rows(), submitting.communicate()[1]
        return self._rows()[0]

    def _linger(self, longest: float = _LONGEST_DELAY_SECONDS) -> None:
        time.sleep(self._chance.uniform(0, longest) ** 2 / longest)  # sooner more often than later

    def kill_of_run(self) -> None:
        """Kill the script, its supervisor, both, or all processes of the run."""
        work = self._work()
        submitting = self._submit(work)
        run_id = self._submitted(submitting)
        self._linger()
        pids = [] if self.victim == "script" else self._mlrun.supervisors(run_id)
        if self.victim != "supervisor":
            pids += self._mlrun.processes(run_id)
        if self.victim == "group":
            pids.append(self._mlrun.find_pid(submitting))
        kill(*pids)
        submitting.communicate()
        self._judge(run_id, work)

    def kill_of_submit(self) -> None:
        """Kill the command at a random moment, from its start until after its run has started."""
        work = self._work()
        submitting = self._submit(work)
        self._linger()
        kill(self._mlrun.find_pid(submitting))
        submitting.communicate()
        self._mlrun("run", "list", "-e", self._experiment)  # a look
        rows = self._rows()
        for run_id in rows:
            self._judge(run_id, work)
        if len(rows) > 1 or (not rows and work.starts):
            self._find("doubled", f"{len(rows)} rows, {work.starts} starts")

    def kill_of_recovery(self) -> None:
        """Kill the supervisor, and then the process that recovers its run."""
        work = self._work()
        submitting = self._submit(work)
        run_id = self._submitted(submitting)
        self._linger()
        kill(*self._mlrun.supervisors(run_id))
        submitting.communicate()
        looking = self._mlrun.start("run", "show", "-r", run_id)
        deadline = time.monotonic() + _RECOVERY_PATIENCE_SECONDS
        while time.monotonic() < deadline and looking.poll() is None and not (pids := _recoveries(self._mlrun)):
            time.sleep(0.002)
        self._linger(_LONGEST_RECOVERY_SECONDS)
        kill(*(pids or _recoveries(self._mlrun)) if looking.poll() is None else ())
        looking.communicate()
        self._judge(run_id, work)

    def kill_of_dispatcher(self) -> None:
        """Kill the dispatcher, its fork server, or both, after each of three submissions to a target with few nodes."""
        works = [self._work(f"work{place}") for place in range(3)]
        for work in works:
            assert self._submit(work, "--ct", TARGET).communicate()
            self._linger(_LONGEST_DELAY_SECONDS / 3)
            programs = self._chance.choice((["dispatcher.py"], ["fork_server.py"], ["dispatcher.py", "fork_server.py"]))
            kill(*chain.from_iterable(map(self._mlrun.programs, programs)))
        rows = self._rows()
        if len(rows) != len(works):
            self._find("lost", f"{len(rows)} rows of {len(works)} submissions")
        for run_id, work in zip(rows, works, strict=False):
            self._judge(run_id, work)

    def kill_of_driver(self) -> None:
        """Kill a process that has opened a run itself."""
        work = self._work()
        driving = subprocess.Popen(
            [*self._mlrun.enter, sys.executable, "driver.py", str(work.path), str(work.number), self._experiment],
            cwd=self._mlrun.folder,
            env=self._mlrun.environment,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self._linger(2 * _LONGEST_DELAY_SECONDS)
        kill(self._mlrun.find_pid(driving))
        told = driving.communicate()[1]
        if "Traceback" in told:
            self._find("broken", told)
        self._mlrun("run", "list", "-e", self._experiment)  # a look
        rows = self._rows()
        if len(rows) != work.starts and not (len(rows) == 1 and not work.starts):
            self._find("lost", f"{len(rows)} rows, {work.starts} starts")
        for run_id in rows:
            status = self._mlrun.stored_status(run_id)
            if status not in ("Completed", "Failed") or (work.has("done") and status != "Completed"):
                self._find("wrong status", f"{run_id} is {status}")
            if status == "Completed" and not work.has("said"):
                self._find("wrong status", f"{run_id} is Completed after {work.acknowledged} of {work.number} values")
            self._judge_values(run_id, work)

    def _judge(self, run_id: str, work: Work) -> None:
        """Wait for the end of a run, and compare its record with what its script has written down."""
        record = self._mlrun.wait(run_id)
        self._judge_status(run_id, record, work)
        self._judge_values(run_id, work)
        if work.starts > 1 or (record["status"] == "Completed" and work.starts != 1):
            self._find("doubled", f"{run_id} was started {work.starts} times")
        with suppress(AssertionError):
            until(lambda: not [*self._mlrun.processes(run_id), *self._mlrun.supervisors(run_id)], _LEAVING_SECONDS)
        for pid in [*self._mlrun.processes(run_id), *self._mlrun.supervisors(run_id)]:
            if is_alive(pid):
                self._find("left process", f"{run_id} has left {words_of(pid)}")
        if (self._mlrun.run_folder(run_id) / "secrets.json").exists():
            self._find("secrets", f"{run_id} has left its secrets")

    def _judge_status(self, run_id: str, record: dict[str, Any], work: Work) -> None:
        status, history = record["status"], self._mlrun.history(run_id)
        if status not in ENDED or history[-1] != status or len(set(history)) != len(history):
            self._find("wrong status", f"{run_id} is {status} after {history}")
        ended_by_itself = work.has("done") and record.get("exit_code") == work.exit_code
        if ended_by_itself and status == ("Failed" if work.exit_code else "Completed"):
            return
        message = record.get("error", {}).get("error", {}).get("message", "")
        lost_its_supervisor = message.startswith("The supervisor of the run died")
        may_lose_it = self.victim in {"supervisor", "both", "group", "recovery", "submit"}
        was_killed = record.get("signal") == "SIGKILL" and self.victim in {"script", "both", "group"}
        if status != "Failed" or not (was_killed or (lost_its_supervisor and may_lose_it)):
            self._find("wrong status", f"{run_id} is {status}, done: {work.has('done')}, {record}")

    def _judge_values(self, run_id: str, work: Work) -> None:
        sql = (
            "SELECT number FROM metric_values JOIN metrics USING (metric_key) JOIN runs USING (run_key)"
            " WHERE run_id = ? AND metrics.name NOT LIKE 'resources/%' ORDER BY position"
        )
        values = [number for (number,) in self._mlrun.stored(sql, run_id)]
        if values != [float(number) for number in range(len(values))]:
            kind = "doubled" if len(set(values)) < len(values) else "lost"
            self._find(kind, f"{run_id} has other values than it has logged, {len(values)} of them")
        if len(values) - work.acknowledged not in {0, 1}:  # killed between the call and the count
            self._find("lost", f"{run_id} has {len(values)} values, {work.acknowledged} were acknowledged")


_VICTIMS: dict[str, Callable[[Round], None]] = {
    "submit": Round.kill_of_submit,
    "script": Round.kill_of_run,
    "supervisor": Round.kill_of_run,
    "both": Round.kill_of_run,
    "group": Round.kill_of_run,
    "recovery": Round.kill_of_recovery,
    "dispatcher": Round.kill_of_dispatcher,
    "driver": Round.kill_of_driver,
}


def _mine(mlrun: Mlrun) -> list[int]:
    """Return the pids of all processes of this home."""
    return find_processes("MLRUN_HOME", str(mlrun.home))


def _recoveries(mlrun: Mlrun) -> list[int]:
    return [pid for pid in _mine(mlrun) if "--recover" in words_of(pid)]


def _leftovers(mlrun: Mlrun) -> list[Finding]:
    """Return the faults of the workspace after all rounds."""
    mlrun("run", "list")
    found = [
        Finding("wrong status", f"{run_id} is {status} at the end")
        for run_id, status in mlrun.stored("SELECT run_id, status FROM runs")
        if status not in ENDED
    ]
    with suppress(AssertionError):
        until(lambda: not list(_mine(mlrun)), _LEAVING_SECONDS)
    found += [Finding("left process", f"{pid}: {words_of(pid)}") for pid in _mine(mlrun)]
    found += [Finding("secrets", str(path)) for path in mlrun.seen.rglob("secrets.json")]
    found += [Finding("left file", str(path)) for path in mlrun.database.parent.glob("submits/[!.]*")]
    ((intact,),) = mlrun.stored("PRAGMA integrity_check")
    return found if intact == "ok" else [*found, Finding("damage", str(intact))]


def campaign(mlrun: Mlrun, numbers: Sequence[int], seed: int, say: Callable[[str], object] = print) -> list[Finding]:
    """Play rounds, print their faults as they are found, and return all of them."""
    mlrun("computetarget", "create", "amlcompute", "-n", TARGET, "--max-nodes", str(_NODES))
    report = _Report(seed, say)
    _play(mlrun, numbers, report, _AT_ONCE)
    report.add("at the end", _leftovers(mlrun))
    return report.end()


class _Report:
    """The rounds that were played, and the faults that were found, printed as they are."""

    def __init__(self, seed: int, say: Callable[[str], object]) -> None:
        self.seed = seed
        self.victims: Counter[str] = Counter()
        self._say = say
        self._found: list[Finding] = []

    def add(self, where: object, findings: Sequence[Finding]) -> None:
        """Add and print faults."""
        for finding in findings:
            self._say(f"{where}, seed {self.seed}: {finding.kind}: {finding.text}")
        self._found += findings

    def end(self) -> list[Finding]:
        """Print the figures, and return all faults."""
        played, wrong = sum(self.victims.values()), dict(Counter(finding.kind for finding in self._found))
        self._say(f"{played} rounds, seed {self.seed}: {dict(self.victims)}; wrong: {wrong}")
        return self._found


def _play(mlrun: Mlrun, numbers: Sequence[int], report: _Report, at_once: int) -> None:
    mlrun.script(_SCRIPT, "work.py")
    mlrun.script(_DRIVER, "driver.py")
    with ThreadPoolExecutor(at_once) as threads:
        for played in threads.map(lambda number: Round(mlrun, number, report.seed).play(), numbers):
            report.victims[played.victim] += 1
            report.add(played, played.findings)


def network_campaign(
    hosts: Sequence[Host], numbers: Sequence[int], seed: int, say: Callable[[str], object] = print
) -> list[Finding]:
    """Play rounds on hosts that share a home on a network file system; print their faults, and return all of them.

    The hosts take turns. Before each turn, all try to take the home at once, and whoever has it then plays some rounds,
    eight at a time, while the others must be able to read, and be refused when they submit. At the end of some turns
    the host loses its power while a run is live; another one takes the home and records how that run ended.
    """
    hosts[0]("computetarget", "create", "amlcompute", "-n", TARGET, "--max-nodes", str(_NODES))
    chance = random.Random(f"{seed}-hosts")
    report = _Report(seed, say)
    lost: list[tuple[str, Work]] = []
    with ThreadPoolExecutor(len(hosts)) as threads:
        for start in range(0, len(numbers), _ROUNDS_OF_A_TURN):
            list(threads.map(lambda host: host("workspace", "show", "--take-over", check=False), hosts))
            writes = list(threads.map(lambda host: host(*_WRITING, check=False), hosts))
            (playing,) = (host for host, write in zip(hosts, writes, strict=True) if write.returncode == 0)
            is_over = Event()
            trying = [threads.submit(_try_until, is_over, host) for host in hosts if host is not playing]
            try:
                _play(playing, numbers[start : start + _ROUNDS_OF_A_TURN], report, _AT_ONCE_ON_A_HOST)
            finally:
                is_over.set()
            report.add(playing.name, [finding for each in trying for finding in each.result()])
            for run_id, work in lost:
                report.add(playing.name, _judge_lost(playing, run_id, work))
            is_last = start + _ROUNDS_OF_A_TURN >= len(numbers)
            lost = [_lose(playing, start, chance)] if not is_last and chance.random() < _LOSS_CHANCE else []
            report.victims["host"] += len(lost)
    (last, *_) = hosts
    last("workspace", "show", "--take-over")
    report.add("at the end", _leftovers(last))
    return report.end()


def _try_until(is_over: Event, host: Host) -> list[Finding]:
    """Use the home from a host that does not have it, again and again.

    Return each time that it could not read there, and each time that it could do more.
    """
    found = []
    while not is_over.wait(_LOOK_AGAIN_SECONDS):
        looked = host("run", "list", check=False)
        if looked.returncode != 0:
            found.append(Finding("two hosts", f"{host.name} cannot read: {looked.stderr}"))
        done = host("run", "submit-script", "--async", "-e", "intruder", "work.py", "x", "0", "0", check=False)
        if done.returncode != 1 or "is in use from" not in done.stderr:
            found.append(Finding("two hosts", f"{host.name} can submit: {done.returncode}, {done.stderr}"))
    return found


def _lose(host: Host, number: int, chance: random.Random) -> tuple[str, Work]:
    """Start a run on a host, and cut the power of the host; return the run's id and its work."""
    folder = host.folder.parent / "work"
    folder.mkdir(exist_ok=True)
    work = Work(folder / f"lost-{number}", chance)
    work.number = _LONG_COUNT
    done = host("run", "submit-script", "--async", "-e", "lost", "work.py", *work.words())
    if chance.random() < _START_CHANCE:
        until(lambda: work.acknowledged)
    time.sleep(chance.uniform(0, _LONGEST_DELAY_SECONDS))
    host.close()
    host.boot()
    run_id: str = json.loads(done.stdout)["run_id"]
    return run_id, work


def _judge_lost(host: Host, run_id: str, work: Work) -> list[Finding]:
    """Return the faults in the record of a run whose host has lost its power."""
    record = host.wait(run_id)
    sql = (
        "SELECT number FROM metric_values JOIN metrics USING (metric_key) JOIN runs USING (run_key)"
        " WHERE run_id = ? AND metrics.name NOT LIKE 'resources/%' ORDER BY position"
    )
    values = [number for (number,) in host.stored(sql, run_id)]
    found = []
    is_wrong = record["status"] == "Completed" and not work.has("done")
    if is_wrong or record["status"] not in ENDED:
        found.append(Finding("wrong status", f"{run_id} is {record['status']}"))
    if values != [float(number) for number in range(len(values))]:
        found.append(
            Finding("doubled" if len(set(values)) < len(values) else "lost", f"{run_id}: {len(values)} values")
        )
    if len(values) - work.acknowledged not in {0, 1}:
        found.append(Finding("lost", f"{run_id} has {len(values)} values, {work.acknowledged} were acknowledged"))
    return found


def main() -> int:
    """Play the campaign specified on the command line; return 1 if there were faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--only", type=int, action="append", help="a round to be played alone, from 0 on")
    parser.add_argument("--network", action="store_true", help="two hosts with a home on a network file system")
    parser.add_argument("--folder", type=Path, help="where to work; kept. Default: a temporary folder")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="kills-") as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        if arguments.network:
            with start_hosts(folder, "login1", "login2") as hosts:
                return 1 if network_campaign(hosts, range(arguments.rounds), arguments.seed) else 0
        mlrun = Mlrun(folder)
        try:
            found = campaign(mlrun, arguments.only or range(arguments.rounds), arguments.seed)
        finally:
            mlrun.close()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
