"""Find out how many neighbours child.py should ask: try several numbers at once, each in a run of its own.

Every try is a child of this run. It has its own log, metrics and status, and `mlrun run list` shows it under
`--parent-run-id`. This run waits for all of them, and keeps what they found in one table.
"""

from __future__ import annotations

import argparse

from azureml.core import Run, ScriptRunConfig


def main() -> None:
    """Submit the children, wait for them, log what each has found, and tag the best."""
    parser = argparse.ArgumentParser(description="Try several numbers of neighbours.")
    parser.add_argument("--neighbours", type=int, nargs="+", required=True)
    options = parser.parse_args()

    run = Run.get_context(allow_offline=False)
    children = {}
    for neighbours in options.neighbours:
        config = ScriptRunConfig(source_directory=".", script="child.py", arguments=["--neighbours", neighbours])
        # Returns at once: the children run side by side.
        children[neighbours] = run.submit_child(config, tags={"neighbours": neighbours})

    errors = {}
    for neighbours, child in children.items():
        # A child that fails makes this raise, and so this run fail too.
        child.wait_for_completion()
        errors[neighbours] = child.get_metrics()["error"]
        run.log_row("errors", neighbours=neighbours, error=errors[neighbours])
        print(f"{neighbours:3} neighbours: off by {errors[neighbours]:.3f}")

    best = min(errors, key=errors.__getitem__)
    run.log("best", best)
    run.log("error", errors[best])
    children[best].tag("best")
    print(f"best are {best}, in run {children[best].id}")


if __name__ == "__main__":
    main()
