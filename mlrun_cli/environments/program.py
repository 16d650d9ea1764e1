"""The program that builds the environment of a plan, stored as a JSON file.

An image that does not have to be built is pulled. The installer's output goes to stdout. The exit code is 0 when the
environment is ready. The secrets of the plan are expected as environment variables.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from mlrun_cli.environments.build import build_environment
from mlrun_cli.environments.container import report_missing_program
from mlrun_cli.environments.environment import EnvironmentBuild, EnvironmentPlan
from mlrun_cli.environments.image import pull_missing_image
from mlrun_cli.environments.installer import Installer, print_line
from mlrun_cli.errors import MlrunError


def main(plan_file: str) -> int:
    """Build the environment or pull the image of a plan, stored in a JSON file, and return the exit code."""
    plan = EnvironmentPlan.from_json(json.loads(Path(plan_file).read_text("utf-8", "surrogateescape")))
    installer = Installer(os.environ, Path.cwd())
    if plan.build is not None:
        code = _build_environment(plan.build)
    else:
        code = (
            0 if plan.container is None else pull_missing_image(plan.container.engine, plan.container.image, installer)
        )
    if code == 0 and plan.container is not None and report_missing_program(plan.container, installer):
        return 1
    return code


def _build_environment(build: EnvironmentBuild) -> int:
    try:
        return build_environment(build, os.environ)
    except MlrunError as error:
        print_line(f"The environment in {build.folder} cannot be built: {error.message}")
        return 1
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error
        print_line(f"The environment in {build.folder} cannot be built: {what}")
        return 1
