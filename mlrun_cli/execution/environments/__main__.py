"""Hand over to the build of environments, for supervisors of version 0.1 that live on after an upgrade; until 0.3."""

import os
import sys

os.execv(sys.executable, [sys.executable, "-E", "-m", "mlrun_cli.environments", *sys.argv[1:]])
