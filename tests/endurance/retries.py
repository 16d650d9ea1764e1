"""A campaign of kills on runs with retries: `python -m tests.endurance.retries --rounds 100 --seed N`.

The script of each round ends with exit code 75 twice and goes on from its last checkpoint. At a random moment its
supervisor, its processes or both are killed; in the end the run has completed, with each step once.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.running import Mlrun, kill, until

_STEPS = 30
_AT_ONCE = 3
_LONGEST_DELAY_SECONDS = 1.2
_SCRIPT = f"""
    import os, sys, time
    from azureml.core import Run

    run = Run.get_context()
    attempt, path = int(os.environ["MLRUN_ATTEMPT"]), "outputs/checkpoint"
    first = int(open(path).read()) if os.path.exists(path) else 0
    run.log("attempt", attempt)
    for step in range(first, min({_STEPS}, attempt * {_STEPS // 3})):
        run.log("loss", float(step), step=step)
        if step % 3 == 0:
            with open(path + ".new", "w") as file:
                file.write(str(step))
            os.replace(path + ".new", path)
        time.sleep(0.01)
    sys.exit(75 if attempt < 3 else 0)
"""


def play(mlrun: Mlrun, number: int, seed: int) -> list[str]:
    """Play a round and return its faults."""
    chance = random.Random(f"{seed}-{number}")
    victim = chance.choice(("supervisor", "script", "both"))
    run_id = mlrun.submit("--retry", "3", "-e", f"r{number}", "retries.py")
    time.sleep(chance.uniform(0.0, _LONGEST_DELAY_SECONDS))
    own = set(mlrun.supervisors(run_id))
    pids = {"supervisor": own, "script": set(mlrun.processes(run_id)) - own}
    kill(*(pids["supervisor"] | pids["script"] if victim == "both" else pids[victim]))
    run = mlrun.wait(run_id)
    return [f"round {number} ({victim}): {fault}" for fault in _list_faults(mlrun, run)]


def _list_faults(mlrun: Mlrun, run: dict[str, object]) -> list[str]:
    run_id = str(run["run_id"])
    attempts = run.get("attempts")
    if run["status"] != "Completed" or not isinstance(attempts, list):
        return [json.dumps(run)]
    faults = []
    if len(attempts) not in {3, 4} or [each["number"] for each in attempts] != list(range(1, len(attempts) + 1)):
        faults.append(f"attempts: {attempts}")
    sql = "SELECT step, number FROM metric_values JOIN metrics USING (metric_key) JOIN runs USING (run_key)"
    rows = mlrun.stored(f"{sql} WHERE run_id = ? AND metrics.name = ? ORDER BY position", run_id, "loss")
    if rows != [(float(step), float(step)) for step in range(_STEPS)]:
        faults.append(f"steps: {rows}")
    if mlrun.metrics(run_id).get("attempt") != len(attempts):
        faults.append(f"values of other attempts: {mlrun.metrics(run_id)}")
    if until(lambda: not mlrun.processes(run_id)) and (mlrun.run_folder(run_id) / "secrets.json").exists():
        faults.append("secrets")
    return faults


def campaign(mlrun: Mlrun, rounds: Sequence[int], seed: int) -> list[str]:
    """Play rounds, several at once, and return the faults."""
    mlrun.script(_SCRIPT, "retries.py")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [fault for faults in pool.map(lambda number: play(mlrun, number, seed), rounds) for fault in faults]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mlrun = Mlrun(Path(folder))
        try:
            faults = campaign(mlrun, range(words.rounds), words.seed)
        finally:
            mlrun.close()
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    sys.stdout.write(f"{words.rounds} rounds with seed {words.seed}: {len(faults)} faults\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
