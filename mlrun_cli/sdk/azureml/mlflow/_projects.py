"""MLflow's projects as runs of a workspace: `mlflow run -b azureml`, `mlflow.projects.run(backend="azureml")`.

What an entry point of the file `MLproject` says is submitted as a command, in the environment that the file names.
One module serves MLflow 1.30, 2 and 3.
"""

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Dict

from azureml._wire.tracking_uri import parse_workspace

if TYPE_CHECKING:
    from azureml.core.environment import Environment

_AbstractBackend: Any = import_module("mlflow.projects.backend.abstract_backend").AbstractBackend
_SubmittedRun: Any = import_module("mlflow.projects.submitted_run").SubmittedRun
_ExecutionException: Any = import_module("mlflow.exceptions").ExecutionException


class ProjectBackend(_AbstractBackend):  # type: ignore[misc]
    """The backend for MLflow projects; its configuration has the keys `COMPUTE`, `STREAM_OUTPUT` and `USE_CONDA`."""

    def run(
        self,
        project_uri: str,
        entry_point: str,
        params: "Dict[str, Any]",
        version: "str | None",
        backend_config: "Dict[str, Any] | None",
        tracking_uri: str,
        experiment_id: str,
    ) -> Any:
        """Submit an entry point of a project, and return the submitted project.

        Raises:
            ExecutionException: of MLflow; MLflow's tracking URI is not that of a workspace, or the project is in a
                container.
        """
        from azureml.core.experiment import Experiment
        from azureml.core.script_run_config import ScriptRunConfig

        try:
            names = parse_workspace(tracking_uri)
        except ValueError as error:
            raise _ExecutionException(f"The backend 'azureml' needs a workspace. {error}") from error
        utils: Any = import_module("mlflow.projects.utils")
        folder = utils.fetch_and_validate_project(project_uri, version, entry_point, params)
        project = utils.load_project(folder)
        settings = backend_config or {}
        configuration = ScriptRunConfig(
            source_directory=folder,
            command=[project.get_entry_point(entry_point).compute_command(params, None)],
            compute_target=_get_target(settings),
            environment=_build_environment(project, settings, folder),
        )
        client: Any = import_module("mlflow.tracking").MlflowClient(tracking_uri)
        experiment = Experiment._from_names(names, client.get_experiment(experiment_id).name)
        return SubmittedProject(experiment.submit(configuration), settings.get("STREAM_OUTPUT", True))


class SubmittedProject(_SubmittedRun):  # type: ignore[misc]
    """The submitted run of a project, with the methods and statuses of Azure's class."""

    def __init__(self, run: Any, stream_output: bool) -> None:
        super().__init__()
        self._run = run
        self._stream_output = stream_output

    @property
    def run_id(self) -> str:
        """The id of the run that executes the project."""
        run_id: str = self._run.id
        return run_id

    def wait(self) -> bool:
        """Wait until the run has ended, and return whether its status is `Completed`."""
        self._run.wait_for_completion(show_output=self._stream_output, raise_on_error=False)
        return self.get_status() == "Completed"

    def get_status(self) -> str:
        """Return the status of the run, such as `Running` or `Completed`."""
        status: str = self._run.get_status()
        return status

    def cancel(self) -> None:
        """Cancel the run."""
        self._run.cancel()


def _get_target(settings: "Dict[str, Any]") -> str:
    target = str(settings.get("COMPUTE") or "local")
    return "local" if target.lower() == "local" else target


def _build_environment(project: Any, settings: "Dict[str, Any]", folder: str) -> "Environment":
    """Return a project's environment, or the current Python if the project specifies none or is to run in it."""
    from azureml.core.environment import Environment

    if project.docker_env:
        raise _ExecutionException(
            "The backend 'azureml' does not run projects in a container (docker_env). "
            "Give the project a conda_env; or submit the script with a runconfig that has the image."
        )
    path = getattr(project, "env_config_path", None) or getattr(project, "conda_env_path", None)
    is_here = settings.get("ENV_MANAGER") == "local" or False in (settings.get("USE_CONDA"), settings.get("use_conda"))
    if path is not None and not is_here:
        if os.path.basename(path).startswith("python_env"):
            return _read_python_env(path, folder)
        return Environment.from_conda_specification("project", path)
    environment = Environment("project")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = sys.executable
    return environment


def _read_python_env(path: str, folder: str) -> "Environment":
    """Return the environment described in a `python_env.yaml`, whose file names are relative to the project."""
    from azureml.core.conda_dependencies import CondaDependencies
    from azureml.core.environment import Environment
    from azureml.train._base_estimator import read_requirements

    with open(path, encoding="utf-8") as file:
        listed = import_module("yaml").safe_load(file) or {}
    dependencies = CondaDependencies()
    for line in listed.get("dependencies") or []:
        is_file = str(line).startswith("-r ")
        for one in read_requirements(os.path.join(folder, line[3:].strip())) if is_file else [str(line)]:
            dependencies.add_pip_package(one)
    if listed.get("python"):
        dependencies.set_python_version(".".join(str(listed["python"]).split(".")[:2]))
    environment = Environment("project")
    environment.python.conda_dependencies = dependencies
    return environment
