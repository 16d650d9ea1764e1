"""The entry point of the program, which runs as the driver, on another node of the step, or as a worker."""

import os
import sys

from azureml._parallel_run.driver import StepFailed, run_driver
from azureml._parallel_run.node import run_node
from azureml._parallel_run.options import get_node_rank, parse_options
from azureml._parallel_run.worker import CHANNEL_VARIABLE, run_worker

_LOGS = "logs"


def main() -> int:
    """Run the step as its driver, as one of its other nodes, or as a worker; return the exit code."""
    options = parse_options(sys.argv[1:], os.environ, len(os.sched_getaffinity(0)))
    sys.argv[0] = options.entry_script
    if CHANNEL_VARIABLE in os.environ:
        return run_worker(options)
    if get_node_rank() != "0":
        run_node(options, os.path.abspath(_LOGS))
        return 0
    try:
        run_driver(options, os.path.abspath(_LOGS))
    except StepFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
