"""A campaign of kills on pipelines: `python -m tests.endurance.pipeline_kills --steps 20 --kills 100 --seed N`.

Pipelines of steps that read each other's outputs run one after the other, each a second time so that all results are
used again. All the while controllers, dispatchers, supervisors, scripts, or everything at once as if the machine went
down, are killed at random moments. In the end each pipeline is as if nothing had happened.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.core.removal import remove_tree
from mlrun_cli.runs.retry_policy import RetryPolicy
from mlrun_cli.runs.status import RunStatus
from tests.controller.pipeline_world import PipelineWorld, name_input, name_output

_VICTIMS = ("controller", "dispatcher", "supervisor", "script", "machine")
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.05, 0.6
_LONGEST_STEP_SECONDS = 0.5
_MAX_INPUTS = 3
_MAX_RETRIES = 500
_KILLING_SECONDS = 100.0
_PATIENCE_SECONDS = 600.0


class Plan:
    """A random pipeline: which steps read which, and what each writes."""

    def __init__(self, chance: random.Random, count: int) -> None:
        self.upstream: list[list[int]] = [
            sorted(chance.sample(range(number), min(number, chance.randint(0, _MAX_INPUTS)))) for number in range(count)
        ]
        self.waits = [chance.uniform(0, _LONGEST_STEP_SECONDS) for _ in range(count)]
        self.modes = [chance.choice(("mount", "upload")) for _ in range(count)]

    def build_steps(self, world: PipelineWorld, version: str) -> list[Mapping[str, Any]]:
        """Return the steps of the pipeline, in random order of their names."""
        return [self._build_step(world, number, version) for number in range(len(self.upstream))]

    def _build_step(self, world: PipelineWorld, number: int, version: str) -> Mapping[str, Any]:
        read = self.upstream[number]
        step = world.step(
            "0",
            f"step{number}",
            *(name_input(f"i{each:03}") for each in read),
            name_output(),
            f"text={number}",
            f"wait={self.waits[number]:.3f}",
            version=version,
            inputs={f"i{each:03}": {"source": {"output": {"step": _build_key(each), "name": "out"}}} for each in read},
            outputs={"out": {"mode": self.modes[number]}},
        )
        return {**step, "key": _build_key(number)}

    def compute_texts(self) -> dict[str, str]:
        """Return what the steps write, by their names."""
        texts: dict[str, str] = {}
        for number, read in enumerate(self.upstream):
            texts[f"step{number}"] = "+".join([*(texts[f"step{each}"] for each in read), str(number)])
        return texts


def _build_key(number: int) -> str:
    return f"{number:08x}"


class Campaign:
    """The kills, which are counted, and the faults that were found."""

    def __init__(self, world: PipelineWorld, seed: int) -> None:
        self.kills: Counter[str] = Counter()
        self.faults: list[str] = []
        self._world = world
        self._chance = random.Random(seed)

    def play(self, steps: int, kills: int) -> None:
        """Run pipelines until there were so many kills."""
        number = 0
        while self.kills.total() < kills:
            plan = Plan(self._chance, steps)
            expected = plan.compute_texts()
            origins = self._play_pipeline(plan, str(number), expected, None)
            self._play_pipeline(plan, str(number), expected, origins)
            number += 1

    def _play_pipeline(
        self, plan: Plan, version: str, expected: Mapping[str, str], origins: Mapping[str, str] | None
    ) -> Mapping[str, str]:
        """Run a pipeline and return the ids of its steps' runs, which are to be used again if `origins` has some."""
        world = self._world
        retry = RetryPolicy(_MAX_RETRIES)
        run_id = world.submit_steps(*plan.build_steps(world, version), retry=retry)
        began = time.monotonic()
        while not (run := world.get(run_id)).status.is_terminal and time.monotonic() < began + _PATIENCE_SECONDS:
            time.sleep(self._chance.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS))
            # On a busy machine a step may take longer than the time between two kills.
            may_kill = time.monotonic() < began + _KILLING_SECONDS
            if may_kill and not world.workspace.runs.get(run_id).status.is_terminal:
                self._kill()
        found = world.steps(run_id)
        statuses = world.statuses(run_id)
        if run.status is not RunStatus.COMPLETED or statuses != ["Completed"] * len(expected):
            self.faults.append(f"{run_id}: {run.status.value} {run.error} {statuses}")
        reused = {name: step.properties.get("azureml.reusedrunid") for name, step in found.items()}
        if reused != (origins or dict.fromkeys(expected)):
            self.faults.append(f"{run_id}: used again were {reused}, and not {origins}")
        ids = {name: reused[name] or step.run_id for name, step in found.items()}
        for name, text in expected.items():
            try:
                written = world.read_data(f"azureml/{ids.get(name)}/out/text")
            except OSError as error:
                written = str(error)
            if written != text:
                self.faults.append(f"{run_id}: {name} wrote {written!r}, and not {text!r}")
        secrets = list(world.workspace.get_run_folder(run_id).path.rglob("secrets.json"))
        if secrets:
            self.faults.append(f"{run_id}: there are still {secrets}")
        return ids

    def _kill(self) -> None:
        world = self._world
        pids: dict[str, Sequence[int]] = {
            "controller": world.controllers(),
            "dispatcher": world.dispatchers(),
            "supervisor": world.supervisors(),
            "script": world.scripts(),
        }
        pids["machine"] = [pid for some in pids.values() for pid in some]
        victims = [name for name in _VICTIMS if pids[name]]
        if victims:
            victim = self._chance.choice(victims)
            self.kills[victim] += 1
            world.kill(pids[victim] if victim == "machine" else [self._chance.choice(pids[victim])])


def campaign(root: Path, steps: int, kills: int, seed: int) -> Campaign:
    """Play a campaign in a folder and return it."""
    world = PipelineWorld(root)
    try:
        played = Campaign(world, seed)
        played.play(steps, kills)
        return played
    finally:
        world.close()


def main(words: Sequence[str]) -> int:
    """Play a campaign, print its kills and faults, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args(words)
    root = Path(tempfile.mkdtemp())
    began = time.monotonic()
    played = campaign(root, options.steps, options.kills, options.seed)
    print(f"seed {options.seed}: {dict(played.kills)} in {time.monotonic() - began:.0f} s")
    for fault in played.faults:
        print(fault)
    if not played.faults:
        remove_tree(root)
    return bool(played.faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
