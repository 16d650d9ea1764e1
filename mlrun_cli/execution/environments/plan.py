"""Plans the environment of a run when it is submitted: quickly, and without the network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlrun_cli.domain.environment import Builder, EnvironmentBuild, EnvironmentPlan
from mlrun_cli.domain.environment_mode import EnvironmentMode
from mlrun_cli.errors import EnvironmentNotBuilt
from mlrun_cli.execution.environments.folder import EnvironmentFolder
from mlrun_cli.execution.environments.interpreters import (
    OLDEST_FOR_AZUREML,
    PythonRequest,
    executables,
    find_base_interpreter,
    find_nearest_interpreter,
    first_python,
    probe,
    search_folders,
)
from mlrun_cli.execution.environments.local_sources import contents, local_sources
from mlrun_cli.execution.environments.placeholders import hide_secrets
from mlrun_cli.execution.environments.requirements import PipLine
from mlrun_cli.execution.environments.translation import conda_part, translate
from mlrun_cli.files.conda import CondaDependencies

_CONDAS = ("conda", "micromamba", "mamba")
_KEY_LENGTH = 24


@dataclass(frozen=True, slots=True)
class PlannedEnvironment:
    """A plan, what there is to say about it on stderr, secrets for the installer alone, and variables of the script.

    `secrets` are environment variables for the program that builds; no record may hold them. `variables` are those that
    the environment brings with it.
    """

    plan: EnvironmentPlan
    notes: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def plan_user_managed(interpreter_path: str | None, path_variable: str, folder: Path) -> PlannedEnvironment:
    """The interpreter that a runconfig names, as it is; without one, the `python` on PATH.

    A path is taken from `folder`. One that does not exist here gives way to `python` on PATH, with a note.

    Raises:
        EnvironmentNotBuilt: what is named cannot be run, or there is no Python on PATH.
    """
    folders = search_folders(path_variable)
    notes: tuple[str, ...] = ()
    if interpreter_path:
        found = _named(interpreter_path, folder, folders)
        if found is not None:
            return PlannedEnvironment(EnvironmentPlan(str(found)))
    python = first_python(folders)
    if python is None:
        named = f"'{interpreter_path}' does not exist here, and there" if interpreter_path else "There"
        raise EnvironmentNotBuilt(
            f"{named} is no 'python' or 'python3' on PATH.",
            hint="Put a Python on PATH, or name one as python.interpreterPath in the runconfig.",
        )
    if interpreter_path and interpreter_path not in {"python", "python3"}:
        notes = (f"The interpreter '{interpreter_path}' does not exist here; using '{python}' from PATH.",)
    return PlannedEnvironment(EnvironmentPlan(str(python)), notes)


def _named(interpreter_path: str, folder: Path, folders: list[Path]) -> Path | None:
    if "/" not in interpreter_path:
        return next(executables(interpreter_path, folders), None)
    # Not resolved: the link in a virtual environment is what makes its packages be found.
    path = (folder / Path(interpreter_path).expanduser()).absolute()
    if path.is_file() and os.access(path, os.X_OK):
        return path
    if path.exists():
        raise EnvironmentNotBuilt(
            f"The interpreter '{path}' is {'a folder' if path.is_dir() else 'not executable'}.",
            hint="Name the Python itself as python.interpreterPath, such as 'venv/bin/python'.",
        )
    return None


def plan_current(path_variable: str, what: str) -> PlannedEnvironment:
    """The `python` on PATH as it is, instead of `what` was asked for.

    Raises:
        EnvironmentNotBuilt: there is none.
    """
    python = first_python(search_folders(path_variable))
    if python is None:
        raise EnvironmentNotBuilt(
            "There is no 'python' or 'python3' on PATH, which 'current' stands for.", hint="Put a Python on PATH."
        )
    note = f"The environment is the python on PATH, '{python}', as it is; {what} is not looked at."
    return PlannedEnvironment(EnvironmentPlan(str(python)), (note,))


def plan_conda(
    dependencies: CondaDependencies,
    *,
    home: Path,
    environ: Mapping[str, str],
    mode: EnvironmentMode = EnvironmentMode.PINNED,
) -> PlannedEnvironment:
    """An environment under `home` with what the conda dependencies name, by conda or, without one, from PyPI.

    Raises:
        EnvironmentNotBuilt: the Python that is asked for cannot be had.
        Unsupported: conda packages that are not known to be on PyPI, or an option of pip.
        InvalidFile: a pip line or a version that nothing would take.
    """
    conda = find_conda(environ)
    if conda is not None and (dependencies.packages or dependencies.pip):
        return _plan_with_conda(dependencies, conda, home, is_relaxed=mode is EnvironmentMode.RELAXED)
    wanted = translate(dependencies)
    notes = wanted.notes
    uv = find_uv(environ)
    interpreter = find_base_interpreter(wanted.python, environ)
    is_another_python = False
    if interpreter is None and not (uv and _can_fetch(uv, wanted.python, environ)):
        if mode is EnvironmentMode.RELAXED:
            interpreter = find_nearest_interpreter(wanted.python, environ)
        if interpreter is None:
            raise _no_python(wanted.python, dependencies, uv, environ)
        is_another_python = True
        notes += (
            f"{dependencies.path}: Python {wanted.python} cannot be had; relaxed to {interpreter.version_text}, "
            f"'{interpreter.path}'.",
        )
    use_uv = uv is not None and (interpreter is None or not any(line.pip_only for line in wanted.lines))
    hidden, secrets = hide_secrets([line.text for line in wanted.lines])
    build = _build(
        home,
        python=str(wanted.python) if interpreter is None else interpreter.path,
        builder=Builder.UV if use_uv else Builder.PIP,
        installer=uv if use_uv else None,
        lines=[replace(line, text=text) for line, text in zip(wanted.lines, hidden, strict=True)],
        python_version="" if interpreter is None else interpreter.version_text,
        is_relaxed=mode is EnvironmentMode.RELAXED,
        only_wheels=is_another_python,
    )
    if interpreter is not None and interpreter.version < OLDEST_FOR_AZUREML:
        notes += (f"Python {interpreter.version_text} cannot import the azureml of a run, which needs 3.8.",)
    folder = EnvironmentFolder(Path(build.folder))
    plan = EnvironmentPlan(str(folder.interpreter), build)
    return PlannedEnvironment(plan, notes, secrets, dependencies.variables)


def _plan_with_conda(
    dependencies: CondaDependencies, conda: str, home: Path, *, is_relaxed: bool
) -> PlannedEnvironment:
    part = conda_part(dependencies)
    hidden, secrets = hide_secrets([*dependencies.channels, *part.packages, *(line.text for line in part.lines)])
    channels = hidden[: len(dependencies.channels)]
    packages = hidden[len(channels) : len(channels) + len(part.packages)]
    lines = hidden[len(channels) + len(part.packages) :]
    build = _build(
        home,
        python="",
        builder=Builder.CONDA,
        installer=conda,
        lines=[replace(line, text=text) for line, text in zip(part.lines, lines, strict=True)],
        packages=packages,
        channels=channels,
        is_relaxed=is_relaxed,
    )
    folder = EnvironmentFolder(Path(build.folder))
    plan = EnvironmentPlan(str(folder.interpreter), build)
    return PlannedEnvironment(plan, part.notes, secrets, dependencies.variables)


def find_conda(environ: Mapping[str, str]) -> str | None:
    """The absolute path of conda, micromamba or mamba, the first of them that is on PATH."""
    found = (shutil.which(name, path=environ.get("PATH", "")) for name in _CONDAS)
    return next((str(Path(path).absolute()) for path in found if path), None)


def find_uv(environ: Mapping[str, str]) -> str | None:
    """The absolute path of uv: on PATH, else the one installed beside this tool."""
    on_path = shutil.which("uv", path=environ.get("PATH", ""))
    if on_path:
        return str(Path(on_path).absolute())
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if os.access(beside, os.X_OK) else None


def _build(
    home: Path,
    *,
    python: str,
    builder: Builder,
    installer: str | None,
    lines: Sequence[PipLine],
    python_version: str = "",
    packages: Sequence[str] = (),
    channels: Sequence[str] = (),
    is_relaxed: bool,
    only_wheels: bool = False,
) -> EnvironmentBuild:
    requirements = tuple(line.text for line in lines if not line.is_option)
    options = tuple(line.text for line in lines if line.is_option)
    local = local_sources(lines)
    content: list[object] = [python, builder.value, sorted(requirements), options, python_version, *_machine()]
    content += contents(local)
    if builder is Builder.CONDA:
        content += [sorted(packages), list(channels)]
    if is_relaxed:
        content.append(EnvironmentMode.RELAXED.value)
    if only_wheels:
        content.append("only-wheels")
    key, folder = key_and_folder(home, content)
    return EnvironmentBuild(
        key=key,
        folder=folder,
        python=python,
        builder=builder,
        installer=python if installer is None else installer,
        requirements=requirements,
        options=options,
        packages=tuple(packages),
        channels=tuple(channels),
        is_relaxed=is_relaxed,
        only_wheels=only_wheels,
        local=local,
    )


def key_and_folder(home: Path, content: Sequence[object]) -> tuple[str, str]:
    """The key of an environment that is made of this, and its folder."""
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:_KEY_LENGTH]
    return key, str(home.absolute() / "environments" / key)


def _machine() -> list[str]:
    """What makes equal lines another environment: the kind of machine and its C library."""
    system = os.uname()
    return [
        f"{system.sysname} {system.machine}",
        os.confstr("CS_GNU_LIBC_VERSION") or "" if "CS_GNU_LIBC_VERSION" in os.confstr_names else "",
    ]


def _can_fetch(uv: str, request: PythonRequest, environ: Mapping[str, str]) -> bool:
    """Whether uv has this Python or knows where to get it; it answers from its own list."""
    command = [
        uv,
        "python",
        "list",
        "--python-preference",
        "only-managed",
        "--offline",
        "--no-config",
        str(request),
    ]
    answer = subprocess.run(
        command, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return answer.returncode == 0 and "cpython-" in answer.stdout


def _no_python(
    request: PythonRequest, dependencies: CondaDependencies, uv: str | None, environ: Mapping[str, str]
) -> EnvironmentNotBuilt:
    on_path = first_python(search_folders(environ.get("PATH", "")))
    there = probe(on_path, environ) if on_path else None
    here = f" (the python on PATH is {there.version_text})" if there else ""
    fetch = "uv cannot fetch it either" if uv else "there is no uv to fetch it"
    ways = f"Change the pin{here}, or put such a Python on PATH"
    instead = (
        "'--environment relaxed' takes the nearest Python there is, '--environment current' the one on PATH as it is"
    )
    return EnvironmentNotBuilt(
        f"{dependencies.path} wants Python {request}, which is not on this machine; {fetch}.",
        hint=f"{ways}. {instead}." if uv else f"{ways}, or install uv ('pip install uv'). {instead}.",
    )
