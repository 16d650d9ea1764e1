"""Hints about packages that the environment of a failed run lacks."""

from __future__ import annotations

import re

from mlrun_cli.runs.run import Run

_MODULE = re.compile(r"No module named '([\w.]+)")
_MANAGEMENT = "mgmt"
_AZURES_OWN = ("common", "core", "graphrbac", "identity", _MANAGEMENT)
_WITH_AZURES = {
    "adal": "adal",
    "cloudpickle": "cloudpickle",
    "cryptography": "cryptography",
    "dateutil": "python-dateutil",
    "docker": "docker",
    "jmespath": "jmespath",
    "jsonpickle": "jsonpickle",
    "jwt": "PyJWT",
    "msal": "msal",
    "msrest": "msrest",
    "msrestazure": "msrestazure",
    "numpy": "numpy",
    "packaging": "packaging",
    "paramiko": "paramiko",
    "pathspec": "pathspec",
    "pyarrow": "pyarrow",
    "pytz": "pytz",
    "requests": "requests",
    "ruamel": "ruamel.yaml",
    "urllib3": "urllib3",
    "yaml": "PyYAML",
}
"""The packages of modules that come along with Azure's packages, such as azureml-defaults."""


def describe_missing_package(run: Run) -> str | None:
    """Return a hint if a run has failed for want of a module that Azure's packages would bring along, or else None."""
    python = ((run.definition or {}).get("environment") or {}).get("python") or {}
    message = str(((run.error or {}).get("error") or {}).get("message") or "")
    module = _MODULE.search(message)
    package = None if module is None else _find_package(module[1])
    if module is None or package is None or python.get("userManagedDependencies") is not False:
        return None
    return (
        f"The environment of the run has no module '{module[1]}': in Azure, it comes with azureml-defaults"
        f" and the like, which are left out here. Add {package} to the conda dependencies."
    )


def _find_package(module: str) -> str | None:
    """Return the name of the package that has a module of `_WITH_AZURES` or of the namespace `azure`, or else None."""
    top, *below = module.split(".")
    if top != "azure":
        return f"'{_WITH_AZURES[top]}'" if top in _WITH_AZURES else None
    if below in ([], [_MANAGEMENT]):
        return "its package, such as 'azure-common' or 'azure-mgmt-resource',"
    if below[0] not in _AZURES_OWN:
        return None
    return f"'{'-'.join(['azure', *below[: 2 if below[0] == _MANAGEMENT else 1]])}'"
