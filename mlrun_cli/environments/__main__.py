"""`python …/mlrun_cli/environments/__main__.py PLAN`: the program that builds a planned environment.

Started by supervisors and by commands, also from a copy of this package that is not installed.
"""

import os
import sys

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from mlrun_cli.environments.program import main

    sys.exit(main(sys.argv[1]))
