"""`python …/mlrun_cli/controller/__main__.py --workspace FOLDER --lock DESCRIPTOR RUN_ID`: the controller of a run.

Any process that finds the lock of the run's folder free starts a controller and passes it the lock.
"""

import sys

if __name__ == "__main__":
    from mlrun_cli.core.module_loading import suspend_garbage_collection

    suspend_garbage_collection()
    from mlrun_cli.controller.program import main

    main(sys.argv[1:])
