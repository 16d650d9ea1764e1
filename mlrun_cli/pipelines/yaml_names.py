"""The names of a pipeline's YAML file that its steps refer to."""

from __future__ import annotations

import re
from collections.abc import Collection

from mlrun_cli.core.documents.node import Node
from mlrun_cli.pipelines.graph import (
    DATA_PATH_TYPE,
    DATASET_TYPE,
    FILE_DATASET,
    DataPath,
    DatasetReference,
    ParameterReference,
    PipelineParameter,
    Source,
    StepOutput,
)
from mlrun_cli.pipelines.validation import build_name_hint, find_similar_name


class YamlNames:
    """The parameters, data references, steps and outputs of a pipeline by their names in the file.

    Attributes:
        parameters: the pipeline's parameters.
        references: the pipeline's data references; None if one cannot be had here.
        step_keys: the keys of the steps, by their names in the file.
        destination_nodes: the destinations of the outputs.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, PipelineParameter] = {}
        self.references: dict[str, DataPath | DatasetReference | None] = {}
        self.step_keys: dict[str, str] = {}
        self.destination_nodes: list[Node] = []
        self._destinations: dict[str, tuple[StepOutput, Node]] = {}

    def collect_outputs(self, step_name: str, step: Node) -> None:
        """Add the destinations of a step's outputs, since other steps refer to the outputs by these names.

        Raises:
            InvalidFile: another output has the same destination.
        """
        outputs = step.content.get("outputs") if isinstance(step.content, dict) else None
        if outputs is None or not isinstance(outputs.content, dict):
            return
        for key, output in outputs.content.items():
            destination = output.content.get("destination") if isinstance(output.content, dict) else None
            if destination is None or not isinstance(destination.content, str):
                continue
            self.destination_nodes.append(destination)
            name = destination.content
            if name in self._destinations:
                first = self._destinations[name][1]
                raise destination.build_error(
                    f"'{name}' is the destination of another output, in line {first.line}",
                    hint="Name each destination once: other steps read an output by it.",
                )
            self._destinations[name] = StepOutput(self.step_keys[step_name], key), output

    def find_source(self, node: Node) -> Source | None:
        """Return the data source named by an input's `source`, or None if its data reference is invalid.

        Raises:
            InvalidFile: nothing has this name.
        """
        name = node.as_text()
        parameter = self.parameters.get(name)
        if name in self._destinations:
            return self._destinations[name][0]
        if name in self.references:
            return self.references[name]
        if parameter is not None and parameter.kind in {DATA_PATH_TYPE, DATASET_TYPE}:
            return ParameterReference(name)
        if parameter is not None:
            raise node.build_error(f"the parameter '{name}' is of type {parameter.kind}, which is no data")
        raise node.build_error(
            f"'{name}' is no data reference, no parameter of data and no destination of an output",
            hint=self._describe_sources(node, name),
        )

    def _describe_sources(self, node: Node, name: str) -> str:
        by_key = [destination for destination, (output, _) in self._destinations.items() if output.name == name]
        if by_key:
            return f"An output is read by its destination: 'source: {by_key[0]}'."
        data = [one for one, value in self.parameters.items() if value.kind in {DATA_PATH_TYPE, DATASET_TYPE}]
        return build_name_hint(node.as_text(), [*self._destinations, *self.references, *data])

    def is_dataset(self, source: Source) -> bool:
        """Return whether a source is a dataset, so that scripts receive it as an input dataset."""
        if isinstance(source, StepOutput):
            output = next(node for found, node in self._destinations.values() if found == source)
            return read_output_kind(output) == FILE_DATASET
        if isinstance(source, ParameterReference):
            return self.parameters[source.name].kind == DATASET_TYPE
        return isinstance(source, DatasetReference)


def read_output_kind(output: Node) -> str | None:
    """Return `file_dataset` if an output has `as_dataset: true`, else None."""
    said = output.as_mapping().get("as_dataset")
    return FILE_DATASET if said is not None and said.content is True else None


def list_ignored_key_notes(node: Node, known_keys: Collection[str]) -> list[str]:
    """Return a note on each unknown key of a mapping; such keys are ignored, as in Azure."""
    ignored = [(key, value) for key, value in node.as_mapping().items() if key not in known_keys]
    notes = []
    for key, value in ignored:
        nearest = find_similar_name(key, known_keys)
        guess = f" Did you mean '{nearest}'?" if nearest else ""
        notes.append(f"{value.location}: '{re.sub(r'[^ -~]', '?', key)}' is not a key here, and is ignored.{guess}")
    return notes


def build_key_hint(node: Node, wanted_key: str, known_keys: Collection[str]) -> str:
    """Return a hint that an unknown key of a mapping resembles the missing `wanted_key`, or an empty string."""
    unknown = [key for key in node.as_mapping() if key not in known_keys]
    nearest = find_similar_name(wanted_key, unknown)
    return f"Did you mean it by '{nearest}'? " if nearest else ""
