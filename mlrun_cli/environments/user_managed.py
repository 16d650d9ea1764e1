"""Plans of user-managed environments, which use an existing interpreter unchanged."""

from __future__ import annotations

import os
from pathlib import Path

from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.environments.python_search import find_python, iterate_executables, list_search_folders
from mlrun_cli.errors import EnvironmentNotBuilt, InterpreterNotFound


def plan_user_managed_environment(interpreter_path: str | None, search_path: str, folder: Path) -> PlannedEnvironment:
    """Plan to use the interpreter specified by a runconfig, or by default the `python` on PATH.

    A path is relative to `folder`. If it does not exist, the `python` on PATH is used instead, with a note.

    Raises:
        EnvironmentNotBuilt: the interpreter is not executable, or there is no Python on PATH.
    """
    folders = list_search_folders(search_path)
    notes: tuple[str, ...] = ()
    if interpreter_path:
        found = _find_interpreter(interpreter_path, folder, folders)
        if found is not None:
            return PlannedEnvironment(EnvironmentPlan(str(found)))
    python = find_python(folders)
    if python is None:
        named = f"'{interpreter_path}' does not exist here, and there" if interpreter_path else "There"
        raise EnvironmentNotBuilt(
            f"{named} is no 'python' or 'python3' on PATH.",
            hint="Put a Python on PATH, or name one as python.interpreterPath in the runconfig.",
        )
    if interpreter_path and interpreter_path not in {"python", "python3"}:
        notes = (f"The interpreter '{interpreter_path}' does not exist here; using '{python}' from PATH.",)
    return PlannedEnvironment(EnvironmentPlan(str(python)), notes)


def check_interpreter_path(interpreter_path: str | None, folder: Path) -> None:
    """Raise if the interpreter's path is relative with a slash, or begins with `~`, and does not exist.

    Any other path may be that of the machine for which the runconfig was written, and is replaced.

    Raises:
        InterpreterNotFound: there is none.
    """
    if interpreter_path is None or "/" not in interpreter_path or interpreter_path.startswith("/"):
        return
    path = (folder / Path(interpreter_path).expanduser()).absolute()
    if not path.exists():
        raise InterpreterNotFound(
            f"There is no interpreter '{path}'.",
            hint="Make that environment, or correct python.interpreterPath in the runconfig, which 'python' leaves to"
            " PATH.",
            target=path,
        )


def _find_interpreter(interpreter_path: str, folder: Path, folders: list[Path]) -> Path | None:
    if "/" not in interpreter_path:
        return next(iterate_executables(interpreter_path, folders), None)
    # Not resolved: Python finds the packages of a virtual environment by its link to the interpreter.
    path = (folder / Path(interpreter_path).expanduser()).absolute()
    if path.is_file() and os.access(path, os.X_OK):
        return path
    if path.exists():
        raise InterpreterNotFound(
            f"The interpreter '{path}' is {'a folder' if path.is_dir() else 'not executable'}.",
            hint="Name the Python itself as python.interpreterPath, such as 'venv/bin/python'.",
            target=path,
        )
    return None


def plan_python_on_path(search_path: str, ignored_setting: str) -> PlannedEnvironment:
    """Plan to use the `python` on PATH, with a note that `ignored_setting` is ignored.

    Raises:
        EnvironmentNotBuilt: there is no Python on PATH.
    """
    python = find_python(list_search_folders(search_path))
    if python is None:
        raise InterpreterNotFound(
            "There is no 'python' or 'python3' on PATH, which 'current' needs.", hint="Put a Python on PATH."
        )
    note = f"The environment is the python on PATH, '{python}', as it is; {ignored_setting} is not looked at."
    return PlannedEnvironment(EnvironmentPlan(str(python)), (note,))
