"""`python …/mlrun_cli/controller/__main__.py --workspace FOLDER --lock DESCRIPTOR RUN_ID`: the controller of a run.

Any process that finds the lock of the run's folder free starts a controller and passes it the lock.
"""

import gc
import sys

if __name__ == "__main__":
    gc.disable()  # modules are no garbage; `detach_program` enables it again
    from mlrun_cli.controller.program import main

    main(sys.argv[1:])
