"""`python …/mlrun_cli/node/remote/__main__.py serve FOLDER`, or `… job FOLDER RUN_ID LOCK GPUS`.

`serve` answers requests at its standard input until that is closed; `job` executes a job of the queue.
"""

import os
import sys

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    if sys.argv[1] == "serve":
        from mlrun_cli.node.remote.server import serve

        serve(sys.argv[2])
    else:
        from mlrun_cli.node.remote.job import execute_job

        os._exit(execute_job(sys.argv[2:]))
