"""Installation of completion in the files of each shell, which can be repeated."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlrun_cli.cli.program import get_completion_variable
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.names import quote_shortened
from mlrun_cli.errors import FileNotWritable, InvalidValue, Unsupported

_SHELLS = ("bash", "zsh", "fish", "pwsh", "powershell")
_ADDED = {
    "bash": "complete -o nosort -o default -F _{function}_completion {program} 2>/dev/null",
    "zsh": """zstyle ':completion:*:*:{program}:*' sort false
zstyle ':completion:*:*:{program}:*' list-grouped false
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _{function}_completion "$@"
fi""",
}
"""Lines after Typer's: shells neither sort nor group, so that the newest runs come first, and zsh answers the
first time, too."""


_NO_SPACE_IN_BASH = "    [[ ${#COMPREPLY[@]} == 1 && $COMPREPLY == *= ]] && compopt -o nospace 2>/dev/null\n"


class Installation(NamedTuple):
    """The files of an installed completion.

    Attributes:
        script: the completion script.
        start_file: the file of the shell's own that loads it, or None if the shell finds it by its place.
        line: the line of that file.
        at_once: the line that loads it in a shell that is open.
    """

    script: Path
    start_file: Path | None
    line: str
    at_once: str


def choose_shell(arguments: Sequence[str], option: str) -> str:
    """Return the shell that the arguments name or, without arguments, the shell that started this process.

    Raises:
        InvalidValue: the arguments do not name one shell that is completed.
        Unsupported: none is named, and the shell of this process is not completed.
    """
    if not arguments:
        return _detect_shell(os.environ)
    if len(arguments) == 1 and arguments[0].lower() in _SHELLS:
        return arguments[0].lower()
    named = quote_shortened(" ".join(arguments))
    raise InvalidValue(
        f"There is no completion for the shell {named}.",
        hint=f"Name one of {', '.join(_SHELLS)}, or none for the shell that you call it from.",
        target=option,
    )


def install_completion(program: str, shell: str) -> None:
    """Install completion of a program for a shell, and print what was written."""
    installation = _plan_installation(program, shell, _get_user_home(os.environ), os.environ)
    changed = _write_files(installation, build_script(program, shell))
    lines = [f"{'Wrote' if changed else 'Already there:'} {installation.script}"]
    if installation.start_file is not None:
        lines.append(f"It is loaded by {installation.start_file}")
    lines.append(f"New {shell} shells complete the words of '{program}'; for this one: {installation.at_once}")
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def show_completion(program: str, shell: str) -> None:
    """Print the completion script of a program for a shell."""
    sys.stdout.write(build_script(program, shell))


def build_script(program: str, shell: str) -> str:
    """Return Typer's completion script for a shell, with corrections such as preserving the order of suggestions."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined] # noqa: PLC0415 - start-up

    script = str(
        get_completion_script(prog_name=program, complete_var=get_completion_variable(program), shell=shell)
    ).strip()
    if shell == "fish":
        script = script.replace("--no-files", "--no-files --keep-order")
    if shell == "bash":  # the answers are no patterns for the names of files
        script = script.replace("local IFS=", "local -\n    set -f\n    local IFS=")
        script = script.replace("    return 0", f"{_NO_SPACE_IN_BASH}    return 0")
    added = _ADDED.get(shell)
    lines = [script] if added is None else [script, added.format(function=program.replace("-", "_"), program=program)]
    return "".join(f"{line}\n" for line in lines)


def _detect_shell(environ: Mapping[str, str]) -> str:
    """Return the name of the shell that started this process or, if that is not completed, the name in `$SHELL`.

    Raises:
        Unsupported: it is none of those that are completed.
    """
    import shellingham  # Typer requires it  # noqa: PLC0415 - start-up

    try:
        name = str(shellingham.detect_shell()[0])
    except (shellingham.ShellDetectionFailure, OSError):
        name = ""
    found = next((each for each in (name, os.path.basename(environ.get("SHELL", ""))) if each in _SHELLS), None)
    if found is None:
        raise Unsupported(
            f"There is no completion for {f'the shell {name!r}' if name else 'this shell'}.",
            hint="Call it from bash, zsh, fish or PowerShell, or set SHELL to the one that you use.",
            target="--install-completion",
        )
    return found


def _get_user_home(environ: Mapping[str, str]) -> Path:
    """Return the user's home folder.

    Raises:
        Unsupported: `HOME` is empty or is not an absolute path.
    """
    named = environ.get("HOME", "")
    if not os.path.isabs(named):
        raise Unsupported(
            "HOME is not set, so there is no file to install completion in.",
            hint="Set HOME, or load the output of 'mlrun --show-completion' where your shell starts.",
            target="HOME",
        )
    return Path(named)


def _plan_installation(program: str, shell: str, home: Path, environ: Mapping[str, str]) -> Installation:
    if shell == "fish":
        configuration = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
        script = configuration / "fish" / "completions" / f"{program}.fish"
        return Installation(script, None, "", f"source {shlex.quote(str(script))}")
    if shell == "zsh":
        folder, start_file = home / ".zfunc", Path(environ.get("ZDOTDIR") or home) / ".zshrc"
        line = f"fpath+={shlex.quote(str(folder))}; autoload -Uz compinit; compinit"
        script = folder / f"_{program}"
        return Installation(script, start_file, line, f"source {shlex.quote(str(start_file))}")
    if shell == "bash":
        script, start_file = home / ".bash_completions" / f"{program}.sh", home / ".bashrc"
        line = f"source {shlex.quote(str(script))}"
        return Installation(script, start_file, line, line)
    configuration = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "powershell"
    script = configuration / f"{program}-completion.ps1"
    line = f". '{script}'"
    return Installation(script, configuration / "Microsoft.PowerShell_profile.ps1", line, line)


def _write_files(installation: Installation, script: str) -> bool:
    """Write the script, and add a line to the shell's start-up file if needed; return whether anything changed."""
    path = installation.script
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != script
        if is_new:
            path.write_text(script, encoding="utf-8")
        if installation.start_file is None:
            return is_new
        path = installation.start_file
        there = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if installation.line in there.splitlines():
            return is_new
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{'' if there.endswith(chr(10)) or not there else chr(10)}{installation.line}\n")
    except OSError as error:
        raise FileNotWritable(path, error, hint="Load the output of 'mlrun --show-completion' instead.") from error
    return True
