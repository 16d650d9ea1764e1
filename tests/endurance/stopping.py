"""Stop processes at random moments and check that no command that queries runs has to wait for them.

    python -m tests.endurance.stopping [--rounds N] [--seed N]

Each round starts something, stops it with SIGSTOP at a moment that the seed decides, asks for the list of runs, for a
run, its metrics and its wait-free status while it is stopped, lets it go on, and sees that it comes to its end.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.running import Mlrun, is_alive, kill, processes, until, words_of

LONGEST_SECONDS = 10.0
"""That long may a look take on a busy machine; those who waited for a stopped process took 20 s, or for ever."""
_TRIES = 3
"""One that waits for a stopped process does so each time; one that waits for a busy machine does not."""
_EXPECTED_SECONDS = 1.0
_TIMEOUT_SECONDS = 180.0
_LATEST_SECONDS = {"supervisor": 0.6, "command": 0.4, "dispatcher": 0.8, "driver": 0.5, "studio": 2.0}
"""How long after its start a process is stopped at the latest; most are stopped early."""
_SCRIPT = """
import time
from azureml.core import Run
run = Run.get_context()
time.sleep(0.3)
for step in range(5):
    run.log("x", step)
print(run.get_metrics())
"""
_DRIVER = """
from azureml.core import Experiment, Workspace
run = Experiment(Workspace.from_config(), "exp").start_logging(outputs=None)
for step in range(5):
    run.log("x", step)
