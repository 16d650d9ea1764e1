"""The reader of `parallel_run_config` files, which configure how a ParallelRunStep processes batches."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.documents.read import read_document
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import InvalidFile
from mlrun_cli.pipelines.validation import APPEND_ROW, SUMMARY_ONLY
from mlrun_cli.pipelines.yaml_names import build_key_hint, list_ignored_key_notes
from mlrun_cli.pipelines.yaml_paths import YamlPaths

_TEXTS = (
    *("entry_script", "source_directory", "compute_target_name", "output_action", "append_row_file_name"),
    *("environment_dir_path", "environment_name", "environment_version", "logging_level", "description"),
    *("mini_batch_size", "input_format"),
)
_NUMBERS = ("error_threshold", "node_count", "process_count_per_node", "run_invocation_timeout", "run_max_try")
_MORE_NUMBERS = ("allowed_failed_count", "allowed_failed_percent")
_OTHERS = ("environment", "environment_variables", "partition_keys")
_PARTS = {
    "compute_target_name": "target",
    "environment": "environment",
    "environment_dir_path": "environment",
    "environment_name": "environment",
}
"""The settings that are parts of every step, with the names of these parts."""
_INLINE = ("inputs", "output", "tables")
_REQUIRED = ("entry_script", "error_threshold", "output_action")
_LEAST = {"error_threshold": -1, "allowed_failed_count": -1, "allowed_failed_percent": 0}
_MOST_PERCENT = 100


class ParallelRunFile(NamedTuple):
    """The settings of a ParallelRunStep, keyed as in the file, with absolute paths; and the file and line of each."""

    settings: Mapping[str, Any]
    source: Path
    places: Mapping[str, str]

    @property
    def script(self) -> str:
        """The entry script, relative to the source folder."""
        return str(self.settings["entry_script"])

    def get_locations(self) -> dict[str, str]:
        """Return the file and line of each setting, keyed by key path, and of the target and environment if given."""
        named = {_PARTS[key]: place for key, place in self.places.items() if key in _PARTS}
        return {**{f"parallel_run.{key}": place for key, place in self.places.items()}, **named}


def read_parallel_run_file(path: Path, current_folder: Path, notes: list[str]) -> ParallelRunFile:
    """Read a `parallel_run_config` file; notes about ignored keys are added to `notes`.

    Raises:
        InvalidFile: it cannot be read, or a value is not valid.
        SeveralProblems: there are several such errors.
    """
    root = read_document(path)
    keys = root.as_mapping()
    if "parallel_run_config" not in keys:
        found = ", ".join(list(keys)[:5]) or "none"
        raise root.build_error(f"has no 'parallel_run_config' (its keys: {found})")
    return read_parallel_run_settings(keys["parallel_run_config"], YamlPaths(path, current_folder, notes), notes)


def read_parallel_run_settings(
    node: Node, paths: YamlPaths, notes: list[str], *, is_inline: bool = False
) -> ParallelRunFile:
    """Read the settings of a ParallelRunStep; notes about ignored settings are added to `notes`.

    Args:
        node: the settings.
        paths: the folders that their paths count from.
        notes: gets the lines.
        is_inline: whether they stand in the file of the pipeline, where they may name its parameters and data.

    Raises:
        InvalidFile: a value is not valid.
        SeveralProblems: there are several such errors.
    """
    problems = Problems()
    given = {key: value for key, value in node.as_mapping().items() if not value.is_null}
    known = (*_TEXTS, *_NUMBERS, *_MORE_NUMBERS, *_OTHERS, *(_INLINE if is_inline else ()))
    notes += list_ignored_key_notes(node, known)
    for key in _REQUIRED:
        if key not in given:
            problems.add(
                node.build_error(f"'{key}' is missing", hint=build_key_hint(node, key, known).rstrip() or None)
            )
    settings: dict[str, Any] = {}
    for key, value in given.items():
        with problems.collect_errors():
            is_plain = is_inline and (key in _INLINE or _refers_to_parameter(value))
            settings[key] = value.to_plain() if is_plain else _read_setting(key, value)
    source = _resolve_source_folder(paths, given, settings, problems)
    if "environment_dir_path" in given:
        with problems.collect_errors():
            folder = paths.resolve_source_folder(given["environment_dir_path"], "azureml_environment.json")
            settings["environment_dir_path"] = str(folder)
    if settings.get("partition_keys") and "mini_batch_size" in given:
        problems.add(
            given["partition_keys"].build_error(
                "batches are made by partition_keys or by mini_batch_size, not by both", hint="Leave one of them out."
            )
        )
    problems.raise_if_any()
    places = {key: value.location for key, value in given.items()}
    return ParallelRunFile({**settings, "source_directory": str(source)}, source, places)


def _refers_to_parameter(node: Node) -> bool:
    """Return whether the value of a setting is a reference to a pipeline parameter."""
    return isinstance(node.content, dict) and set(node.content) == {"parameter"}


def _read_setting(key: str, node: Node) -> Any:
    if key in _TEXTS:
        text = node.as_text()
        if key == "output_action" and text not in {APPEND_ROW, SUMMARY_ONLY}:
            raise node.build_error(f"'{text}' is not an action", hint=f"Write {APPEND_ROW} or {SUMMARY_ONLY}.")
        if key == "append_row_file_name" and (text in {"", ".", ".."} or "/" in text or "\0" in text):
            raise node.build_error(f"'{text}' is not the name of a file", hint="The file is in the step's output.")
        return text
    if key in (*_NUMBERS, *_MORE_NUMBERS):
        number = node.as_integer()
        if number < _LEAST.get(key, 1):
            raise node.build_error(f"expected a number of at least {_LEAST.get(key, 1)}")
        if key == "allowed_failed_percent" and number > _MOST_PERCENT:
            raise node.build_error(f"expected a number of at most {_MOST_PERCENT}")
        return number
    if key == "partition_keys":
        return [one.as_text() for one in node.as_list()]
    return node.as_variables() if key == "environment_variables" else node.to_plain()


def _resolve_source_folder(
    paths: YamlPaths, nodes: Mapping[str, Node], settings: Mapping[str, Any], problems: Problems
) -> Path:
    """Return the source folder; add an error to `problems` if it does not contain the entry script."""
    script = settings.get("entry_script")
    with problems.collect_errors():
        source = paths.resolve_source_folder(nodes.get("source_directory"), script)
        if script is not None and not (source / script).is_file():
            error: InvalidFile = nodes["entry_script"].build_error(f"there is no '{script}' in {source}")
            raise error
        return source
    return paths.folders[0]
