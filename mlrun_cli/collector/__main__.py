"""`python …/mlrun_cli/collector/__main__.py --workspace FOLDER --lock DESCRIPTOR TARGET`: the collector of a target.

Any process that finds the lock of the target's queue free starts a collector and passes it the lock.
"""

import sys

if __name__ == "__main__":
    from mlrun_cli.core.module_loading import suspend_garbage_collection

    suspend_garbage_collection()
    from mlrun_cli.collector.program import main

    main(sys.argv[1:])
