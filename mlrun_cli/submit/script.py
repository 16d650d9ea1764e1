"""Checks of a run's script, and the command line that starts it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from mlrun_cli.core.similar_files import find_similar_file
from mlrun_cli.errors import ScriptNotFound, ScriptNotInSnapshot, ScriptNotPython
from mlrun_cli.folders.project_config import find_project_config
from mlrun_cli.runconfigs.lookup import SUFFIX, list_runconfig_names
from mlrun_cli.runconfigs.run_configuration import PYTHON_FRAMEWORK, RunConfiguration

SHELL = ("/bin/sh", "-c")
"""What starts a command that is text for a shell."""
_INTERPRETERS = {
    ".bash": "bash",
    ".cjs": "node",
    ".jl": "julia",
    ".js": "node",
    ".lua": "lua",
    ".mjs": "node",
    ".php": "php",
    ".pl": "perl",
    ".ps1": "pwsh",
    ".r": "Rscript",
    ".rb": "ruby",
    ".sh": "bash",
    ".zsh": "zsh",
}
"""Programs that start scripts of other languages than Python, keyed by the suffix of the script in lower case."""

_DATA_SUFFIXES = frozenset({".json", ".runconfig", ".yaml", ".yml"})


def build_argv(configuration: RunConfiguration) -> tuple[str, ...]:
    """Return the command line to start in the working folder: the command, or the script without its interpreter.

    Raises:
        UsageError: the configuration specifies neither.
    """
    command = configuration.command
    if command is not None:
        # Azure hands text to a shell, and users write `a && b`; words are started as they are.
        return (*SHELL, command) if isinstance(command, str) else command
    if configuration.script is None:
        raise ScriptNotFound(
            "No script is named.",
            hint="Name one, as in 'mlrun run submit-script train.py', or with 'script:' in the runconfig.",
        )
    return (configuration.script, *configuration.arguments)


def build_resolved_argv(configuration: RunConfiguration, source: Path) -> tuple[str, ...]:
    """Return a run's command line with the script's path resolved in the source folder.

    Raises:
        UsageError: the script is not specified, does not exist, is not a readable file, or is outside of the folder.
    """
    first, *arguments = build_argv(configuration)
    if configuration.command is not None:
        return (first, *arguments)
    script = _resolve_script_path(source, first)
    if configuration.framework == PYTHON_FRAMEWORK:
        _check_language(script)
    return (script, *arguments)


def get_interpreter(script: str) -> str:
    """Return the program that starts a script of this name, `sh` if its suffix does not say."""
    suffix = os.path.splitext(script)[1].lower()
    return "python" if suffix == ".py" else _INTERPRETERS.get(suffix, "sh")


def split_command_text(text: str) -> tuple[str, ...] | str:
    """Return a command's words if it needs no shell, or else its text, which a shell has to interpret.

    A shell is needed for signs such as `&&` and `$`, and for variables before the command, as in `SIZE=3 make`.
    """
    import shlex  # noqa: PLC0415 - start-up

    try:
        words = shlex.split(text)
    except ValueError:  # a quotation mark is not closed
        return text
    is_plain = words and shlex.join(words) == text.strip() and not re.match(r"[A-Za-z_]\w*=", words[0])
    return tuple(words) if is_plain else text


def check_script_in_snapshot(paths: Iterable[str], source: Path, script: str) -> None:
    """Raise if the script, with links resolved, is not among the `paths` of a snapshot.

    Raises:
        UsageError: the snapshot does not contain it.
    """
    path = _resolve_links(source / script).relative_to(_resolve_links(source)).as_posix()
    if path not in paths:
        raise ScriptNotInSnapshot(
            f"The script '{script}' is left out of the snapshot, so the run would not have it.",
            hint="See what .amlignore says or, where there is none, .gitignore.",
            target=script,
        )


def _check_language(script: str) -> None:
    """Raise a UsageError if the name of a script shows that Python cannot run it."""
    suffix = os.path.splitext(script)[1].lower()
    if suffix in _DATA_SUFFIXES:
        raise ScriptNotPython(f"'{script}' is not a script.", hint=_build_settings_hint(script), target=script)
    if suffix in _INTERPRETERS:
        in_runconfig = ", or write 'framework: R' into the runconfig" if suffix == ".r" else ""
        raise ScriptNotPython(
            f"The script '{script}' is not one of Python.",
            hint=f"Start it as a command: mlrun run submit-script --command {_INTERPRETERS[suffix]} {script}"
            f"{in_runconfig}",
            target=script,
        )
    if suffix == ".ipynb":
        raise ScriptNotPython(
            f"'{script}' is a notebook, not a script.",
            hint=f"Start it as a command: --command jupyter nbconvert --to notebook --execute {script};"
            f" or export it first: jupyter nbconvert --to script {script}",
            target=script,
        )


def _build_argument_hint(script: str) -> str | None:
    """Return a hint that an argument stands in the place of the script, or None if it does not look like one."""
    if not script.startswith("-"):
        return None
    return f"Arguments follow the name of the script, with -c too: mlrun run submit-script train.py {script} ..."


def _build_runconfig_hint(source: Path, script: str) -> str | None:
    """Return a hint that a missing script has the name of a runconfig, or None if it does not."""
    config = find_project_config(source)
    names = list_runconfig_names(source if config is None else config.folder)
    return (
        _build_settings_hint(f"{script.removesuffix(SUFFIX)}{SUFFIX}") if script.removesuffix(SUFFIX) in names else None
    )


def _build_settings_hint(name: str) -> str:
    """Return a hint on the option for a settings file that was given in place of a script."""
    if name.endswith(SUFFIX):
        return f"A runconfig is named with -c, before the script: -c {name.removesuffix(SUFFIX)} train.py"
    return (
        f"A pipeline is submitted by 'mlrun run submit-pipeline -y {name}', a sweep by\n"
        f"'mlrun run submit-hyperdrive --hyperdrive-configuration-name {name} train.py'."
    )


def _resolve_script_path(source: Path, script: str) -> str:
    path = Path(os.path.normpath(source / script))
    is_inside = path.is_relative_to(os.path.normpath(source)) and _resolve_links(path).is_relative_to(
        _resolve_links(source)
    )
    if not is_inside:
        raise ScriptNotInSnapshot(
            f"The script '{script}' is outside of the source folder {source}, so no snapshot would hold it.",
            hint="Name a script in that folder, or choose another with --source-directory.",
            target=script,
        )
    if path.is_symlink() and not path.exists():
        raise ScriptNotFound(
            f"The script '{script}' in {source} is a link that leads to no file.",
            hint="Name the script itself, or correct the link ('ls -l' shows where it leads).",
            target=script,
        )
    if not path.exists():
        nearest = find_similar_file(path, {".py"})
        guess = "" if nearest is None else f"Did you mean '{os.path.relpath(nearest, source)}'? "
        raise ScriptNotFound(
            f"There is no script '{script}' in {source}.",
            hint=_build_argument_hint(script)
            or _build_runconfig_hint(source, script)
            or _build_program_hint(script)
            or _build_attached_folder_hint(source, script)
            or f"{guess}Paths of scripts are relative to the source folder ({source}).",
            target=script,
        )
    if not path.is_file():
        raise ScriptNotFound(
            f"The script '{script}' in {source} is not a file.",
            hint="Name a script, as in 'mlrun run submit-script train.py'.",
            target=script,
        )
    if not os.access(path, os.R_OK):
        raise ScriptNotFound(f"The script {path} cannot be read.", hint="Check its permissions ('ls -l').", target=path)
    relative = os.path.relpath(path, source)
    # Python would take it for an option.
    return f"./{relative}" if relative.startswith("-") else relative


def _build_attached_folder_hint(source: Path, script: str) -> str | None:
    """Return a hint that the attached folder above the source folder has the script, or None if it does not."""
    import shlex  # noqa: PLC0415 - not on the way of what succeeds

    config = find_project_config(source)
    if config is None or _resolve_links(config.folder) == _resolve_links(source):
        return None
    if not (config.folder / script).is_file():
        return None
    return f"The attached folder {config.folder} has it: add --path {shlex.quote(str(config.folder))}."


def _build_program_hint(script: str) -> str | None:
    """Return a hint on how to start a script that is a program on PATH, or None if it is not one."""
    import shutil  # noqa: PLC0415 - start-up

    if os.sep in script or shutil.which(script) is None:
        return None
    return f"To start a program, add --command: mlrun run submit-script --command {script} ..."


def _resolve_links(path: Path) -> Path:
    """Return the path with links resolved; unlike `Path.resolve`, do not raise on circular links."""
    return Path(os.path.realpath(path))
