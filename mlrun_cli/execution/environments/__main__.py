"""`python -m mlrun_cli.execution.environments PLAN`: builds the environment of the plan in that JSON file.

For a container, its image is fetched. What the installer prints goes to stdout. The exit code is 0 when the
environment is ready. The secrets of the plan are expected as environment variables.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from mlrun_cli.domain.environment import EnvironmentPlan
from mlrun_cli.execution.environments.build import build_environment
from mlrun_cli.execution.environments.container import fetch_image


def main(plan_file: str) -> int:
    """Build what the plan asks for; returns the exit code."""
    plan = EnvironmentPlan.from_json(json.loads(Path(plan_file).read_text(encoding="utf-8")))
    if plan.container is not None:
        return fetch_image(plan.container)
    if plan.build is None:
        return 0
    try:
        return build_environment(plan.build, os.environ)
    except OSError as error:
        sys.stdout.write(f"The environment in {plan.build.folder} cannot be built: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
