"""`python …/mlrun_cli/supervisor/__main__.py --workspace FOLDER --lock DESCRIPTOR[,…] [--recover] RUN_ID`.

Started by a compute target, which passes the open lock of the run's folder and those of its GPUs; not intended for
interactive use. With `--lock stdin`, it waits for the locks at its standard input, a socket, until the run is recorded.
"""

import os
import sys

if __name__ == "__main__":
    from mlrun_cli.core.module_loading import suspend_garbage_collection

    suspend_garbage_collection()
    from mlrun_cli.core.deferred_modules import RARELY_USED_BY_PROGRAMS, defer_modules

    defer_modules(RARELY_USED_BY_PROGRAMS)
    from mlrun_cli.supervisor.program import main

    os._exit(main(sys.argv[1:]))  # who waits for its end need not wait for the interpreter to be taken apart
