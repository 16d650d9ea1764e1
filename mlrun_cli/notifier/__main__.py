"""Entry point of the notifier: `python …/mlrun_cli/notifier/__main__.py --workspace FOLDER RUN_ID…`."""

import sys

if __name__ == "__main__":
    from mlrun_cli.notifier.program import main

    main(sys.argv[1:])
