"""The plan of a pipeline run, which its controller and the supervisors of its steps read from the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import StoredFilesLost
from mlrun_cli.pipelines.graph import (
    DATA_PATH_TYPE,
    DATASET_TYPE,
    DataPath,
    DatasetReference,
    Graph,
    ParameterValue,
    parameter_value_to_json,
)
from mlrun_cli.pipelines.json_reader import JsonReader
from mlrun_cli.pipelines.redaction import SecretParameters, redact_graph, redact_parameter_value
from mlrun_cli.runs.folder import RunFolder

PLAN_FILE = "pipeline.json"
"""The file of the plan in the folder of a pipeline run."""


class PipelinePlan(NamedTuple):
    """The information that the controller of a pipeline needs, besides the templates of the steps."""

    run_id: str
    graph: Graph
    values: Mapping[str, ParameterValue]
    regenerate_outputs: bool
    continue_on_step_failure: bool

    def to_json(self, secrets: SecretParameters, redactor: Redactor) -> dict[str, Any]:
        """Return the plan, without secrets, as a JSON-compatible dict for `from_json`."""
        return {
            "run_id": self.run_id,
            "graph": redact_graph(self.graph, secrets, redactor).to_json(),
            "values": redact_values(self.values, secrets, redactor),
            "regenerate_outputs": self.regenerate_outputs,
            "continue_on_step_failure": self.continue_on_step_failure,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> PipelinePlan:
        """Create a plan from a dict returned by `to_json`."""
        graph = Graph.from_json(document["graph"])
        return cls(
            document["run_id"],
            graph,
            {name: _parse_value(graph, document["values"], name) for name in graph.parameters},
            document["regenerate_outputs"],
            document["continue_on_step_failure"],
        )


def read_pipeline_plan(folder: RunFolder) -> PipelinePlan:
    """Return the plan of a pipeline run, read from the run's folder.

    Raises:
        StoredFilesLost: the file is gone or damaged.
        OSError: the file cannot be read.
    """
    document = read_json(folder.path / PLAN_FILE)
    if document is None:
        raise StoredFilesLost(
            f"The file {folder.path / PLAN_FILE} is gone or damaged.", hint="Submit the pipeline again."
        )
    return PipelinePlan.from_json(document)


def redact_values(
    values: Mapping[str, ParameterValue], secrets: SecretParameters, redactor: Redactor
) -> dict[str, Any]:
    """Return the JSON-compatible values of parameters, keyed by name, with secrets redacted."""
    return {
        name: parameter_value_to_json(redact_parameter_value(name, value, secrets.names, redactor))
        for name, value in values.items()
    }


def _parse_value(graph: Graph, values: Mapping[str, Any], name: str) -> ParameterValue:
    kind, value = graph.parameters[name].kind, values[name]
    if kind == DATA_PATH_TYPE:
        return DataPath.from_json(JsonReader(value, name))
    if kind == DATASET_TYPE:
        return DatasetReference.from_json(JsonReader(value, name))
    found: ParameterValue = value
    return found
