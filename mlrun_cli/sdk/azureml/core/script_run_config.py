"""Configurations of script submissions."""

import copy
import logging
import os
import shlex
import sys
from typing import Any

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml._client.client import find_submitted_run_client
from azureml.core._run_config_element import to_json_compatible
from azureml.core.environment import Environment
from azureml.core.runconfig import (
    DISTRIBUTED_JOBS,
    Data,
    DistributedJobConfiguration,
    DockerConfiguration,
    EnvironmentDefinition,
    MpiConfiguration,
    PyTorchConfiguration,
    RunConfiguration,
    TensorflowConfiguration,
)
from azureml.exceptions import RunConfigurationException, UserErrorException

__all__ = [
    "Data",
    "DockerConfiguration",
    "EnvironmentDefinition",
    "MpiConfiguration",
    "PyTorchConfiguration",
    "RunConfiguration",
    "RunConfigurationException",
    "ScriptRunConfig",
    "TensorflowConfiguration",
    "get_run_config_from_script_run",
]

MAX_RUN_DURATION_SECONDS_DEFAULT = 30 * 24 * 60 * 60

_logger = logging.getLogger(__name__)


class ScriptRunConfig:
    """A script to submit, with its source folder, arguments and run configuration.

    If `run_config` is given, its target, environment, processes, duration and Docker settings override the arguments.

    Attributes:
        source_directory: The source folder, which is read at submission; None means the current folder.
        script, arguments, command: The script or command to start, which override those in `run_config`.
        run_config: The run configuration; whatever is false is none.
    """

    MAX_RUN_DURATION_SECONDS_DEFAULT = MAX_RUN_DURATION_SECONDS_DEFAULT

    def __init__(
        self,
        source_directory: Any,
        script: Any = None,
        arguments: Any = None,
        run_config: "RunConfiguration | None" = None,
        _telemetry_values: Any = None,
        compute_target: Any = None,
        environment: "Environment | None" = None,
        distributed_job_config: Any = None,
        resume_from: Any = None,
        max_run_duration_seconds: "int | None" = MAX_RUN_DURATION_SECONDS_DEFAULT,
        command: Any = None,
        docker_runtime_config: "DockerConfiguration | None" = None,
    ) -> None:
        """Initialize the configuration, creating a run configuration if none is given.

        Raises:
            RunConfigurationException: An argument has the wrong type.
            UserErrorException: `resume_from` is given, which is not supported.
        """
        if resume_from is not None:
            raise UserErrorException(
                "ScriptRunConfig(resume_from=…): outputs of a former run are not handed to a new one here. "
                "Give their path as an argument; Run.download_files brings them."
            )
        if not run_config:  # Azure takes "", {} and False as None
            run_config = RunConfiguration()
            run_config.target = compute_target
            run_config.max_run_duration_seconds = max_run_duration_seconds
            if environment is not None:
                run_config.environment = _check_type(environment, Environment, "environment")
            if docker_runtime_config is not None:
                run_config.docker = _check_type(docker_runtime_config, DockerConfiguration, "docker_runtime_config")
            if distributed_job_config is not None:
                _configure_distribution(run_config, distributed_job_config)
        else:
            _check_type(run_config, RunConfiguration, "run_config")
            ignored = (compute_target, environment, distributed_job_config, docker_runtime_config)
            if any(value is not None for value in ignored):
                _logger.warning(
                    "ScriptRunConfig: run_config is given, so that compute_target, environment, "
                    "distributed_job_config and docker_runtime_config are ignored. Set them in run_config."
                )
        self.source_directory = source_directory
        self.script = run_config.script if script is None else script
        self.arguments = (run_config.arguments or None) if arguments is None else arguments
        self.command = (run_config.command or None) if command is None else command
        self.run_config = run_config

    @property
    def identity(self) -> str:
        """The name by which messages refer to the configuration."""
        return f"ScriptRunConfig.{self.script or 'command'}"

    @property
    def _has_environment(self) -> bool:
        """Return whether the user has set the script's environment."""
        return self.run_config._has_environment()

    def _get_source_path(self) -> str:
        """Return the absolute path of the source folder."""
        return os.path.abspath(self.source_directory or os.curdir)

    def _to_document(self) -> "dict[str, Any]":
        """Return the run configuration as a JSON-compatible dict, with the arguments as strings, and with their data.

        Raises:
            UserErrorException: Both or neither of script and command are given, or an argument is a collection.
        """
        script, arguments, command = _resolve_script_and_command(self)
        if script and command:
            raise UserErrorException(
                f"ScriptRunConfig has the script {os.fspath(script)!r} and the command {command!r}. Give one of them."
            )
        if not script and not command:
            raise UserErrorException("ScriptRunConfig has neither a script nor a command. Give one of them.")
        configuration = self.run_config
        document = configuration._to_document()
        document["script"] = os.fspath(script) if script else None
        document["arguments"] = _convert_to_strings(arguments, "arguments", document)
        command = unwrap_shell_command(command)
        document["command"] = command if isinstance(command, str) else _convert_to_strings(command, "command", document)
        document["environmentVariables"] = _convert_variables(configuration.environment_variables)
        environment = document["environment"]
        environment["environmentVariables"] = _convert_variables(configuration.environment.environment_variables)
        self._resolve_python(environment["python"])
        return document

    def _resolve_python(self, python_section: "dict[str, Any]") -> None:
        """Set a Python section's interpreter if no environment is set, and make its conda file's path absolute."""
        if not self._has_environment:
            python_section["userManagedDependencies"] = True
            if find_submitted_run_client() is None:
                python_section["interpreterPath"] = sys.executable
        conda_file = python_section.get("condaDependenciesFile")
        for folder in (self._get_source_path(), os.getcwd()):
            if conda_file and os.path.isfile(os.path.join(folder, conda_file)):
                python_section["condaDependenciesFile"] = os.path.join(folder, conda_file)
                return


