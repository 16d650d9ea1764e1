"""Hints about files that a script does not find because an ignore file excludes them from its working copy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.errors import InvalidFile
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.ignore import IgnoreRules
from mlrun_cli.wire.run_output import make_printable

_IS_MISSING = r"(?i)no such file|not found|does not exist|cannot find|can't open"
_QUOTED = r"""'([^'\n]+)'|"([^"\n]+)\""""
_MODULE = r"No module named '([\w.]+)'"
_SHELL_WORD = r"(?<!\S)(\S+): No such file"


def describe_ignored_file(run: Run, source: Path) -> str | None:
    """Return a hint if the error of a failed run names a file that its working copy excludes, or else None.

    Args:
        run: the failed run.
        source: the folder that its snapshot was taken of.
    """
    error: Mapping[str, Any] = (run.error or {}).get("error") or {}
    message = str(error.get("message") or "")
    names = [*_iterate_module_paths(message), *_iterate_paths(message, run.run_id)]
    if not names:
        return None
    try:
        rules = IgnoreRules.read(source)
    except InvalidFile:
        return None
    name = next((each for each in names if os.path.exists(source / each) and _is_ignored(rules, source, each)), None)
    if name is None:
        return None
    shown = make_printable(name)
    return (
        f"'{shown}' is in the source folder, but {rules.file_name} leaves it out of the copy in which the script runs."
        f" A line '!{shown}' at the end of {rules.file_name} takes it along; large data is better read by an absolute"
        " path."
    )


def _iterate_module_paths(message: str) -> Iterator[str]:
    """Yield the possible paths of modules that could not be imported, relative to the script's folder."""
    for module in re.findall(_MODULE, message):
        top = module.partition(".")[0]
        yield from (f"{top}.py", top)


def _iterate_paths(message: str, run_id: str) -> Iterator[str]:
    """Yield the paths in an error about a missing file, relative to the working folder of the run."""
    if re.search(_IS_MISSING, message) is None:
        return
    quoted = (first or second for first, second in re.findall(_QUOTED, message))
    for text in (*quoted, *re.findall(_SHELL_WORD, message)):
        path = os.path.normpath(text.rpartition(f"/{run_id}/work/")[2])
        if not os.path.isabs(path) and path.partition("/")[0] not in {".", ".."}:
            yield path


def _is_ignored(rules: IgnoreRules, source: Path, path: str) -> bool:
    if rules.has_negation:
        return rules.ignores(path, is_folder=os.path.isdir(source / path))
    parts = path.split("/")
    above = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    return any(rules.ignores(each, is_folder=os.path.isdir(source / each)) for each in above)
