"""The command and environment of a ParallelRunStep, whose entry script is called by the SDK's program for batches."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.actions.datasets import get_dataset, get_dataset_by_id
from mlrun_cli.data.dataset import FILE_KIND
from mlrun_cli.environments.definition_folder import read_environment_folder
from mlrun_cli.errors import InvalidValue, MlrunError
from mlrun_cli.pipelines.data_flow import format_arguments, resolve_source
from mlrun_cli.pipelines.graph import ArgumentReference, DatasetReference, ParameterValue, Step
from mlrun_cli.pipelines.parameter_values import format_parameter_value
from mlrun_cli.workspace import Workspace

_PROGRAM = ("python", "-m", "azureml._parallel_run")
_SETTINGS = (
    *("error_threshold", "output_action", "append_row_file_name", "run_invocation_timeout", "run_max_try"),
    *("allowed_failed_count", "allowed_failed_percent", "logging_level"),
)
_UNITS = {"": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}


def build_parallel_command(step: Step, values: Mapping[str, ParameterValue]) -> tuple[str, ...]:
    """Return the command of a ParallelRunStep: options, the user's arguments and the inputs, as in Azure.

    Data are placeholders, as in a runconfig.

    Raises:
        InvalidValue: a setting has a value of another kind.
    """
    assert step.parallel_run is not None
    settings = {key: _resolve_setting(value, values) for key, value in step.parallel_run.items()}
    inputs = _list_inputs(step, settings)
    options = {"scoring_module_name": step.script or settings["entry_script"]}
    options |= {key: settings[key] for key in _SETTINGS if settings.get(key) is not None}
    if settings.get("mini_batch_size") is not None:
        options["mini_batch_size"] = _parse_batch_size(settings["mini_batch_size"])
    if settings.get("process_count_per_node") is not None:
        options["process_count_per_node"] = int(settings["process_count_per_node"])
    if settings.get("partition_keys"):
        options["partition_keys"] = json.dumps(settings["partition_keys"])
    tables: Mapping[str, Any] = settings.get("tables") or {}
    if tables:
        of_inputs = {str(index): tables[key] for index, key in enumerate(inputs) if key in tables}
        options["input_tables"] = json.dumps(of_inputs)
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    output = _find_output(step, settings)
    if output is not None:
        words += ["--output", *format_arguments([(ArgumentReference("output", output),)], step, values)]
    paths = format_arguments([(ArgumentReference("input", key),) for key in inputs], step, values)
    of_inputs_words = [word for index, path in enumerate(paths) for word in (f"--input_fds_{index}", path)]
    return (*_PROGRAM, *words, *format_arguments(step.arguments, step, values), *of_inputs_words)


def check_partition_keys(
    workspace: Workspace, step: Step, values: Mapping[str, ParameterValue], environ: Mapping[str, str]
) -> None:
    """Raise if the partition keys of a ParallelRunStep cannot be read from the paths of its input files.

    Which columns a table has is known only when it is read. Datasets that do not exist are left to the resolution.

    Raises:
        InvalidValue: they are.
    """
    settings = step.parallel_run or {}
    for key in _list_inputs(step, settings) if settings.get("partition_keys") else ():
        one = step.inputs[key]
        if one.table is not None or key in (settings.get("tables") or {}):
            continue
        source = resolve_source(one, values)
        known = _list_partition_keys(workspace, source, environ) if isinstance(source, DatasetReference) else ()
        if known is None:
            continue
        missing = [name for name in settings["partition_keys"] if name not in known]
        if missing:
            raise _build_partition_error(
                f"partition_keys: the files of the input '{key}' have no partition key {', '.join(missing)}.",
                f"Make the dataset by Dataset.File.from_files(…, partition_format='/{{{missing[0]}}}/*'), or give "
                "mini_batch_size instead of partition_keys.",
            )
        if one.mode != "direct":
            raise _build_partition_error(
                f"partition_keys: the input '{key}' is given as a folder, which leaves the partition format behind.",
                "Write 'bind_mode: direct' for it.",
            )


def _build_partition_error(message: str, hint: str) -> InvalidValue:
    error = InvalidValue(message, hint=hint, target="partition_keys")
    error.key_path = "parallel_run.partition_keys"
    return error


def _list_partition_keys(
    workspace: Workspace, source: DatasetReference, environ: Mapping[str, str]
) -> Sequence[str] | None:
    """Return the partition keys of a dataset of files, or None if the dataset is a table or missing."""
    try:
        if source.dataset_id:
            dataset = get_dataset_by_id(workspace, source.dataset_id, environ)
        else:
            dataset = get_dataset(workspace, source.name or "", source.version)
    except MlrunError:
        return None
    if dataset.definition["kind"] != FILE_KIND:
        return None
    return re.findall(r"\{(\w+)(?::[^{}]*)?\}", str(dataset.definition["options"].get("partition_format") or ""))


def get_node_count(step: Step, values: Mapping[str, ParameterValue]) -> int:
    """Return the number of nodes that a ParallelRunStep is configured for, or 1."""
    return int(_resolve_setting((step.parallel_run or {}).get("node_count"), values) or 1)


def find_environment_document(step: Step) -> Mapping[str, Any] | None:
    """Return the environment of a ParallelRunStep as a runconfig document, or None if it specifies none.

    Raises:
        UsageError: the folder of the environment has no definition.
    """
    settings = step.parallel_run or {}
    if settings.get("environment_dir_path"):
        return {"environment": read_environment_folder(Path(settings["environment_dir_path"]))}
    if settings.get("environment_name"):
        named = {"name": settings["environment_name"], "version": settings.get("environment_version")}
        return {"environment": {key: value for key, value in named.items() if value is not None}}
    return {"environment": settings["environment"]} if settings.get("environment") else None


def _resolve_setting(value: Any, values: Mapping[str, ParameterValue]) -> Any:
    """Return a setting, or the value of a pipeline parameter if the setting refers to one."""
    if isinstance(value, Mapping) and set(value) == {"parameter"}:
        return format_parameter_value(values[value["parameter"]])
    return value


def _list_inputs(step: Step, settings: Mapping[str, Any]) -> Sequence[str]:
    sides = settings.get("side_inputs") or ()
    return settings.get("inputs") or [key for key in step.inputs if key not in sides]


def _find_output(step: Step, settings: Mapping[str, Any]) -> str | None:
    """Return the key of the output for result rows: the configured or else the first output; None without outputs."""
    return settings.get("output") or next(iter(step.outputs), None)


def _parse_batch_size(value: Any) -> int:
    """Return the size of a mini-batch: a number of files, or of bytes for a string such as `10KB`."""
    found = re.fullmatch(r"(\d+)([kmg]b)?", str(value).strip(), re.IGNORECASE)
    if found is None or not int(found[1]):
        error = InvalidValue(
            f"mini_batch_size is a number of files, or a size such as 10KB or 1MB, and not {value!r}.",
            target="mini_batch_size",
        )
        error.key_path = "parallel_run.mini_batch_size"
        raise error
    return int(found[1]) * _UNITS[(found[2] or "").lower()]
