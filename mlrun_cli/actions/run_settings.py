"""Attributes of runs to compare them by: settings, environment variables and packages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.json_files import read_json
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace

_PACKAGE = r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:==?|@)\s*(?P<version>\S+)"
_SETTINGS = ("framework", "communicator", "nodeCount", "maxRunDurationSeconds")


def get_launch_settings(run: Run) -> dict[str, str]:
    """Return a run's launch settings, such as framework, number of nodes and time limit, keyed by name."""
    definition: Mapping[str, Any] = run.definition or {}
    return {name: str(definition[name]) for name in _SETTINGS if definition.get(name) is not None}


def get_runconfig_variables(run: Run) -> dict[str, str]:
    """Return the environment variables from the runconfig, with secrets redacted."""
    definition: Mapping[str, Any] = run.definition or {}
    return {str(name): str(value) for name, value in (definition.get("environmentVariables") or {}).items()}


def read_packages(workspace: Workspace, run: Run) -> dict[str, str]:
    """Return the Python version, the image, and the versions of installed packages, keyed by name."""
    section: Mapping[str, Any] = ((run.definition or {}).get("environment") or {}).get("python") or {}
    record = read_json(workspace.get_run_folder(run.run_id).environment_record) or {}
    details = {"python": record.get("python") or section.get("interpreterPath"), "image": record.get("image")}
    found = {name: str(value) for name, value in details.items() if value}
    for line in record.get("installed") or ():
        package = re.match(_PACKAGE, line)
        found[package["name"].lower() if package else line] = package["version"] if package else "✓"
    return found
