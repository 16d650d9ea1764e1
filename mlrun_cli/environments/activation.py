"""Commands and variables for starting a script in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from mlrun_cli.environments.environment import Builder, EnvironmentPlan


def build_script_command(plan: EnvironmentPlan, script: Sequence[str]) -> list[str]:
    """Return the command line that runs a script, given with its arguments, in the planned environment."""
    return [*(plan.starter or (plan.interpreter,)), *script]


def build_activated_variables(plan: EnvironmentPlan, environ: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of the variables `environ`, changed as if the planned environment were activated in a shell."""
    found = dict(environ)
    if plan.starter:
        found |= {"PYSPARK_PYTHON": plan.interpreter, "PYSPARK_DRIVER_PYTHON": plan.interpreter}
    if plan.build is None or plan.container is not None:
        return found
    folder = os.path.dirname(plan.interpreter)
    prefix = os.path.dirname(folder)
    found["PATH"] = f"{folder}{os.pathsep}{environ.get('PATH', os.defpath)}"
    if plan.build.builder is Builder.CONDA:
        found |= {"CONDA_PREFIX": prefix, "CONDA_DEFAULT_ENV": prefix}
        found.pop("VIRTUAL_ENV", None)
    else:
        found["VIRTUAL_ENV"] = prefix
    return found
