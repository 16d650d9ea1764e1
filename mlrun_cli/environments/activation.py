"""Commands and variables that start a script in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from mlrun_cli.environments.environment import Builder, EnvironmentPlan


def build_script_command(plan: EnvironmentPlan, script: Sequence[str]) -> list[str]:
    """Return the words that start a script: what stands in front, then the script and its arguments."""
    return [*(plan.starter or (plan.interpreter,)), *script]


def activate_environment(plan: EnvironmentPlan, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which programs find the environment, as after its activation in a shell."""
    found = dict(environment)
    if plan.starter:
        found |= {"PYSPARK_PYTHON": plan.interpreter, "PYSPARK_DRIVER_PYTHON": plan.interpreter}
    if plan.build is None or plan.container is not None:
        return found
    folder = os.path.dirname(plan.interpreter)
    prefix = os.path.dirname(folder)
    found["PATH"] = f"{folder}{os.pathsep}{environment.get('PATH', os.defpath)}"
    if plan.build.builder is Builder.CONDA:
        found |= {"CONDA_PREFIX": prefix, "CONDA_DEFAULT_ENV": prefix}
        found.pop("VIRTUAL_ENV", None)
    else:
        found["VIRTUAL_ENV"] = prefix
    return found
