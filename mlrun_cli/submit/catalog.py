"""The catalog of the runconfigs in a folder, with their names and contents."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from mlrun_cli.core.problems import list_problems
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import MlrunError
from mlrun_cli.runconfigs.lookup import get_runconfig_name, resolve_runconfig_name
from mlrun_cli.runconfigs.runconfig import read_runconfig
from mlrun_cli.runconfigs.schema import build_complete_document
from mlrun_cli.runconfigs.search import search_runconfigs
from mlrun_cli.submit.review import review_configuration
from mlrun_cli.submit.runconfig_file import load_runconfig


def list_runconfigs(folder: Path, home: Path) -> Sequence[dict[str, Any]]:
    """Return a record of each runconfig below a folder, with its errors and the name by which `-c` finds it.

    Args:
        folder: the attached folder, or any other folder.
        home: the folder of all workspaces, which is not searched.
    """
    return sorted(
        (_build_record(folder, file) for file in search_runconfigs(folder, exclude=home)), key=itemgetter("name")
    )


def get_runconfig_record(folder: Path, name: str, redactor: Redactor) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a runconfig as a dict with defaults filled in and secrets redacted, and lines for stderr.

    Raises:
        UsageError: there is no such file, or it cannot be read as a runconfig.
    """
    _, configuration, notes = load_runconfig(folder, name)
    return build_complete_document(configuration, redactor), notes


def resolve_runconfig_names(folder: Path, names: Sequence[str]) -> list[Path]:
    """Return the paths of the runconfigs with these names, resolving the names in the same way as `-c` does.

    Raises:
        UsageError: one of them does not exist.
    """
    return [resolve_runconfig_name(folder, name)[0] for name in names]


def strip_path(message: str, file_path: str) -> str:
    """Return a message without the runconfig's path at its start, for a table with a separate column for the path."""
    return re.sub(rf"^\S.*/{re.escape(os.path.basename(file_path))}(, |: | )", "", message)


def _build_record(folder: Path, file: Path) -> dict[str, Any]:
    """Return a record of a runconfig, without checking its target, environment or data."""
    record: dict[str, Any] = {
        "name": get_runconfig_name(folder, file),
        "path": str(file.relative_to(folder)),
        "target": None,
        "script": None,
        "ok": False,
        "reason": None,
    }
    try:
        configuration, _ = read_runconfig(file)
        record.update(target=configuration.target, script=configuration.script)
        # That its environment is only named is no fault: it may be registered.
        review_configuration(configuration.remove_environment_name(), search_path=os.environ.get("PATH", ""))
    except MlrunError as error:
        first, *more = list_problems(error)
        return {**record, "reason": first.message + (f" (and {len(more)} more)" if more else "")}
    return {**record, "ok": True}
