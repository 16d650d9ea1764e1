"""A campaign of kills on a sweep: `python -m tests.endurance.sweep_kills --children 200 --kills 100 --seed N`.

A sweep is run undisturbed. Then the same sweep is run again, and at random moments its controller, the dispatcher, what
supervises a run, its script, several of these or the whole machine is killed. In the end both have the same draws, and
each run has ended as its script did, with the same values; no script was started while it ran already.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from mlrun_cli.runs.retry_policy import RetryPolicy
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.submit.template import get_secrets_file
from tests.controller.sweep_world import SweepWorld
from tests.running import kill, processes, until

_CONCURRENT = 4
_LONGEST_PAUSE_SECONDS = 0.6
_PATIENCE_SECONDS = 600.0
_CHANCE_OF_A_LOOK = 0.7
_VICTIMS = ("controller", "dispatcher", "supervisor", "script", "some", "machine")
_SCRIPT = """
import fcntl, os, sys, time
from azureml.core import Run
run = Run.get_context()
values = dict(zip(sys.argv[1::2], sys.argv[2::2]))
lr = float(values["--lr"])
lock = open(os.path.join(values["--marks"], run.id), "a")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    open(os.path.join(values["--marks"], "twice"), "a").write(run.id + "\\n")
for step in range(3):
    run.log("acc", lr * (step + 1), step=step)
    time.sleep(0.02)
sys.exit(3 if lr > 0.8 else 0)
"""


class Campaign:
    """A campaign in a workspace of its own."""

    def __init__(self, world: SweepWorld, children: int, seed: int) -> None:
        self._world = world
        self._children = children
        self._chance = random.Random(seed)
        self._marks = world.root / "marks"
        self._marks.mkdir()
        self.kills: dict[str, int] = dict.fromkeys(_VICTIMS, 0)
        world.write_script(_SCRIPT)

    def play(self, kills: int) -> list[str]:
        """Run the sweep twice, the second time with so many kills, and return the faults."""
        undisturbed = self._submit()
        self._world.ended(undisturbed, _PATIENCE_SECONDS)
        sweep = self._submit()
        for _ in range(kills):
            time.sleep(self._chance.uniform(0, _LONGEST_PAUSE_SECONDS))
            if self._world.workspace.runs.get(sweep).status.is_terminal:
                break
            self._kill(self._chance.choice(_VICTIMS))
            if self._chance.random() < _CHANCE_OF_A_LOOK:
                self._world.get(sweep)
        self._world.ended(sweep, _PATIENCE_SECONDS)
        return self._list_faults(undisturbed, sweep)

    def _submit(self) -> str:
        # What was killed is started again, so that each run ends by its script.
        return self._world.submit(
            "--marks",
            str(self._marks),
            max_total_jobs=self._children,
            max_concurrent_jobs=_CONCURRENT,
            request={"retry": RetryPolicy(1000, ("signal", "reboot"))},
        )

    def _kill(self, victim: str) -> None:
        world = self._world
        scripts = [
            pid for pid, variables in processes() if variables.get("MLRUN_RUN_FOLDER", "").startswith(self._home)
        ]
        groups = {
            "controller": list(world.controllers()),
            "dispatcher": list(world.dispatchers()),
            "supervisor": list(world.supervisors())[:1],
            "script": scripts[:1],
        }
        everything = [*groups["controller"], *groups["dispatcher"], *world.supervisors(), *scripts]
        if victim == "some":
            groups[victim] = [pid for pid in everything if self._chance.random() < 0.5]
        if victim == "machine":
            kill(*everything)
            self._forget_boot()
        else:
            kill(*groups[victim])
        self.kills[victim] += 1

    @property
    def _home(self) -> str:
        return str(self._world.root / "home")

    def _forget_boot(self) -> None:
        """Have all live runs be those of an earlier boot of this machine."""
        (database,) = self._world.locator.folder.glob("workspace.db")
        with closing(sqlite3.connect(database, timeout=60.0, isolation_level=None)) as connection:
            connection.execute("UPDATE runs SET boot_id = 'earlier' WHERE ended_at IS NULL AND status <> 'Queued'")

    def _list_faults(self, undisturbed: str, sweep: str) -> list[str]:
        world = self._world
        faults = []
        before, after = world.children(undisturbed), world.children(sweep)
        faults += [f"{n}: {before.get(n)} became {after.get(n)}" for n in before if before[n] != after.get(n)]
        faults += [f"{n} is one too many" for n in after.keys() - before.keys()]
        ends = [world.workspace.runs.get(run_id) for run_id in (undisturbed, sweep)]
        names = ("score", "best_child_run_id")
        truths = [(run.status, *(run.properties[name].replace(run.run_id, "") for name in names)) for run in ends]
        if truths[0] != truths[1] or truths[0][0] is not RunStatus.COMPLETED:
            faults.append(f"the sweep: {truths[0]} became {truths[1]}")
        if (self._marks / "twice").exists():
            faults.append(f"started while it ran: {(self._marks / 'twice').read_text(encoding='utf-8').split()}")
        until(lambda: not world.supervisors() and not world.controllers())
        folders = [world.workspace.get_run_folder(run_id) for run_id in (sweep, *(f"{sweep}_{n}" for n in after))]
        faults += [
            f"secrets: {folder.path.name}"
            for folder in folders
            if folder.secrets.exists() or get_secrets_file(folder.template).exists()
        ]
        world.get(sweep)
        left = os.listdir(world.locator.folder / "submits")
        return [*faults, *([f"marks of submissions: {left}"] if left else [])]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--children", type=int, default=200)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    words = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        world = SweepWorld(Path(folder))
        try:
            campaign = Campaign(world, words.children, words.seed)
            faults = campaign.play(words.kills)
        finally:
            world.close()
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    made = ", ".join(f"{count} {victim}" for victim, count in campaign.kills.items())
    sys.stdout.write(f"{words.children} runs, kills of {made}, seed {words.seed}: {len(faults)} faults\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
