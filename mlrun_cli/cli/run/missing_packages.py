"""Hints about packages that the environment of a failed run lacks."""

from __future__ import annotations

import re

from mlrun_cli.runs.run import Run

_MODULE = re.compile(r"No module named '(\w+)")
_WITH_AZURES = {
    "dateutil": "python-dateutil",
    "jsonpickle": "jsonpickle",
    "msrest": "msrest",
    "numpy": "numpy",
    "pyarrow": "pyarrow",
    "pytz": "pytz",
    "requests": "requests",
    "ruamel": "ruamel.yaml",
}
"""The packages of modules that come along with Azure's packages, such as azureml-defaults."""


def describe_missing_package(run: Run) -> str | None:
    """Return a hint if a run has failed for want of a module that Azure's packages would bring along, or else None."""
    python = ((run.definition or {}).get("environment") or {}).get("python") or {}
    message = str(((run.error or {}).get("error") or {}).get("message") or "")
    module = _MODULE.search(message)
    package = None if module is None else _WITH_AZURES.get(module[1])
    if module is None or package is None or python.get("userManagedDependencies") is not False:
        return None
    return (
        f"The environment of the run has no module '{module[1]}': in Azure, it comes with azureml-defaults"
        f" and the like, which are left out here. Add '{package}' to the conda dependencies."
    )
