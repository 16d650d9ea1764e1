"""Checks of the program of a command that is started without a shell."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mlrun_cli.errors import ScriptNotFound
from mlrun_cli.submit.script import get_interpreter

_BEGINNING = 4096
"""Bytes of a file from which its kind is seen."""


def check_program(program: str, source: Path, search_path: str) -> None:
    """Raise if the program of a command that is started without a shell cannot be started on this machine.

    A name is looked for on the search path, a relative path in the source folder, and an absolute path is not checked.
    Neither is a single word with a placeholder of a sweep or of data.

    Raises:
        ScriptNotFound: it does not exist, is not executable, or has no interpreter.
    """
    if not program or os.path.isabs(program) or (set("{$") & set(program) and " " not in program):
        return
    file, is_path = source / program, os.sep in program
    if shutil.which(file if is_path else program, path=search_path) is not None:
        if is_path:
            _check_interpreter(program, file)
        return
    found = f"does not exist in {source}" if is_path else "is not on PATH"
    if is_path and file.exists():
        found = "is a folder" if file.is_dir() else "is not executable"
    hint = "Check its name. What only a shell knows needs a whole line: --command 'ulimit -n 4096 && python train.py'."
    if file.is_file():
        hint = _build_interpreter_hint(program)
    elif " " in program.strip():
        hint = (
            "Further words follow it, so it is the name of a program. Leave its quotes out, or quote the whole line;"
            " options of mlrun go before --command."
        )
    raise ScriptNotFound(f"The program '{program}' {found}.", hint=hint, target=program)


def _check_interpreter(program: str, file: Path) -> None:
    """Raise if a text file has no first line that names its interpreter, or names one that does not exist.

    Raises:
        ScriptNotFound: the file could not be started.
    """
    try:
        with file.open("rb") as opened:
            beginning = opened.read(_BEGINNING)
    except OSError:  # it may be executable without being readable
        return
    first_line = beginning.partition(b"\n")[0]
    if not first_line.startswith(b"#!"):
        if b"\0" not in beginning:  # otherwise a binary
            raise ScriptNotFound(
                f"The program '{program}' has no first line that names its interpreter, such as '#!/bin/sh'.",
                hint=_build_interpreter_hint(program),
                target=program,
            )
        return
    if first_line.endswith(b"\r"):
        raise ScriptNotFound(
            f"The program '{program}' cannot be started: its lines end as on Windows (CRLF).",
            hint=f"Convert it: sed -i 's/\\r$//' {program}",
            target=program,
        )
    interpreter = os.fsdecode(next(iter(first_line[2:].split()), b""))
    if os.path.isabs(interpreter) and not os.path.exists(interpreter):
        raise ScriptNotFound(
            f"The program '{program}' cannot be started: '{interpreter}', which its first line names, does not exist.",
            hint=f"Correct the line. {_build_interpreter_hint(program)}",
            target=program,
        )


def _build_interpreter_hint(program: str) -> str:
    return f"Start the file by its interpreter: --command {get_interpreter(program)} {program}"
