"""The reader of a pipeline's YAML file, which converts it to a graph and collects all of its problems."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from mlrun_cli.core.digests import create_sha256
from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.documents.read import read_document
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import InvalidValue, MlrunError, Unsupported
from mlrun_cli.pipelines.graph import (
    DATA_PATH_TYPE,
    DATASET_TYPE,
    HYPER_DRIVE_STEP,
    PARAMETER_TYPES,
    DataPath,
    DatasetReference,
    Graph,
    ParameterValue,
    PipelineParameter,
)
from mlrun_cli.pipelines.parameter_values import parse_scalar
from mlrun_cli.pipelines.step_kinds import build_unsupported_error
from mlrun_cli.pipelines.validation import (
    GraphProblem,
    is_output_missing,
    iterate_graph_problems,
    list_unused_parameters,
)
from mlrun_cli.pipelines.yaml_names import YamlNames, build_key_hint, list_ignored_key_notes
from mlrun_cli.pipelines.yaml_paths import YamlPaths
from mlrun_cli.pipelines.yaml_step import YamlStep, read_step

_TOP_KEYS = (
    *("name", "description", "default_compute", "parameters", "data_references", "steps"),
    *("version", "default_datastore", "continue_on_step_failure"),
)
_PARAMETER_KEYS = ("type", "default")
_DATA_PATH_KEYS = ("datastore", "path_on_datastore")
_DATASET_KEYS = ("dataset_name", "dataset_id", "dataset_version")
_SQL_KEYS = ("sql_query", "sql_table", "sql_stored_procedure", "sql_stored_procedure_params")
_ARGUMENT_SECTIONS = ("inputs", "side_inputs", "outputs", "parameters", "params")
_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "arguments": ("arguments", *_ARGUMENT_SECTIONS),
    "command": ("command", *_ARGUMENT_SECTIONS),
    "script": ("script_name", "runconfig", "parallel_run_config"),
    "inputs": ("inputs", "side_inputs"),
    "metrics_output": ("metrics_output", "outputs"),
    "model_outputs": ("model_outputs", "outputs", "hyperdrive_configuration"),
}
"""The sections of a step in the file from which a part of a step in the graph is read, where they are not one."""
_PARTS_CHECKED_BY_READER = ("sweep", "parallel_run", "run_after")
_OTHER_FILES: Mapping[str, tuple[str, str]] = {
    "Schedule": ("describes when a pipeline runs, not a pipeline", "Name the file that begins with 'pipeline:'."),
    "parallel_run_config": (
        "is the configuration of a ParallelRunStep, not a pipeline",
        "Name the file that begins with 'pipeline:', whose step names this one.",
    ),
    "jobs": (
        "is a pipeline of version 2 of Azure's command line or of Azure DevOps, which this program does not read",
        "Write its jobs as steps below 'pipeline:'; 'mlrun help pipelines' shows how.",
    ),
    "stages": (
        "is a pipeline of Azure DevOps, which runs commands such as this one",
        "Name the file that begins with 'pipeline:'.",
    ),
}


class PipelineFile(NamedTuple):
    """A pipeline that was read from a file.

    Attributes:
        graph: the pipeline.
        notes: lines about what was skipped or read in another way.
        places: the file and line of the parts of each step, keyed by the key of the step and by key path.
    """

    graph: Graph
    notes: tuple[str, ...]
    places: Mapping[str, Mapping[str, str]]


def read_pipeline_file(path: Path, current_folder: Path) -> PipelineFile:
    """Read a pipeline's graph from a YAML or JSON file, along with notes and the locations of its parts.

    Args:
        path: the file.
        current_folder: the folder that relative paths count from first.

    Raises:
        InvalidFile: the file cannot be read, or a value is not valid.
        Unsupported: it is another kind of file, or has a step or data that cannot be had here.
        SeveralProblems: there are several such errors, each with its line.
    """
    root = read_document(path)
    _check_is_pipeline_file(root)
    reader = _PipelineReader(root.as_mapping()["pipeline"], current_folder)
    graph = reader.read()
    if reader.problems or graph is None:
        error = reader.problems.combine()
        error.notes = reader.notes
        raise error
    return PipelineFile(graph, tuple(reader.notes), reader.places)


def _check_is_pipeline_file(root: Node) -> None:
    keys = root.as_mapping()
    if "pipeline" in keys:
        return
    for key, (reason, hint) in _OTHER_FILES.items():
        if key in keys:
            refusal = Unsupported(f"{root.location}: the file {reason}.", hint=hint)
            refusal.location = root.location
            raise refusal
    found = ", ".join(list(keys)[:5]) or "none"
    raise root.build_error(
        f"has no 'pipeline' (its keys: {found})",
        hint=f"{build_key_hint(root, 'pipeline', ())}All of a pipeline stands below 'pipeline:'.",
    )


class _PipelineReader:
    def __init__(self, node: Node, current: Path) -> None:
        self.problems = Problems()
        self.notes: list[str] = []
        self.places: dict[str, Mapping[str, str]] = {}
        self._node = node
        self._names = YamlNames()
        self._paths = YamlPaths(node.path, current, self.notes)

    def read(self) -> Graph | None:
        """Return the graph, or None if it could not be built because of problems."""
        with self.problems.collect_errors():
            keys = self._node.as_mapping()
            self.notes += list_ignored_key_notes(self._node, _TOP_KEYS)
            self._read_parameters(keys.get("parameters"))
            self._read_data_references(keys.get("data_references"))
            steps = self._read_steps(keys)
            default = {"target": keys["default_compute"].location} if "default_compute" in keys else {}
            self.places = {one.step.key: {**default, **one.get_locations()} for one in steps}
            graph = Graph(
                steps=tuple(one.step for one in steps),
                name=self._find_text(keys, "name"),
                description=self._find_text(keys, "description"),
                parameters=self._names.parameters,
                default_target=self._find_text(keys, "default_compute"),
                version=self._find_text(keys, "version"),
                default_datastore=self._find_text(keys, "default_datastore"),
                continue_on_step_failure=self._find_boolean(keys, "continue_on_step_failure"),
            )
            self._check_graph(graph, steps)
            return graph
        return None

    def _find_text(self, nodes: Mapping[str, Node], key: str) -> str | None:
        if key not in nodes or nodes[key].is_null:
            return None
        with self.problems.collect_errors():
            return nodes[key].as_text()
        return None

    def _find_boolean(self, nodes: Mapping[str, Node], key: str) -> bool:
        with self.problems.collect_errors():
            return key in nodes and not nodes[key].is_null and nodes[key].as_boolean()
        return False

    def _read_parameters(self, node: Node | None) -> None:
        for name, one in ({} if node is None or node.is_null else node.as_mapping()).items():
            self._names.parameters[name] = PipelineParameter(_guess_type(one), "")
            with self.problems.collect_errors():
                self._names.parameters[name] = self._read_parameter(one)

    def _read_parameter(self, node: Node) -> PipelineParameter:
        if not isinstance(node.content, dict):
            hint = "Write 'type' and 'default' below its name, indented further than that."
            raise node.build_error("a parameter has a type and a default", hint=hint)
        keys = node.as_mapping()
        self.notes += list_ignored_key_notes(node, _PARAMETER_KEYS)
        if "type" not in keys:
            guess = build_key_hint(node, "type", _PARAMETER_KEYS)
            raise node.build_error("the parameter has no type", hint=f"{guess}Types: {', '.join(PARAMETER_TYPES)}.")
        kind = keys["type"].as_text()
        if kind not in PARAMETER_TYPES:
            raise keys["type"].build_error(f"'{kind}' is not a type", hint=f"Types: {', '.join(PARAMETER_TYPES)}.")
        return PipelineParameter(kind, self._read_default(kind, keys["default"]) if "default" in keys else None)

    def _read_default(self, type_name: str, node: Node) -> ParameterValue:
        if type_name == DATA_PATH_TYPE:
            return self._read_data_path(node)
        if type_name == DATASET_TYPE:
            return self._read_dataset(node)
        if type_name == "float" and isinstance(node.content, float):  # `.inf` is not a number for Python
            return node.content
        text = node.as_text()
        try:
            return parse_scalar(type_name, text)
        except InvalidValue as error:
            raise node.build_error(f"the default is not of type {type_name}") from error

    def _read_data_path(self, node: Node) -> DataPath:
        keys = node.as_mapping()
        self.notes += list_ignored_key_notes(node, _DATA_PATH_KEYS)
        store, path = keys.get("datastore"), keys.get("path_on_datastore")
        if store is None or path is None:
            missing = "datastore" if store is None else "path_on_datastore"
            raise node.build_error(
                "a path has a 'datastore' and a 'path_on_datastore'",
                hint=build_key_hint(node, missing, _DATA_PATH_KEYS).rstrip() or None,
            )
        return DataPath(None if store.is_null else store.as_text(), "" if path.is_null else path.as_text())

    def _read_data_references(self, node: Node | None) -> None:
        for name, one in ({} if node is None or node.is_null else node.as_mapping()).items():
            self._names.references[name] = None
            with self.problems.collect_errors():
                self._names.references[name] = self._read_data_reference(one)

    def _read_data_reference(self, node: Node) -> DataPath | DatasetReference:
        keys = node.as_mapping()
        for key in _SQL_KEYS:
            if key in keys:
                hint = "Query the database in a PythonScriptStep, and let the next step read its output."
                raise build_unsupported_error(keys[key], "data of a SQL database are read by Azure's services", hint)
        if "dataset_name" in keys or "dataset_id" in keys:
            return self._read_dataset(node)
        if "datastore" not in keys:
            known = (*_DATA_PATH_KEYS, *_DATASET_KEYS)
            guess = build_key_hint(node, "datastore", known) or build_key_hint(node, "dataset_name", known)
            hint = f"{guess}Write datastore and path_on_datastore, dataset_name, or dataset_id."
            raise node.build_error("does not say which data it is", hint=hint)
        return self._read_data_path(node)

    def _read_dataset(self, node: Node) -> DatasetReference:
        keys = node.as_mapping()
        self.notes += list_ignored_key_notes(node, _DATASET_KEYS)
        version = keys.get("dataset_version")
        found = {name: keys[name].as_text() for name in ("dataset_id", "dataset_name") if name in keys}
        if not any(found.values()):
            raise node.build_error(
                "a dataset has a 'dataset_name' or a 'dataset_id'",
                hint=build_key_hint(node, "dataset_name", _DATASET_KEYS).rstrip() or None,
            )
        return DatasetReference(
            found.get("dataset_id"), found.get("dataset_name"), None if version is None else version.as_integer()
        )

    def _read_steps(self, nodes: Mapping[str, Node]) -> list[YamlStep]:
        node = nodes.get("steps")
        if node is None or not isinstance(node.content, dict):
            reason = "the pipeline has no steps" if node is None or node.is_null else "the steps are a mapping"
            guess = build_key_hint(self._node, "steps", _TOP_KEYS)
            raise (node or self._node).build_error(
                reason, hint=f"{guess}Write 'steps:', and a name for each step below it."
            )
        for name in node.content:
            self._names.step_keys[name] = _choose_step_key(name, self._names.step_keys.values())
        for name, step in node.content.items():
            with self.problems.collect_errors():
                self._names.collect_outputs(name, step)
        found = []
        for name, step in node.content.items():
            with self.problems.collect_errors():
                found.append(read_step(name, step, self._names, self._paths, self.problems, self.notes))
        return found

    def _check_graph(self, graph: Graph, steps: list[YamlStep]) -> None:
        nodes = {one.step.key: one for one in steps}
        names = {key: name for name, key in self._names.step_keys.items()}
        found = [one for one in iterate_graph_problems(graph, names) if not self._is_consequence(one, graph, nodes)]
        for problem in found:
            self.problems.add(self._build_error(problem, nodes))
        if self.problems:  # a step that could not be read may use them
            return
        declared = self._node.as_mapping().get("parameters")
        for name in list_unused_parameters(graph):
            place = declared.as_mapping()[name].location if declared is not None else self._node.location
            self.notes.append(f"{place}: no step uses the parameter '{name}'.")

    def _is_consequence(self, problem: GraphProblem, graph: Graph, steps: Mapping[str, YamlStep]) -> bool:
        """Return whether a problem of the graph comes of a part of the file that could not be read."""
        if not self.problems:
            return False
        if problem.step is None:
            return problem.key_path == "steps"
        part, _, name = problem.key_path.partition(".")
        part = part.partition("[")[0]
        step = steps[problem.step]
        found_input = step.step.inputs.get(name) if part == "inputs" else None
        if (
            part in _PARTS_CHECKED_BY_READER
            or (part == "model_outputs" and step.step.kind == HYPER_DRIVE_STEP and step.step.sweep is None)
            or (found_input is not None and is_output_missing(graph, found_input.source))
        ):
            return True
        nodes = [step.node.as_mapping().get(section) for section in _SECTIONS.get(part, (part,))]
        if "inputs" in _SECTIONS.get(part, ()):
            nodes.append(self._node.as_mapping().get("data_references"))
        if not part:  # a cycle, perhaps of two outputs with one destination
            nodes += self._names.destination_nodes
        return self.problems.has_problem_about(*(node.key_path for node in nodes if node is not None))

    def _build_error(self, problem: GraphProblem, steps: Mapping[str, YamlStep]) -> MlrunError:
        if problem.step is None:
            return self._node.build_error(problem.reason, hint=problem.hint)
        return steps[problem.step].find_node(problem.key_path).build_error(problem.reason, hint=problem.hint)


def _guess_type(node: Node) -> str:
    """Return the type that a parameter declares, or that of text."""
    declared = node.content.get("type") if isinstance(node.content, dict) else None
    return str(declared.content) if declared is not None and declared.content in PARAMETER_TYPES else "string"


def _choose_step_key(name: str, taken_keys: Collection[str]) -> str:
    """Return an unused key for a step; it depends only on the step's name and the taken keys."""
    key = create_sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return key if key not in taken_keys else _choose_step_key(f"{name} ", taken_keys)
