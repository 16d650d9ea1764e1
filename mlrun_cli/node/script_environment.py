"""The environment variables of a script on a node."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from mlrun_cli.node.run_folder import NodeRunFolder
from mlrun_cli.processes.process import FAMILY_VARIABLE, RUN_ID_VARIABLE, SUPERVISOR_VARIABLE
from mlrun_cli.wire.run_folder import OUTPUTS

_OF_THE_RUN = frozenset({"PYTHONPATH", "PYTHONUNBUFFERED", RUN_ID_VARIABLE})
_OF_OTHERS = frozenset({FAMILY_VARIABLE, SUPERVISOR_VARIABLE, "OLDPWD"})


def build_node_environment(
    submitted_variables: Mapping[str, str],
    job_variables: Mapping[str, str],
    definition: Mapping[str, Any],
    folder: NodeRunFolder,
    home: os.PathLike[str],
) -> dict[str, str]:
    """Return the environment variables of a script on a node.

    Those of the job, such as the devices that it may use and what its setup has loaded, override those of the
    submitter, and are overridden by those of the runconfig and of the run.

    Args:
        submitted_variables: the submitter's variables with those of the runconfig and of the run.
        job_variables: the variables of this process.
        definition: the definition of the run.
        folder: the folder of the run.
        home: the home of the scratch workspace.
    """
    own = _list_own_variables(definition, submitted_variables)
    return {
        **submitted_variables,
        **{name: value for name, value in job_variables.items() if name not in own and name not in _OF_OTHERS},
        "AZUREML_OUTPUT_DIRECTORY": os.fspath(folder.work / OUTPUTS),
        "MLRUN_HOME": os.fspath(home),
        "MLRUN_RUN_FOLDER": os.fspath(folder.disk),
        "MLRUN_SOCKET_FOLDER": os.fspath(folder.path),
        "PWD": os.fspath(folder.work),
    }


def _list_own_variables(definition: Mapping[str, Any], submitted_variables: Mapping[str, str]) -> Collection[str]:
    """Return the names of the variables set by the runconfig or by the run itself."""
    configured = definition.get("environmentVariables")
    prefixes = ("AZUREML_", "MLFLOW_", "MLRUN_")
    return {*(configured or ()), *_OF_THE_RUN, *(name for name in submitted_variables if name.startswith(prefixes))}
