"""Start the RPC worker for supervisors of version 0.1 that outlive an upgrade; kept until version 0.3."""

import os
import sys
from pathlib import Path

os.execv(sys.executable, [sys.executable, "-E", str(Path(__file__).parents[1] / "rpc" / "worker.py"), *sys.argv[1:]])
