"""Dotted parameters of a sweep, such as `optimizer.lr`, for scripts that read overrides as Hydra does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mlrun_cli.submit.request import SubmitRequest

_DOTTED = r"[A-Za-z_]\w*(?:\.\w+)+"
_OVERRIDE = r"(?:\+{0,2}|~)[A-Za-z_][\w./@]*=.*"
_IMPORT = r"(?m)^[ \t]*(?:import|from)[ \t]+(?:hydra|omegaconf)\b"


def add_override_placeholders(request: SubmitRequest, names: Iterable[str]) -> SubmitRequest:
    """Return a request with `NAME={NAME}` added for each dotted parameter if its script reads such overrides.

    It does if it imports Hydra or OmegaConf, or if one of its other arguments is an override. Other scripts get
    `--NAME VALUE`, as those of jsonargparse want. Arguments that only a runconfig has are left alone.
    """
    command = request.command
    words = request.arguments if command is None else command
    is_in_runconfig = command is None and not words and (request.script is None or request.runconfig_name is not None)
    if isinstance(words, str) or is_in_runconfig:
        return request
    text = "\n".join(words)
    dotted = [name for name in names if re.fullmatch(_DOTTED, name) and f"{{{name}}}" not in text]
    added = [f"{name}={{{name}}}" for name in dotted if not any(word.startswith(f"{name}=") for word in words)]
    if not added or not (_has_override(words) or _imports_hydra(request)):
        return request
    if command is None:
        return request._replace(arguments=(*words, *added))
    return request._replace(command=(*words, *added))


def _has_override(words: Sequence[str]) -> bool:
    return any(re.fullmatch(_OVERRIDE, word, re.DOTALL) for word in words)


def _imports_hydra(request: SubmitRequest) -> bool:
    if request.script is None:
        return False
    script = Path(request.source_directory or request.get_project_folder()) / request.script
    try:
        return re.search(_IMPORT, script.read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False
