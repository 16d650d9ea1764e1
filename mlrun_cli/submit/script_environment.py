"""The environment variables of a run's script."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from mlrun_cli.processes.gpus import VISIBLE_GPUS
from mlrun_cli.processes.launch import Launch
from mlrun_cli.processes.launchers.registry import get_launcher, is_launch_variable
from mlrun_cli.processes.notebook_variables import remove_notebook_variables
from mlrun_cli.processes.process import ATTEMPT_VARIABLE, FAMILY_VARIABLE, RUN_ID_VARIABLE, SUPERVISOR_VARIABLE
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.wire.run_folder import OUTPUTS
from mlrun_cli.wire.tracking_uri import JOINED_RUN, build_tracking_uri, is_workspace_uri
from mlrun_cli.workspace_locator import WorkspaceIdentity

# Those of another run, when the submitter is itself a script or the runconfig names them, must not be taken for this
# one's: processes are found, and told from supervisors, by some of them.
_OF_EVERY_RUN = frozenset(
    {
        "AZUREML_ARM_PROJECT_NAME",
        "AZUREML_ARM_RESOURCEGROUP",
        "AZUREML_ARM_SUBSCRIPTION",
        "AZUREML_ARM_WORKSPACE_NAME",
        "AZUREML_EXPERIMENT_ID",
        "AZUREML_NODE_COUNT",
        "AZUREML_OUTPUT_DIRECTORY",
        "AZUREML_RUN_ID",
        ATTEMPT_VARIABLE,
        "MLRUN_HOME",
        "MLRUN_RUN_FOLDER",
        "MLRUN_RUN_NUMBER",
        "MLRUN_SOCKET_FOLDER",
        "OLDPWD",
        "PWD",
        FAMILY_VARIABLE,
        RUN_ID_VARIABLE,
        SUPERVISOR_VARIABLE,
    }
)

_TRACKING_OF_RUN = frozenset({JOINED_RUN, "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"})
"""The variables by which MLflow finds an outer run, which are not meant for this one."""


def list_reserved_variables(launch: Launch) -> frozenset[str]:
    """Return the names of the environment variables that every run sets itself and a runconfig cannot set."""
    launcher = get_launcher(launch)
    processes = launcher.prepare_processes(range(launcher.port_count))
    return _OF_EVERY_RUN.union(*(process.variables for process in processes))


def build_script_environment(
    submitter_variables: Mapping[str, str],
    variables: Mapping[str, str],
    *,
    identity: WorkspaceIdentity,
    home: Path,
    sdk_folder: Path,
    run_id: str,
    run_number: int,
    folder: RunFolder | None,
    experiment_name: str,
    experiment_id: str,
    client_variables: Collection[str] = (),
) -> dict[str, str]:
    """Return the script's environment variables: the submitter's, overridden by the runconfig's, then the run's own.

    Variables that a notebook has set for itself are not inherited. `folder` is None for a run on a node, whose
    supervisor adds the variables that depend on the folder of the run, while those that name GPUs of this machine, and
    the `client_variables` by which the submitter reaches the engine, are not inherited.
    """
    submitter_variables = remove_notebook_variables(submitter_variables)
    if folder is None:
        own = {VISIBLE_GPUS, *client_variables}
        submitter_variables = {name: value for name, value in submitter_variables.items() if name not in own}
    if RUN_ID_VARIABLE in submitter_variables:
        submitter_variables = {
            name: value
            for name, value in submitter_variables.items()
            if not is_launch_variable(name) and name not in _TRACKING_OF_RUN
        }
    wanted = {**submitter_variables, "PYTHONUNBUFFERED": "1", **variables}
    environment = {name: value for name, value in wanted.items() if name not in _OF_EVERY_RUN}
    environment |= {
        "AZUREML_ARM_PROJECT_NAME": experiment_name,
        "AZUREML_ARM_RESOURCEGROUP": identity.resource_group,
        "AZUREML_ARM_SUBSCRIPTION": identity.subscription_id,
        "AZUREML_ARM_WORKSPACE_NAME": identity.name,
        "AZUREML_EXPERIMENT_ID": experiment_id,
        "AZUREML_NODE_COUNT": "1",
        "AZUREML_RUN_ID": run_id,
        RUN_ID_VARIABLE: run_id,
        "MLRUN_RUN_NUMBER": str(run_number),
        "PYTHONPATH": _build_python_path(environment.get("PYTHONPATH", ""), home, sdk_folder),
    }
    environment |= _build_tracking_variables(environment, identity, run_id, experiment_name, experiment_id)
    if folder is not None:
        environment |= {
            "AZUREML_OUTPUT_DIRECTORY": str(folder.work / OUTPUTS),
            "MLRUN_HOME": str(home),
            "MLRUN_RUN_FOLDER": str(folder.path),
            "PWD": str(folder.work),
        }
    return environment


def _build_tracking_variables(
    environ: Mapping[str, str], identity: WorkspaceIdentity, run_id: str, experiment_name: str, experiment_id: str
) -> dict[str, str]:
    """Return the environment variables by which MLflow finds the run; empty if the user tracks elsewhere."""
    uri = environ.get("MLFLOW_TRACKING_URI")
    if uri and not is_workspace_uri(uri):
        return {}
    return {
        "MLFLOW_EXPERIMENT_ID": experiment_id,
        "MLFLOW_EXPERIMENT_NAME": experiment_name,
        "MLFLOW_RUN_ID": run_id,
        "MLFLOW_TRACKING_URI": build_tracking_uri(identity),
    }


def _build_python_path(python_path: str, home: Path, sdk_folder: Path) -> str:
    """Return PYTHONPATH with the SDK's folder first and the SDK folder of an outer run removed."""
    copies = {home / "sdk", sdk_folder.parent}
    others = [part for part in python_path.split(os.pathsep) if part and Path(part).parent not in copies]
    return os.pathsep.join([str(sdk_folder), *others])
