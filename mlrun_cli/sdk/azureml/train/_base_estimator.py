"""The base class of estimators, which converts their parameters to a script submission."""

import os
import re
import sys
from typing import TYPE_CHECKING, Any

from azureml._client.client import find_submitted_run_client
from azureml._unsupported import StoredArguments
from azureml.exceptions import TrainingException, UserErrorException
from azureml.train._distributed_training import (
    BY_BACKEND,
    DistributedTraining,
    ParameterServer,
    SectionTraining,
    to_distributed_training,
)

if TYPE_CHECKING:
    from azureml.core.environment import Environment
    from azureml.core.runconfig import RunConfiguration
    from azureml.core.script_run_config import ScriptRunConfig

SCRIPT = (
    "source_directory, *, compute_target=None, vm_size=None, vm_priority=None, entry_script=None, script_params=None"
)
NODES = "node_count=1, process_count_per_node=1"
DISTRIBUTION = "distributed_backend=None, distributed_training=None, use_gpu=False"
DOCKER = "use_docker=True, custom_docker_base_image=None, custom_docker_image=None, image_registry_details=None"
PACKAGES = (
    "user_managed=False, conda_packages=None, pip_packages=None, conda_dependencies_file_path=None, "
    "pip_requirements_file_path=None, conda_dependencies_file=None, pip_requirements_file=None, "
    "environment_variables=None, environment_definition=None, inputs=None"
)
STORE = "source_directory_data_store=None"
LIMITS = "shm_size=None, resume_from=None, max_run_duration_seconds=None"
VERSION = "framework_version=None, _enable_optimized_mode=False"
_NAMES_OF_PIP = {"pytorch": "torch", "tensorflow-gpu": "tensorflow"}
LINT = "_disable_validation=True, _show_lint_warnings=False, _show_package_warnings=False"