run.tag("a", "b")
run.flush()
run.complete()
"""
_COMMANDS = (
    ("run", "list"),
    ("run", "show", "-r", "@latest"),
    ("run", "update", "-r", "@latest", "--add-tag", "a=b"),
    ("run", "cancel", "-r", "@latest"),
    ("run", "submit-script", "--async", "train.py"),
    ("run", "submit-script", "train.py"),
    ("experiment", "list"),
)


class Look(NamedTuple):
    """A command run while a process was stopped: its words, its duration, and its error, if any."""

    victim: str
    words: tuple[str, ...]
    seconds: float
    error: str | None

    @property
    def is_good(self) -> bool:
        """Whether the command succeeded without waiting for the stopped process."""
        return self.error is None and self.seconds <= LONGEST_SECONDS


class Campaign:
    """Rounds over one home with varying processes."""

    def __init__(self, mlrun: Mlrun, seed: int) -> None:
        self._mlrun = mlrun
        self._random = random.Random(seed)
        self.looks: list[Look] = []
        self.stopped: Counter[str] = Counter()
        mlrun.script(_SCRIPT)
        mlrun.script(_DRIVER, "driver.py")
        mlrun.script("script: train.py\ntarget: narrow\n", "queued.runconfig")
        mlrun("computetarget", "create", "amlcompute", "-n", "narrow", "--max-nodes", "1")
        self._known = str(mlrun.wait(mlrun.submit())["run_id"])

    def round(self) -> None:
        """Stop one process, run commands, let the process continue, and check that it ends."""
        victims: dict[str, Callable[[], Iterator[Callable[[], int | None]]]] = {
            "supervisor": self._supervisor,
            "command": self._command,
            "dispatcher": self._dispatcher,
            "driver": self._driver,
            "studio": self._studio,
        }
        kind = self._random.choice(list(victims))
        with contextmanager(victims[kind])() as find:
            pid = until(find)
            time.sleep(self._random.random() ** 2 * _LATEST_SECONDS[kind])
            kill(pid, number=signal.SIGSTOP)
            try:
                self.stopped[kind] += is_alive(pid)
                self._look(kind)
            finally:
                kill(pid, number=signal.SIGCONT)
        for run in self._mlrun.json("run", "list", "--query", "[].[run_id, status]"):
            if run[1] not in {"Completed", "Canceled"}:
                record = self._ended(run[0])
                assert record["status"] in {"Completed", "Canceled"}, record

    def _ended(self, run_id: str) -> dict[str, Any]:
        done = self._mlrun("run", "wait", "-r", run_id, "--timeout", f"{_TIMEOUT_SECONDS:.0f}s", check=False)
        assert done.returncode in {0, 1}, f"{run_id} does not end: {done.stderr}"
        record: dict[str, Any] = json.loads(done.stdout)[0]
        return record

    def _look(self, kind: str) -> None:
        for words in (("run", "list"), ("run", "show", "-r", self._known), ("run", "metrics", "-r", "@latest")):
            for _ in range(_TRIES):
                look = self._ask(kind, words)
                if look.seconds <= LONGEST_SECONDS:
                    break
            self.looks.append(look)

    def _ask(self, kind: str, words: tuple[str, ...]) -> Look:
        started = time.monotonic()
        error: str | None = "no answer"
        with suppress(subprocess.TimeoutExpired):
            done = self._mlrun(*words, check=False, timeout=3 * LONGEST_SECONDS)
            error = done.stderr.strip() if done.returncode else None
        return Look(kind, words, time.monotonic() - started, error)

    def _supervisor(self) -> Iterator[Callable[[], int | None]]:
        run_id = self._mlrun.submit()
        yield lambda: next(iter(self._mlrun.supervisors(run_id)), None) or self._any_pid(run_id)

    def _any_pid(self, run_id: str) -> int | None:
        """Return an unused pid if the run completed before its supervisor could be seen, else None."""
        return _NOBODY if self._mlrun.stored_status(run_id) == "Completed" else None

    def _command(self) -> Iterator[Callable[[], int | None]]:
        with self._mlrun.start(*self._random.choice(_COMMANDS)) as command:
            yield lambda: command.pid
            with suppress(subprocess.TimeoutExpired):
                command.communicate(timeout=_TIMEOUT_SECONDS)
                return
            command.kill()
            raise AssertionError("a command does not end that goes on")

    def _dispatcher(self) -> Iterator[Callable[[], int | None]]:
        run_ids = [self._mlrun.submit("-c", "queued") for _ in range(2)]

        def find() -> int | None:
            for pid, variables in processes():
                is_ours = variables.get("MLRUN_HOME") == str(self._mlrun.home)
                if is_ours and any(word.endswith("scheduler/dispatcher.py") for word in words_of(pid)):
                    return pid
            return self._any_pid(run_ids[-1])

        yield find

    def _driver(self) -> Iterator[Callable[[], int | None]]:
        with subprocess.Popen(
            [sys.executable, "driver.py"], cwd=self._mlrun.folder, env=self._mlrun.environment
        ) as driver:
            yield lambda: driver.pid
            try:
                assert driver.wait(_TIMEOUT_SECONDS) == 0
            finally:
                driver.kill()

    def _studio(self) -> Iterator[Callable[[], int | None]]:
        with self._mlrun.start("studio", "--no-browser", "--port", "0") as studio:
            yield lambda: studio.pid
            studio.kill()


_NOBODY = 1 << 30


def print_looks(campaign: Campaign) -> None:
    """Print which processes were stopped and how long the commands took."""
    seconds = sorted(look.seconds for look in campaign.looks)
    late = [look for look in campaign.looks if look.seconds > _EXPECTED_SECONDS or look.error is not None]
    print("stopped alive:", ", ".join(f"{kind} {count}" for kind, count in sorted(campaign.stopped.items())))
    print(f"{len(seconds)} looks: median {seconds[len(seconds) // 2]:.3f} s, longest {seconds[-1]:.3f} s")
    for look in late:
        print(f"{look.victim} stopped: {' '.join(look.words)}, {look.seconds:.3f} s: {look.error or 'late'}")


def main() -> int:
    """Run the campaign; return 1 if any command had to wait."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as top:
        mlrun = Mlrun(Path(top))
        try:
            campaign = Campaign(mlrun, options.seed)
            for number in range(options.rounds):
                campaign.round()
                if (number + 1) % 25 == 0:
                    print(f"{number + 1} rounds", flush=True)
        finally:
            mlrun.close()
    print_looks(campaign)
    return int(not all(look.is_good for look in campaign.looks))


if __name__ == "__main__":
    sys.exit(main())
