"""`python …/mlrun_cli/node/__main__.py FOLDER`: supervise the run in FOLDER, which is in a target's shared folder.

Started by the job of an engine from a copy of this package that is not installed.
"""

import os
import sys

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from mlrun_cli.core.module_loading import suspend_garbage_collection

    suspend_garbage_collection()
    from mlrun_cli.core.deferred_modules import RARELY_USED_BY_PROGRAMS, defer_modules

    defer_modules(RARELY_USED_BY_PROGRAMS)
    from mlrun_cli.node.program import main

    os._exit(main(sys.argv[1:]))
