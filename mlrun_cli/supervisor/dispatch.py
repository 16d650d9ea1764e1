"""Start of the dispatcher for supervisors of version 0.1 that outlive an upgrade; to be removed in version 0.3."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    program = Path(__file__).parents[1] / "scheduler" / "dispatcher.py"
    os.execv(sys.executable, [sys.executable, "-E", str(program), *sys.argv[1:]])