class MMLBaseEstimator(StoredArguments, takes="source_directory, *, compute_target, estimator_config=None"):
    """A script and its packages, which `experiment.submit(estimator)` submits like a ScriptRunConfig.

    If packages are specified, they are installed in a new environment. Otherwise, and always with `user_managed`,
    the script uses the Python interpreter that submits it. `vm_size`, `vm_priority`, `shm_size`, `use_gpu` and
    `use_docker` select machines and containers in Azure and have no effect here.

    Attributes:
        run_config: The RunConfiguration, which can be changed until the estimator is submitted.

    Raises:
        TrainingException: The parameters are invalid or contradict each other.
        UserErrorException: A conda or requirements file does not exist.
    """

    source_directory: str
    run_config: "RunConfiguration"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.source_directory = self.source_directory or "."
        self.run_config = self._get_parameter("estimator_config") or self._build_run_configuration()

    @property
    def conda_dependencies(self) -> Any:
        """The conda dependencies of the estimator's environment."""
        return self.run_config.environment.python.conda_dependencies

    def _to_script_run_config(self) -> "ScriptRunConfig":
        from azureml.core.script_run_config import ScriptRunConfig

        return ScriptRunConfig(
            self.source_directory,
            script=self.run_config.script,
            arguments=list(self.run_config.arguments),
            run_config=self.run_config,
            resume_from=self._get_parameter("resume_from"),
        )

    def _get_parameter(self, name: str) -> Any:
        """Return the value of a parameter, or None if this kind of estimator has no such parameter."""
        return vars(self).get(name)

    def _build_run_configuration(self) -> "RunConfiguration":
        from azureml.core.runconfig import RunConfiguration

        configuration = RunConfiguration()
        configuration.script = self._get_parameter("entry_script")
        configuration.arguments = build_script_arguments(self._get_parameter("script_params"))
        configuration.target = self._get_parameter("compute_target") or "local"
        self._configure_distribution(configuration)
        configuration.environment = self._build_environment()
        _add_inputs(configuration, self._get_parameter("inputs") or [])
        if self._get_parameter("environment_variables"):
            configuration.environment_variables = dict(self._get_parameter("environment_variables"))
        if self._get_parameter("max_run_duration_seconds") is not None:
            configuration.max_run_duration_seconds = self._get_parameter("max_run_duration_seconds")
        return configuration

    def _configure_distribution(self, configuration: "RunConfiguration") -> None:
        nodes = self._get_parameter("node_count")
        if nodes is not None and (not isinstance(nodes, int) or nodes < 1):
            raise TrainingException(f"node_count has to be a whole number above 0, and is {nodes!r}.")
        training = self._get_distributed_training()
        processes = self._get_parameter("process_count_per_node") or 1
        if training is None:
            if (nodes or 1) * processes > 1:
                raise TrainingException(
                    "With several nodes or processes an estimator has to be told how they find each other: "
                    "give distributed_training, such as Mpi()."
                )
            return
        if isinstance(training, SectionTraining):
            training.section._configure(configuration)
            configuration.node_count = nodes or 1
            return
        processes = max(processes, training.process_count_per_node)
        configuration.node_count = nodes or 1
        if training.communicator == "IntelMpi" and configuration.node_count * processes == 1:
            return  # a single process needs no mpirun
        configuration.framework = self._get_distributed_framework(training)
        configuration.communicator = training.communicator
        if training.communicator == "IntelMpi":
            configuration.mpi.process_count_per_node = processes
        elif training.communicator == "ParameterServer":
            configuration.tensorflow.worker_count = vars(training)["worker_count"]
            configuration.tensorflow.parameter_server_count = vars(training)["parameter_server_count"]
        else:
            configuration.pytorch.process_count = getattr(
                self._get_parameter("distributed_training"), "process_count", None
            )

    def _get_distributed_training(self) -> "DistributedTraining | None":
        training = self._get_parameter("distributed_training")
        backend = self._get_parameter("distributed_backend")
        if training is not None:
            return to_distributed_training(training)
        if backend is None:
            return None
        kind = BY_BACKEND.get(str(backend).lower())
        if kind is None:
            raise TrainingException(
                f"distributed_backend {backend!r} is not supported. Use one of {', '.join(BY_BACKEND)}."
            )
        if kind is ParameterServer:
            counts = {name: self._get_parameter(name) for name in ("worker_count", "parameter_server_count")}
            return kind(**{name: count for name, count in counts.items() if count is not None})
        return kind()

    @staticmethod
    def _get_distributed_framework(training: DistributedTraining) -> str:
        names = {"ParameterServer": "TensorFlow", "Gloo": "PyTorch", "Nccl": "PyTorch"}
        return names.get(training.communicator, "Python")

    # Packages

    def _list_framework_packages(self) -> "list[str]":
        """Return the pip requirements of the estimator's framework; empty for estimators without a framework."""
        return []

    def _build_environment(self) -> "Environment":
        from azureml.core.environment import Environment

        definition: Environment | None = self._get_parameter("environment_definition")
        if definition is not None:
            return definition
        environment = Environment("estimator")
        dependencies = None if self._get_parameter("user_managed") else self._build_conda_dependencies()
        if dependencies is not None:
            environment.python.conda_dependencies = dependencies
        else:
            environment.python.user_managed_dependencies = True
            if find_submitted_run_client() is None:
                environment.python.interpreter_path = sys.executable
        image = self._get_parameter("custom_docker_image") or self._get_parameter("custom_docker_base_image")
        if image is not None:
            environment.docker.enabled = True
            environment.docker.base_image = image
        return environment

    def _build_conda_dependencies(self) -> Any:
        """Return the estimator's CondaDependencies, or None if no packages are specified."""
        from azureml.core.conda_dependencies import CondaDependencies

        conda_file = self._get_parameter("conda_dependencies_file") or self._get_parameter(
            "conda_dependencies_file_path"
        )
        pip_file = self._get_parameter("pip_requirements_file") or self._get_parameter("pip_requirements_file_path")
        conda = list(self._get_parameter("conda_packages") or [])
        pip = list(self._get_parameter("pip_packages") or [])
        if pip_file:
            pip += read_requirements(self._get_existing_file(pip_file, "pip_requirements_file"))
        if conda_file:
            found = CondaDependencies(self._get_existing_file(conda_file, "conda_dependencies_file"))
        elif conda or pip or self._list_framework_packages():
            found = CondaDependencies()
        else:
            return None
        named = {get_package_name(one) for one in [*conda, *pip, *found.conda_packages, *found.pip_packages]}
        pip += [one for one in self._list_framework_packages() if get_package_name(one) not in named]
        for one in conda:
            found.add_conda_package(one)
        for one in pip:
            found.add_pip_package(one)
        return found

    def _get_existing_file(self, path: str, parameter_name: str) -> str:
        """Return the absolute path of a file in the source folder; raise UserErrorException if it does not exist."""
        full = os.path.abspath(os.path.join(self.source_directory, path))
        if not os.path.isfile(full):
            raise UserErrorException(
                f"{parameter_name} {path!r} is not there: it is looked for in the source directory, as {full}."
            )
        return full


def _add_inputs(configuration: "RunConfiguration", inputs: Any) -> None:
    """Add the estimator's inputs to the data sections of a configuration."""
    for one in inputs:
        if not hasattr(one, "_build_data_section"):
            raise UserErrorException(
                f"inputs takes what dataset.as_named_input(…) and datastore.path(…) give, not {type(one).__name__}."
            )
        section, name, _ = one._build_data_section()
        (configuration.data if section == "data" else configuration.data_references)[name] = one


def build_script_arguments(script_params: "dict[str, Any] | None") -> "list[Any]":
    """Return the script's arguments for named parameters, expanding lists and omitting values that are "" or None."""
    if script_params is not None and not isinstance(script_params, dict):
        raise UserErrorException(
            f"script_params takes a dictionary, such as {{'--lr': 0.1}}, not {type(script_params).__name__}."
        )
    arguments: list[Any] = []
    for name, value in (script_params or {}).items():
        arguments.append(name)
        if isinstance(value, (list, tuple)):
            arguments += value
        elif not (value is None or (isinstance(value, str) and value == "")):
            arguments.append(value)
    return arguments


def get_package_name(requirement: str) -> str:
    """Return the pip package name of a pip or conda requirement, such as `torch` for `pytorch::pytorch`."""
    word = re.split(r"[\s=<>!~\[;@]", requirement.strip(), maxsplit=1)[0]
    name = word.rpartition("::")[2].lower().replace("_", "-")
    return _NAMES_OF_PIP.get(name, name)


def read_requirements(path: str) -> "list[str]":
    """Return the lines of a pip requirements file, without comments."""
    with open(path, encoding="utf-8") as file:
        lines = [line.partition(" #")[0].strip() for line in file]
    return [line for line in lines if line and not line.startswith("#")]
