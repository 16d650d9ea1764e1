"""The reader of one step of a pipeline's YAML file, in either spelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import InvalidValue
from mlrun_cli.pipelines.graph import (
    DATA,
    HYPER_DRIVE_STEP,
    PARALLEL_RUN_STEP,
    Argument,
    Output,
    ParameterReference,
    Registration,
    Scalar,
    Step,
    StepInput,
    Table,
)
from mlrun_cli.pipelines.json_reader import JsonReader
from mlrun_cli.pipelines.step_kinds import SECTIONS, build_unsupported_error, get_step_kind
from mlrun_cli.pipelines.validation import build_name_hint
from mlrun_cli.pipelines.yaml_arguments import (
    KINDS,
    KnownKeys,
    find_unknown_references,
    is_joined_argument,
    parse_argument,
    parse_command_line,
    read_joined_argument,
)
from mlrun_cli.pipelines.yaml_names import YamlNames, build_key_hint, list_ignored_key_notes, read_output_kind
from mlrun_cli.pipelines.yaml_parallel_run import (
    ParallelRunFile,
    read_parallel_run_file,
    read_parallel_run_settings,
)
from mlrun_cli.pipelines.yaml_paths import YamlPaths
from mlrun_cli.runconfigs.writing import to_plain_runconfig
from mlrun_cli.sweeps.config_file import read_sweep_file
from mlrun_cli.sweeps.definition import definition_from_json

_STEP_KEYS = (
    *("type", "name", "script_name", "source_directory", "runconfig", "compute", "allow_reuse", "version"),
    *("hash_paths", "params", "arguments", "parameters", "runconfig_parameters", "inputs", "outputs", "run_after"),
    *("command", "node_count", "process_count_per_node", "hyperdrive_configuration", "metrics_output"),
    "model_outputs",
    *("parallel_run_config", "side_inputs", "environment_variables"),
)
_INPUT_KEYS = ("source", "bind_mode", "type", "path_on_compute", "overwrite", "as_dataset", "table")
_OUTPUT_KEYS = (
    *("destination", "datastore", "bind_mode", "type", "path_on_compute", "overwrite", "as_dataset"),
    *("path_on_datastore", "register", "pipeline_output_name"),
)
_DATA_NAME = r"\w+"

_Value = TypeVar("_Value")


class YamlStep(NamedTuple):
    """A step that was read from a file, its node, and the files and lines of settings in other files, by key path."""

    step: Step
    node: Node
    other_locations: Mapping[str, str]

    def get_locations(self) -> dict[str, str]:
        """Return the locations of the step, under an empty key, and of its parts, keyed by key path."""
        parts = {key: node.location for key, node in self.node.as_mapping().items()}
        target = {"target": parts["compute"]} if "compute" in parts else {}
        return {"": self.node.location, **parts, **self.other_locations, **target}

    def find_node(self, key_path: str) -> Node:
        """Return the node at a key path of the step, or the nearest existing node above it."""
        node = self.node
        for name in re.findall(r"[^.\[\]]+", key_path):
            content = node.content
            if isinstance(content, dict) and name in content:
                node = content[name]
            elif isinstance(content, tuple) and name.isdigit() and int(name) < len(content):
                node = content[int(name)]
            else:
                break
        return node


def read_step(
    name: str, node: Node, names: YamlNames, paths: YamlPaths, problems: Problems, notes: list[str]
) -> YamlStep:
    """Read a step from its node; problems with its parts are added to `problems`.

    Raises:
        InvalidFile: the kind of the step cannot be read.
        Unsupported: steps of its kind cannot run here.
    """
    kind, section = get_step_kind(node)
    keys = dict(node.as_mapping())
    if section is not None:
        keys.update(section.as_mapping())
        del keys[next(one for one in SECTIONS if one in keys)]
    whole = node._replace(content=keys)
    notes += list_ignored_key_notes(whole, _STEP_KEYS)
    reader = _StepReader(whole, kind, names, paths, problems, notes)
    return YamlStep(reader.read(names.step_keys[name], name), whole, reader.other_locations)


class _StepReader:
    def __init__(
        self,
        node: Node,
        kind: str,
        names: YamlNames,
        paths: YamlPaths,
        problems: Problems,
        notes: list[str],
    ) -> None:
        self._node = node
        self._keys = {key: value for key, value in node.as_mapping().items() if not value.is_null}
        self._kind = kind
        self._names = names
        self._paths = paths
        self._problems = problems
        self._notes = notes
        self.other_locations: dict[str, str] = {}

    def read(self, step_key: str, yaml_name: str) -> Step:
        script = self._read_optional("script_name", Node.as_text)
        parameters = self._read_parameters()
        inputs = {
            **self._read_section_entries("inputs", self._read_input),
            **self._read_section_entries("side_inputs", self._read_input),
        }
        outputs = self._read_section_entries("outputs", self._read_output)
        known = {
            "input": set(self._list_keys_in_sections("inputs", "side_inputs")),
            "output": set(self._list_keys_in_sections("outputs")),
            "step_parameter": set(parameters) | set(self._list_keys_in_sections("parameters", "params")),
        }
        command, is_line = self._read_command(known)
        parallel_run = self._read_parallel_run()
        if parallel_run is not None:
            script = parallel_run.script
            self.other_locations = parallel_run.get_locations()
        return Step(
            key=step_key,
            name=self._read_optional("name", Node.as_text) or script or yaml_name,
            kind=self._kind,
            source_directory=str(self._resolve_source_folder(script) if parallel_run is None else parallel_run.source),
            script=script,
            command=command,
            is_command_line=is_line,
            arguments=self._read_arguments("arguments", known),
            parameters=parameters,
            runconfig_parameters=self._read_section_entries("runconfig_parameters", self._read_parameter_reference),
            inputs={name: one for name, one in inputs.items() if one is not None},
            outputs=outputs,
            run_after=self._read_run_after(),
            target=self._read_optional("compute", Node.as_text)
            or (None if parallel_run is None else parallel_run.settings.get("compute_target_name")),
            runconfig=self._read_optional("runconfig", _find_inline_runconfig),
            runconfig_file=self._read_optional("runconfig", self._resolve_runconfig),
            environment_variables=self._read_optional("environment_variables", Node.as_variables) or {},
            node_count=self._read_optional("node_count", _read_count),
            process_count_per_node=self._read_optional("process_count_per_node", _read_count),
            version=self._read_optional("version", Node.as_text),
            allow_reuse=self._read_optional("allow_reuse", Node.as_boolean) is not False,
            hash_paths=tuple(self._read_optional("hash_paths", _read_texts) or ()),
            sweep=self._read_sweep(),
            metrics_output=self._read_optional("metrics_output", Node.as_text),
            model_outputs=self._read_optional("model_outputs", Node.as_variables) or {},
            parallel_run=None
            if parallel_run is None
            else {**parallel_run.settings, "side_inputs": self._list_keys_in_sections("side_inputs")},
        )

    def _read_optional(self, key: str, read: Callable[[Node], _Value]) -> _Value | None:
        """Return the value of a key, read with `read`, or None if it is absent or invalid (which adds a problem)."""
        if key in self._keys:
            with self._problems.collect_errors():
                return read(self._keys[key])
        return None

    def _list_keys_in_sections(self, *sections: str) -> list[str]:
        """Return the keys of all mappings in these sections of the step."""
        found = [self._keys[section].content for section in sections if section in self._keys]
        return [name for content in found if isinstance(content, dict) for name in content]

    def _read_section_entries(self, section: str, read: Callable[[str, Node], _Value]) -> dict[str, _Value]:
        """Return the entries of a section, converted by `read` and keyed by name; add problems for invalid entries."""
        found: dict[str, _Value] = {}
        for name, node in (self._read_optional(section, Node.as_mapping) or {}).items():
            with self._problems.collect_errors():
                found[name] = read(name, node)
        return found

    def _resolve_source_folder(self, script: str | None) -> Path:
        """Return the source folder, which must contain the script."""
        named = self._keys.get("source_directory")
        with self._problems.collect_errors():
            folder = self._paths.resolve_source_folder(named, script)
            if script is not None and not (folder / script).is_file():
                files = [path.name for path in folder.iterdir() if path.suffix == Path(script).suffix]
                hint = build_name_hint(script, files)
                raise self._keys["script_name"].build_error(f"there is no '{script}' in {folder}", hint=hint)
            return folder
        return self._paths.folders[0]

    def _resolve_runconfig(self, node: Node) -> str | None:
        return None if isinstance(node.content, dict) else str(self._paths.resolve_file(node, ("", ".runconfig")))

    def _read_sweep(self) -> Mapping[str, Any] | None:
        if self._kind != HYPER_DRIVE_STEP:
            return None
        if "hyperdrive_configuration" not in self._keys:
            guess = build_key_hint(self._node, "hyperdrive_configuration", _STEP_KEYS)
            hint = f"{guess}Name the file that says which values to try, as for 'mlrun run submit-hyperdrive'."
            self._problems.add(self._node.build_error("the step has no hyperdrive_configuration", hint=hint))
            return None
        return self._read_optional("hyperdrive_configuration", self._read_sweep_definition)

    def _read_sweep_definition(self, node: Node) -> Mapping[str, Any]:
        if isinstance(node.content, dict):
            return _convert_node(node, _check_sweep)
        read = read_sweep_file(self._paths.resolve_file(node))
        self._notes += read.notes
        return read.definition.to_json()

    def _read_parallel_run(self) -> ParallelRunFile | None:
        if self._kind != PARALLEL_RUN_STEP:
            return None
        if "parallel_run_config" not in self._keys:
            guess = build_key_hint(self._node, "parallel_run_config", _STEP_KEYS)
            hint = f"{guess}Name the file that says which script works on the batches."
            self._problems.add(self._node.build_error("the step has no parallel_run_config", hint=hint))
            return None
        return self._read_optional("parallel_run_config", self._read_parallel_run_settings)

    def _read_parallel_run_settings(self, node: Node) -> ParallelRunFile:
        if isinstance(node.content, dict):
            return read_parallel_run_settings(node, self._paths, self._notes, is_inline=True)
        return read_parallel_run_file(self._paths.resolve_file(node), self._paths.folders[0], self._notes)

    def _read_parameters(self) -> dict[str, Scalar | ParameterReference]:
        literals = self._read_section_entries("params", self._read_parameter)
        return {**literals, **self._read_section_entries("parameters", self._read_parameter)}

    def _read_parameter(self, name: str, node: Node) -> Scalar | ParameterReference:
        if isinstance(node.content, dict):
            return self._read_parameter_reference(name, node)
        if isinstance(node.content, (bool, int, float)):
            return node.content
        return node.as_text()

    def _read_parameter_reference(self, _name: str, node: Node) -> ParameterReference:
        keys = node.as_mapping() if isinstance(node.content, dict) else {}
        if "source" not in keys:
            guess = build_key_hint(node, "source", ()) if keys else ""
            hint = f"{guess}Write 'source: NAME' with the name of a parameter of the pipeline below it."
            raise node.build_error("does not say which parameter of the pipeline it is", hint=hint)
        self._notes += list_ignored_key_notes(node, ("source",))
        source = keys["source"].as_text()
        if source not in self._names.parameters:
            hint = build_name_hint(source, self._names.parameters)
            raise keys["source"].build_error(f"the pipeline has no parameter '{source}'", hint=hint)
        return ParameterReference(source)

    def _read_input(self, _name: str, node: Node) -> StepInput | None:
        keys = node.as_mapping()
        self._notes += list_ignored_key_notes(node, _INPUT_KEYS)
        if "source" not in keys:
            guess = build_key_hint(node, "source", _INPUT_KEYS)
            raise node.build_error(
                "the input has no source", hint=f"{guess}Name a data reference or the destination of an output."
            )
        source = self._names.find_source(keys["source"])
        if source is None:
            return None
        mode = _read_mode(keys, ("mount", "download", "direct"))
        said = keys.get("as_dataset")
        is_dataset = self._names.is_dataset(source) if said is None else said.as_boolean()
        if mode == "direct" and not is_dataset:
            raise node.build_error("only a dataset can be passed directly", hint="Write 'bind_mode: mount'.")
        return StepInput(
            source=source,
            mode=mode,
            path_on_compute=_find_text(keys, "path_on_compute"),
            overwrite=_find_boolean(keys, "overwrite"),
            as_dataset=is_dataset,
            table=_find_converted_value(keys, "table", lambda document: Table.from_json(JsonReader(document, "table"))),
        )

    def _read_output(self, _name: str, node: Node) -> Output:
        keys = node.as_mapping()
        self._notes += list_ignored_key_notes(node, _OUTPUT_KEYS)
        if "destination" not in keys:
            guess = build_key_hint(node, "destination", _OUTPUT_KEYS)
            raise node.build_error(
                "the output has no destination", hint=f"{guess}Give it a name, by which other steps read it."
            )
        destination = keys["destination"].as_text()
        if not re.fullmatch(_DATA_NAME, destination, re.ASCII):
            hint = "Use letters, digits and underscores: it is a name, not a path."
            raise keys["destination"].build_error(f"'{destination}' is not a name for data", hint=hint)
        return Output(
            datastore=_find_text(keys, "datastore"),
            destination=_find_text(keys, "path_on_datastore"),
            mode=_read_mode(keys, ("mount", "upload")),
            path_on_compute=_find_text(keys, "path_on_compute"),
            overwrite=_find_boolean(keys, "overwrite"),
            registration=_find_converted_value(
                keys, "register", lambda document: Registration.from_json(JsonReader(document, "register"))
            ),
            kind=read_output_kind(node) or DATA,
            pipeline_output_name=_find_text(keys, "pipeline_output_name"),
        )

    def _read_command(self, known_keys: KnownKeys) -> tuple[tuple[Argument, ...], bool]:
        node = self._keys.get("command")
        if node is None:
            return (), False
        if isinstance(node.content, tuple):
            return self._read_arguments("command", known_keys), False
        if is_joined_argument(node):
            joined = self._read_optional("command", read_joined_argument)
            return (() if joined is None else (joined,)), True
        line = self._read_optional("command", Node.as_text)
        if line is None:
            return (), True
        for kind, key in find_unknown_references(line, known_keys):
            self._note_kept_reference(node, f"{kind}:{key}", *self._describe_unknown_reference(kind, key, known_keys))
        return (parse_command_line(line, known_keys),), True

    def _read_arguments(self, section: str, known_keys: KnownKeys) -> tuple[Argument, ...]:
        words: list[Argument] = []
        for node in self._read_optional(section, Node.as_list) or ():
            with self._problems.collect_errors():
                words.append(self._read_argument(node, known_keys))
        return tuple(words)

    def _read_argument(self, node: Node, known_keys: KnownKeys) -> Argument:
        if is_joined_argument(node):
            return read_joined_argument(node)
        if isinstance(node.content, dict) and len(node.content) == 1 and next(iter(node.content)) in KINDS:
            kind, value = next(iter(node.content.items()))
            raise node.build_error(
                f"expected text, found a mapping, for there is a space behind '{kind}:'",
                hint=f"Write '{kind}:{value.source}', without a space.",
            )
        word = parse_argument(node.as_text(), known_keys)
        if word.unknown is not None:
            reason, hint = self._describe_unknown_reference(*word.unknown, known_keys)
            if not word.is_kept_by_azure:
                raise node.build_error(reason, hint=hint)
            self._note_kept_reference(node, node.as_text(), reason, hint)
        elif word.is_kept_by_azure:
            self._notes.append(f"{node.location}: '{node.as_text()}' is replaced; Azure passes it on as it stands.")
        return word.argument

    def _describe_unknown_reference(self, kind: str, key: str, known_keys: KnownKeys) -> tuple[str, str]:
        """Return what is wrong with a reference to something that the step does not have, and a hint."""
        known = known_keys[KINDS[kind]]
        hint = build_name_hint(key, known)
        if kind == "parameter" and key in self._names.parameters:
            of_pipeline = f"Give it that of the pipeline: 'parameters: {{{key}: {{source: {key}}}}}'."
            hint = f"{hint} {of_pipeline}" if known else of_pipeline
        return f"the step has no {kind.replace('_', ' ')} '{key}'", hint

    def _note_kept_reference(self, node: Node, text: str, reason: str, hint: str) -> None:
        self._notes.append(f"{node.location}: '{text}' is passed on as it stands: {reason}. {hint}")

    def _read_run_after(self) -> tuple[str, ...]:
        found = []
        for node in self._read_optional("run_after", Node.as_list) or ():
            with self._problems.collect_errors():
                name = node.as_text()
                if name not in self._names.step_keys:
                    hint = build_name_hint(name, self._names.step_keys)
                    raise node.build_error(f"there is no step '{name}'", hint=hint)
                found.append(self._names.step_keys[name])
        return tuple(found)


def _find_inline_runconfig(node: Node) -> Mapping[str, Any] | None:
    return to_plain_runconfig(node) if isinstance(node.content, dict) else None


def _check_sweep(document: Any) -> Mapping[str, Any]:
    """Validate the definition of a sweep, and return it unchanged, so that earlier results remain reusable."""
    definition_from_json(document)
    found: Mapping[str, Any] = document
    return found


def _find_converted_value(nodes: Mapping[str, Node], key: str, read: Callable[[Any], _Value]) -> _Value | None:
    """Return the result of `read` for the JSON document under a key, or None if the key is absent or null."""
    return None if key not in nodes or nodes[key].is_null else _convert_node(nodes[key], read)


def _convert_node(node: Node, read: Callable[[Any], _Value]) -> _Value:
    """Return the result of `read` for a node's JSON document; errors contain the node's location."""
    try:
        return read(node.to_plain())
    except InvalidValue as error:
        raise node.build_error(error.message.rstrip("."), hint=error.hint) from error


def _read_mode(nodes: Mapping[str, Node], modes: tuple[str, ...]) -> str:
    node = nodes.get("bind_mode") or nodes.get("type")
    if node is None or node.is_null:
        return modes[0]
    mode = node.as_text().lower()
    if mode == "hdfs":
        raise build_unsupported_error(
            node, "'hdfs' passes data to Spark, which is not here", "Write 'bind_mode: mount'."
        )
    if mode not in modes:
        raise node.build_error(f"'{mode}' is not a mode", hint=f"Modes: {', '.join(modes)}.")
    return mode


def _find_text(nodes: Mapping[str, Node], key: str) -> str | None:
    return nodes[key].as_text() if key in nodes and not nodes[key].is_null else None


def _find_boolean(nodes: Mapping[str, Node], key: str) -> bool:
    return nodes[key].as_boolean() if key in nodes and not nodes[key].is_null else False


def _read_count(node: Node) -> int:
    count = node.as_integer()
    if count < 1:
        raise node.build_error("expected a number of at least 1")
    return count


def _read_texts(node: Node) -> list[str]:
    return [one.as_text() for one in node.as_list()]
