"""The writer of a pipeline's YAML file, from which the reader creates an equal graph except for its keys.

Azure's reader takes a file without the keys that only this program has: what its files cannot say of a graph that was
built in Python, such as a runconfig in its place, or an output in a folder with a name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.pipelines.graph import (
    FILE_DATASET,
    PARALLEL_RUN_STEP,
    DataPath,
    DatasetReference,
    Graph,
    Output,
    ParameterReference,
    PipelineParameter,
    Source,
    Step,
    StepInput,
    StepOutput,
    step_value_to_json,
)
from mlrun_cli.pipelines.yaml_arguments import collect_known_keys, format_argument, format_command_line
from mlrun_cli.runconfigs.writing import format_document

_NO_NAME = re.compile(r"\W+", re.ASCII)


def format_pipeline(graph: Graph, folder: Path) -> str:
    """Return a graph as the text of a YAML file; paths below the file's folder are made relative to that folder."""
    return format_document({"pipeline": _PipelineWriter(graph, folder).build_document()})


class _PipelineWriter:
    def __init__(self, graph: Graph, folder: Path) -> None:
        self._graph = graph
        self._folder = folder
        taken = set(graph.parameters)
        self._destinations: dict[StepOutput, str] = {}
        self._step_names: dict[str, str] = {}
        for step in graph.steps:
            self._step_names[step.key] = _choose_name(step.name, self._step_names.values())
            for key in step.outputs:
                self._destinations[StepOutput(step.key, key)] = _choose_name(key, taken)
                taken.add(self._destinations[StepOutput(step.key, key)])
        self._references: dict[DataPath | DatasetReference, str] = {}
        for step in graph.steps:
            for key, one in step.inputs.items():
                if isinstance(one.source, (DataPath, DatasetReference)) and one.source not in self._references:
                    self._references[one.source] = _choose_name(key, taken)
                    taken.add(self._references[one.source])

    def build_document(self) -> dict[str, Any]:
        """Return the pipeline as the mapping under the file's `pipeline` key."""
        graph = self._graph
        return _drop_empty_values(
            {
                "name": graph.name,
                "description": graph.description,
                "version": graph.version,
                "default_compute": graph.default_target,
                "default_datastore": graph.default_datastore,
                "continue_on_step_failure": graph.continue_on_step_failure or None,
                "parameters": {name: _build_parameter(one) for name, one in graph.parameters.items()},
                "data_references": {name: _build_data(source) for source, name in self._references.items()},
                "steps": {self._step_names[step.key]: self._build_step(step) for step in graph.steps},
            }
        )

    def _build_step(self, step: Step) -> dict[str, Any]:
        sides = (step.parallel_run or {}).get("side_inputs") or ()
        known = collect_known_keys(step)
        has_file = step.kind == PARALLEL_RUN_STEP
        command: Any = [format_argument(word, known) for word in step.command]
        return _drop_empty_values(
            {
                "type": step.kind,
                "name": step.name,
                "script_name": None if has_file else step.script,
                "source_directory": None if has_file else self._make_relative(step.source_directory),
                "command": format_command_line(step.command[0], known)
                if step.is_command_line and step.command
                else command,
                "runconfig": dict(step.runconfig)
                if step.runconfig
                else self._make_optional_path_relative(step.runconfig_file),
                "compute": step.target,
                "node_count": step.node_count,
                "process_count_per_node": step.process_count_per_node,
                "allow_reuse": None if step.allow_reuse else False,
                "version": step.version,
                "hash_paths": list(step.hash_paths),
                "arguments": [format_argument(argument, known) for argument in step.arguments],
                "parameters": {key: step_value_to_json(value) for key, value in step.parameters.items()},
                "runconfig_parameters": {key: {"source": one.name} for key, one in step.runconfig_parameters.items()},
                "environment_variables": dict(step.environment_variables),
                "inputs": {key: self._build_input(one) for key, one in step.inputs.items() if key not in sides},
                "side_inputs": {key: self._build_input(one) for key, one in step.inputs.items() if key in sides},
                "outputs": {
                    key: _build_output(one, self._destinations[StepOutput(step.key, key)])
                    for key, one in step.outputs.items()
                },
                "run_after": [self._step_names[key] for key in step.run_after],
                "hyperdrive_configuration": None if step.sweep is None else dict(step.sweep),
                "metrics_output": step.metrics_output,
                "model_outputs": dict(step.model_outputs),
                "parallel_run_config": self._build_parallel_run(step),
            }
        )

    def _build_parallel_run(self, step: Step) -> dict[str, Any] | None:
        if step.parallel_run is None:
            return None
        settings = {key: value for key, value in step.parallel_run.items() if key != "side_inputs"}
        return _drop_empty_values({**settings, "source_directory": self._make_relative(step.source_directory)})

    def _build_input(self, step_input: StepInput) -> dict[str, Any]:
        is_dataset = self._is_read_as_dataset(step_input.source)
        return _drop_empty_values(
            {
                "source": self._get_source_name(step_input.source),
                "bind_mode": step_input.mode,
                "path_on_compute": step_input.path_on_compute,
                "overwrite": step_input.overwrite or None,
                "as_dataset": None if step_input.as_dataset == is_dataset else step_input.as_dataset,
                "table": None if step_input.table is None else step_input.table.to_json(),
            }
        )

    def _get_source_name(self, source: Source) -> str:
        """Return the name by which the input of a step refers to a source."""
        if isinstance(source, StepOutput):
            return self._destinations[source]
        return source.name if isinstance(source, ParameterReference) else self._references[source]

    def _is_read_as_dataset(self, source: Source) -> bool:
        """Return whether a source is read as a dataset if its input does not have the key `as_dataset`."""
        if isinstance(source, StepOutput):
            step = self._graph.find_step(source.step)
            return step is not None and step.outputs[source.name].kind == FILE_DATASET
        if isinstance(source, ParameterReference):
            return self._graph.parameters[source.name].kind == "dataset"
        return isinstance(source, DatasetReference)

    def _make_optional_path_relative(self, path: str | None) -> str | None:
        return None if path is None else self._make_relative(path)

    def _make_relative(self, path: str) -> str:
        """Return a path that is below the file's folder relative to that folder, and any other path unchanged."""
        return os.path.relpath(path, self._folder) if Path(path).is_relative_to(self._folder) else path


