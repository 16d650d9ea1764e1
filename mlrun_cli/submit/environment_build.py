"""The build of an environment from its definition, ahead of the runs that need it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.errors import EnvironmentNotBuilt
from mlrun_cli.runconfigs.runconfig import parse_configuration_document
from mlrun_cli.submit.environment_plan import plan_environment
from mlrun_cli.targets.programs import BUILDER_PROGRAM, build_program_command
from mlrun_cli.workspace import Workspace

_LAST_LINES = 20


def build_environment(workspace: Workspace, definition: Mapping[str, Any]) -> str:
    """Build the environment that a definition describes, for later runs, and return the output of the build.

    Raises:
        EnvironmentNotBuilt: the build failed; the message ends with the installer's last lines.
        InvalidFile, Unsupported: the definition cannot be used for runs.
    """
    here = Path.cwd()
    configuration, _ = parse_configuration_document({"environment": definition}, Path(str(definition.get("name"))))
    planned, notes = plan_environment(
        configuration,
        runconfig=None,
        project=here,
        source=here,
        conda_file=None,
        home=workspace.home,
        environ=os.environ,
        redactor=workspace.redactor,
    )
    said = "".join(f"{note}\n" for note in (*notes, *planned.notes))
    if planned.plan.build is None:
        return f"{said}The interpreter {planned.plan.interpreter} is used as it is.\n"
    return said + build_planned_environment(planned, os.environ, f"The environment '{definition.get('name')}'")


def build_planned_environment(planned: PlannedEnvironment, environ: Mapping[str, str], name: str) -> str:
    """Build a planned environment now, unless it exists, and return the output of the build.

    Args:
        planned: the plan.
        environ: the variables of the installer.
        name: the name of the environment at the beginning of a message.

    Raises:
        EnvironmentNotBuilt: the build failed; the message ends with the installer's last lines.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as plan_file:
        json.dump(planned.plan.to_json(), plan_file)
        plan_file.flush()
        done = subprocess.run(
            build_program_command(BUILDER_PROGRAM, [plan_file.name]),
            env={**environ, **planned.secrets},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-_LAST_LINES:])
        raise EnvironmentNotBuilt(f"{name} could not be built:\n{last}")
    return done.stdout
