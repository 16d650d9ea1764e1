"""Scripts of runs on engines, and what tests wait for."""

from __future__ import annotations

from typing import Any

from tests.running import LIVE, Mlrun, until

ATTEMPTS = """
    import os, sys
    from azureml.core import Run

    run, attempt = Run.get_context(), int(os.environ["MLRUN_ATTEMPT"])
    print("attempt", attempt, flush=True)
    first = len(os.listdir("outputs"))
    run.log("attempt", attempt)
    for step in range(first, first + 2):
        run.log("loss", float(step), step=step)
        open(f"outputs/{step}", "w").close()
    run.log("loss", -1.0, step=first + 2)
    sys.exit(75 if attempt < 3 else 0)
"""
"""A script that completes at its third attempt, and goes on from the outputs of those before."""

MARKING = """
import os, sys, time
from azureml.core import Run

marks, number = sys.argv[1], sys.argv[-1]
with open(marks, "a") as file:
    file.write(f"{number}\\n")
Run.get_context().log("acc", int(number))
while not os.path.exists(f"{marks}.go"):
    time.sleep(0.05)
"""
"""A script that appends its last argument to the file named by its first, and runs until there is a file `NAME.go`."""


def age_runs(mlrun: Mlrun) -> None:
    """Have all runs be submitted a long time ago, so that late jobs are waited for only as long as needed."""
    mlrun.execute("UPDATE runs SET created_at = 1")


def wait_for_end(mlrun: Mlrun, run_id: str) -> dict[str, Any]:
    """Wait until a run has ended, and return its record."""
    return until(lambda: record if (record := mlrun.show(run_id))["status"] not in LIVE else None)
