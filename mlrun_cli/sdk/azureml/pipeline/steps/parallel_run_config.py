"""The configuration of steps that run a script on small batches of their input."""

import os
import re
from typing import Any, Dict, Mapping

from azureml._client.client import get_client
from azureml._unsupported import StoredArguments
from azureml.core._run_config_element import to_json_compatible
from azureml.exceptions import UserErrorException
from azureml.pipeline.core.graph import PipelineParameter
from azureml.pipeline.steps._script_fields import unwrap_parameter

__all__ = ["ParallelRunConfig"]

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_AT_LEAST_ONE = ("process_count_per_node", "run_invocation_timeout", "run_max_try", "node_count")
_ENVIRONMENTS = ("environment", "environment_dir_path", "environment_name")
_NEEDED = ("compute_target_name", "error_threshold", "output_action", "node_count", "entry_script")
_TAKEN_AS_THEY_ARE = [
    "entry_script",
    "error_threshold",
    "output_action",
    "node_count",
    "process_count_per_node",
    "mini_batch_size",
    "source_directory",
    "description",
    "logging_level",
    "run_invocation_timeout",
    "run_max_try",
    "append_row_file_name",
    "allowed_failed_count",
    "allowed_failed_percent",
    "partition_keys",
    "environment_variables",
]


class ParallelRunConfig(
    StoredArguments,
    takes="environment, entry_script, error_threshold, output_action, compute_target, node_count, "
    "process_count_per_node=None, mini_batch_size=None, source_directory=None, description=None, "
    "logging_level='INFO', run_invocation_timeout=60, run_max_try=3, append_row_file_name=None, "
    "allowed_failed_count=None, allowed_failed_percent=None, partition_keys=None, "
    "environment_variables=None, *, input_format=None",
):
    """The script, batches, processes and limits of a ParallelRunStep.

    `mini_batch_size` is a number of files, or for tables a size such as `1MB`. `input_format` is of
    `azureml.contrib.pipeline.steps` and has no effect: the kind of a dataset says whether it has files or rows.

    Raises:
        ValueError: An argument is of another kind, or out of its range.
    """

    mini_batch_size: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = vars(self)
        if not isinstance(self.mini_batch_size, PipelineParameter):
            self.mini_batch_size = parse_batch_size(self.mini_batch_size)
        self._check_environment(fields["environment"])
        self._check_output(fields["output_action"], fields["append_row_file_name"])
        self._check_numbers(fields)
        if fields["partition_keys"] and self.mini_batch_size is not None:
            raise ValueError("ParallelRunConfig takes mini_batch_size or partition_keys, not both.")

    @staticmethod
    def _check_environment(environment: Any) -> None:
        from azureml.core.environment import Environment

        if not isinstance(environment, Environment):
            message = f"ParallelRunConfig: environment is an Environment, not {environment!r}."
            raise ValueError(message)  # noqa: TRY004 - as in Azure

    @staticmethod
    def _check_output(action: Any, file_name: Any) -> None:
        if action not in ("summary_only", "append_row"):
            raise ValueError(f"ParallelRunConfig: output_action is summary_only or append_row, not {action!r}.")
        if file_name and ("/" in file_name or file_name in (".", "..") or "\0" in file_name):
            raise ValueError(f"ParallelRunConfig: append_row_file_name is the name of a file, not {file_name!r}.")

    @staticmethod
    def _check_numbers(fields: Mapping[str, Any]) -> None:
        threshold = fields["error_threshold"]
        if not _is_count(threshold, -1):
            raise ValueError(f"ParallelRunConfig: error_threshold is a whole number from -1, not {threshold!r}.")
        for name in _AT_LEAST_ONE:
            value = fields[name]
            if not (isinstance(value, PipelineParameter) or value is None or _is_count(value, 1)):
                raise ValueError(f"ParallelRunConfig: {name} is a whole number above 0, not {value!r}.")
        percent = fields["allowed_failed_percent"]
        if percent is not None and not (isinstance(percent, (int, float)) and 0 <= percent <= 100):
            raise ValueError(f"ParallelRunConfig: allowed_failed_percent is from 0 to 100, not {percent!r}.")

    @staticmethod
    def load_yaml(workspace: Any, path: Any) -> "ParallelRunConfig":
        """Return the configuration under the key `parallel_run_config` in a YAML file.

        Raises:
            UserErrorException: The file cannot be read, or a key is missing.
        """
        document = get_client().request("documents.read", path=os.path.abspath(path))
        section = document.get("parallel_run_config") if isinstance(document, dict) else None
        if not isinstance(section, dict):
            raise UserErrorException(f"{path}: there is no 'parallel_run_config'.")
        missing = [key for key in _NEEDED if section.get(key) is None]
        if missing:
            raise UserErrorException(f"{path}: 'parallel_run_config' lacks {', '.join(missing)}.")
        return ParallelRunConfig(
            environment=_load_environment(workspace, path, section),
            compute_target=section["compute_target_name"],
            **{name: section[name] for name in _TAKEN_AS_THEY_ARE if section.get(name) is not None},
        )

    def save_to_yaml(self, path: Any) -> None:
        """Write the configuration to a YAML file that `load_yaml` can read."""
        fields = vars(self)
        target = fields["compute_target"]
        section = {name: unwrap_parameter(fields[name]) for name in _TAKEN_AS_THEY_ARE if fields[name] is not None}
        section["compute_target_name"] = getattr(target, "name", target)
        section["environment"] = fields["environment"]._to_document(for_file=True)
        if section.get("mini_batch_size") is not None:
            section["mini_batch_size"] = str(section["mini_batch_size"])
        get_client().request(
            "documents.write", path=os.path.abspath(path), document={"parallel_run_config": to_json_compatible(section)}
        )


def parse_batch_size(size: Any) -> "int | None":
    """Return a mini-batch size as a number: of files, or of bytes for a text such as `10KB`; None for None.

    Raises:
        ValueError: It is neither.
    """
    if size is None or (isinstance(size, int) and not isinstance(size, bool)):
        return size
    found = re.fullmatch(r"(\d+)(?:([kmg])b)?", size, re.IGNORECASE) if isinstance(size, str) else None
    if found is None:
        raise ValueError(f"mini_batch_size is a number of files, or a size such as '10KB' or '1MB', not {size!r}.")
    return int(found[1]) * _UNITS[(found[2] or "").lower()]


def _is_count(value: Any, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= minimum


def _load_environment(workspace: Any, path: Any, section: Dict[str, Any]) -> Any:
    """Return the environment that a YAML file's section defines, or names by folder or registered name."""
    from azureml.core.environment import Environment

    given = [name for name in _ENVIRONMENTS if section.get(name) is not None]
    if len(given) != 1:
        raise UserErrorException(f"{path}: 'parallel_run_config' has one of {', '.join(_ENVIRONMENTS)}.")
    value = section[given[0]]
    if given[0] == "environment":
        return Environment._from_document(value, "parallel_run_config.environment")
    if given[0] == "environment_dir_path":
        return Environment.load_from_directory(value)
    return Environment.get(workspace, value)