def get_run_config_from_script_run(script_run_config: ScriptRunConfig) -> RunConfiguration:
    """Return a copy of the run configuration with the script, arguments and command of the submission."""
    configuration = copy.copy(script_run_config.run_config)
    configuration.script, configuration.arguments, configuration.command = _resolve_script_and_command(
        script_run_config
    )
    return configuration


def _resolve_script_and_command(config: ScriptRunConfig) -> "tuple[Any, Any, Any]":
    """Return the script, arguments and command, by default those in the run configuration."""
    said = config.run_config
    return (
        said.script if config.script is None else config.script,
        (said.arguments if config.arguments is None else config.arguments) or [],
        (said.command if config.command is None else config.command) or "",
    )


def _check_type(value: Any, expected_type: type, parameter: str) -> Any:
    """Return the value of a constructor parameter; raise RunConfigurationException if it has the wrong type."""
    if not isinstance(value, expected_type):
        raise RunConfigurationException(
            f"ScriptRunConfig({parameter}=…): expected {expected_type.__name__}, found {value!r}."
        )
    return value


def _configure_distribution(configuration: RunConfiguration, distributed_job_config: Any) -> None:
    """Copy the settings of a distributed job to a run configuration."""
    if not isinstance(distributed_job_config, DistributedJobConfiguration):
        *names, last = sorted(kind.__name__ for kind in DISTRIBUTED_JOBS.values())
        raise RunConfigurationException(
            f"ScriptRunConfig(distributed_job_config=…): expected {', '.join(names)} or {last}, "
            f"found {distributed_job_config!r}."
        )
    distributed_job_config._configure(configuration)


def unwrap_shell_command(command: Any) -> Any:
    """Return the only item of a list such as `["python train.py -n 3"]`, or any other command unchanged."""
    if isinstance(command, (list, tuple)) and len(command) == 1:
        (line,) = command
        return line if isinstance(line, str) and len(line.split()) > 1 else command
    return command


def _convert_to_strings(arguments: Any, noun: str, document: "dict[str, Any]") -> "list[str]":
    """Return arguments as strings; data among them become placeholders and are added to the document's sections."""
    if isinstance(arguments, str):
        return shlex.split(arguments)
    if not isinstance(arguments, (list, tuple)):
        arguments = [arguments]
    return [_convert_argument(value, f"{noun}[{index}]", document) for index, value in enumerate(arguments)]


def _convert_argument(argument: Any, location: str, document: "dict[str, Any]") -> str:
    """Return an argument as a string; data become a placeholder and are added to the document's sections."""
    if argument is None:
        return ""  # Azure's client sends JSON null
    if isinstance(argument, (list, tuple, dict)):
        raise UserErrorException(
            f"ScriptRunConfig: {location} is {argument!r}, which is not text. Write '' for an empty one."
        )
    as_argument = getattr(argument, "_to_argument", None)
    if not callable(as_argument):
        return os.fspath(argument) if isinstance(argument, os.PathLike) else str(argument)
    if hasattr(argument, "_build_data_section"):
        section, name, mapping = argument._build_data_section()
        document[section] = {**document[section], name: to_json_compatible(mapping)}
    return str(as_argument())


def _convert_variables(variables: Any) -> "dict[str, str]":
    """Return environment variables with their values converted to strings."""
    return {str(name): "" if value is None else str(value) for name, value in (variables or {}).items()}