def _choose_name(preferred: str, taken: Collection[str]) -> str:
    """Return `preferred` without invalid characters, and with a numeric suffix if that name is taken."""
    name = _NO_NAME.sub("_", preferred).strip("_") or "Step"
    return next(one for one in _iterate_numbered_names(name) if one not in taken)


def _iterate_numbered_names(name: str) -> Iterator[str]:
    """Yield a name, and then the name with the suffixes _2, _3 and so on."""
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def _drop_empty_values(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None and value not in ([], {})}


def _build_parameter(parameter: PipelineParameter) -> dict[str, Any]:
    default = parameter.default
    document = _build_data(default) if isinstance(default, (DataPath, DatasetReference)) else default
    return {"type": parameter.kind} if document is None else {"type": parameter.kind, "default": document}


def _build_data(source: DataPath | DatasetReference) -> dict[str, Any]:
    if isinstance(source, DataPath):
        return {"datastore": source.datastore, "path_on_datastore": source.path}
    found = {"dataset_id": source.dataset_id, "dataset_name": source.name, "dataset_version": source.version}
    return _drop_empty_values(found)


def _build_output(output: Output, destination: str) -> dict[str, Any]:
    registration = None if output.registration is None else _drop_empty_values(output.registration.to_json())
    return _drop_empty_values(
        {
            "destination": destination,
            "datastore": output.datastore,
            "bind_mode": output.mode,
            "path_on_compute": output.path_on_compute,
            "overwrite": output.overwrite or None,
            "as_dataset": True if output.kind == FILE_DATASET else None,
            "path_on_datastore": output.destination,
            "register": registration,
            "pipeline_output_name": output.pipeline_output_name,
        }
    )
