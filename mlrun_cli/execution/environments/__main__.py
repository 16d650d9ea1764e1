"""Start of the environment build for supervisors of version 0.1 that outlive an upgrade; kept until version 0.3."""

import os
import sys

os.execv(sys.executable, [sys.executable, "-E", "-m", "mlrun_cli.environments", *sys.argv[1:]])
