"""Environments on a machine that shares no files with the submitting machine, and has to use its own Pythons."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence

from mlrun_cli.core.program_log import write_log
from mlrun_cli.environments.base_pythons import rank_pythons
from mlrun_cli.environments.environment import BasePython, Builder, EnvironmentBuild, EnvironmentPlan
from mlrun_cli.environments.installer_search import find_conda, find_uv
from mlrun_cli.environments.interpreters import PythonRequest
from mlrun_cli.environments.python_search import find_python, iterate_executables, list_search_folders
from mlrun_cli.errors import EnvironmentNotBuilt

_MINOR = 2
"""How many parts of a version say which packages fit."""


def localize_environment(plan: EnvironmentPlan, environ: Mapping[str, str]) -> EnvironmentPlan:
    """Return a copy of a plan that uses this machine's interpreter and installer instead of the submitter's.

    Args:
        plan: the plan, made on another machine; an interpreter without a folder is one on PATH.
        environ: the variables that tell where to search, such as PATH.

    Raises:
        EnvironmentNotBuilt: there is no Python, or nothing to build the environment with.
    """
    if plan.container is not None:
        return plan
    if plan.build is not None:
        return plan._replace(build=_localize_build(plan.build, environ))
    return plan._replace(interpreter=_get_local_interpreter(plan.interpreter, environ.get("PATH", "")))


def _get_local_interpreter(interpreter: str, search_path: str) -> str:
    """Return the interpreter's path on this node, or else the path of a Python on PATH; raise if there is none."""
    if interpreter.startswith("/") and os.access(interpreter, os.X_OK):
        return interpreter
    folders = list_search_folders(search_path)
    found = next(iterate_executables(os.path.basename(interpreter), folders), None) or find_python(folders)
    if found is None:
        raise EnvironmentNotBuilt(
            f"{os.uname().nodename} has neither '{interpreter}' nor a 'python' or 'python3' on PATH: {search_path}.",
            hint="Put a Python on PATH there, as with --setup of the compute target.",
        )
    if os.path.basename(found) != os.path.basename(interpreter) or interpreter.startswith("/"):
        write_log(f"'{interpreter}' does not exist here; using '{found}' from PATH")
    return str(found)


def _localize_build(build: EnvironmentBuild, environ: Mapping[str, str]) -> EnvironmentBuild:
    """Return a build with the paths of this node's Python and installer; raise if one of them is missing."""
    if build.builder is Builder.CONDA:
        conda = find_conda(environ)
        if conda is None:
            raise EnvironmentNotBuilt(
                f"The environment is one of conda, and there is none on PATH on {os.uname().nodename}.",
                hint="Put conda on PATH there, as with --setup of the compute target.",
            )
        return build._replace(installer=conda)
    uv = find_uv(environ)
    pythons = [own for python in build.pythons for own in _list_local_pythons(python, uv, environ)]
    if not pythons:
        raise EnvironmentNotBuilt(
            f"There is no Python {', '.join(map(str, build.pythons))} on {os.uname().nodename}.",
            hint="Install it, or uv, there; or submit with '--environment relaxed'.",
        )
    has_uv = build.builder is Builder.UV and uv is not None
    installer = uv if has_uv and uv is not None else pythons[0].python
    return build._replace(
        pythons=tuple(pythons), builder=Builder.UV if has_uv else Builder.PIP, installer=os.fspath(installer)
    )


def _list_local_pythons(python: BasePython, uv_path: str | None, environ: Mapping[str, str]) -> Sequence[BasePython]:
    """Return the given Python or this machine's equivalent, as a sequence of one; empty if there is neither."""
    if not python.is_uv_managed and shutil.which(python.python) is not None:
        return [python]
    if python.is_uv_managed and uv_path is not None:
        return [python]
    version = ".".join(python.version.split(".")[:_MINOR]) if python.version else python.python
    request = PythonRequest(version)
    found = rank_pythons(request, uv_path, environ)[:1]
    return [each._replace(only_wheels=python.only_wheels) for each in found if not each.only_wheels]
