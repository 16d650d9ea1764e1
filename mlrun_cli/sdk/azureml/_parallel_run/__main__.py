"""The start of the program, as the driver or as one of its workers."""

import os
import sys

from azureml._parallel_run.driver import StepFailed, run_driver
from azureml._parallel_run.options import parse_options
from azureml._parallel_run.worker import CHANNEL_VARIABLE, run_worker

_LOGS = "logs"


def main() -> int:
    """Run the step as its driver, or as a worker of a driver; return the exit code."""
    options = parse_options(sys.argv[1:], len(os.sched_getaffinity(0)))
    sys.argv[0] = options.entry_script
    if CHANNEL_VARIABLE in os.environ:
        return run_worker(options)
    try:
        run_driver(options, os.path.abspath(_LOGS))
    except StepFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
