"""A summary of the steps that would run, for `run submit-pipeline --dry-run -o table`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from mlrun_cli.cli.output.dry_run import format_environment, write_paragraph


def print_pipeline_dry_run(record: Mapping[str, Any], *, file: TextIO) -> None:
    """Print a summary of the record of a pipeline's dry run."""
    write_paragraph("Pipeline", [record["name"] or "without a name"], file)
    write_paragraph("Experiment", [record["experiment_name"]], file)
    if record["parameters"]:
        write_paragraph("Parameters", [f"{k}={_format_value(v)}" for k, v in record["parameters"].items()], file)
    for number, step in enumerate(record["steps"], 1):
        write_paragraph(f"Step {number}", list(_format_step(step)), file)
    messages = [*record["notes"], *(note for step in record["steps"] for note in step["run"]["notes"])]
    if messages:
        write_paragraph("Messages", [f"- {note}" for note in dict.fromkeys(messages)], file)
    write_paragraph("", ["Nothing was started."], file)


def _format_value(value: object) -> str:
    if not isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if "datastore" in value:
        return _format_location(value)
    return f"dataset {_format_dataset(value)}"


def _format_location(location: Mapping[str, Any]) -> str:
    return f"{location['datastore']}/{location['path']}"


def _format_dataset(dataset: Mapping[str, Any]) -> str:
    version = "" if dataset["version"] is None else f":{dataset['version']}"
    return f"{dataset['name'] or dataset['id']}{version}"


def _format_step(step: Mapping[str, Any]) -> Iterator[str]:
    after = f", after {_join_names(step['runs_after'])}" if step["runs_after"] else ""
    yield f"{step['name']} ({step['kind']}){after}"
    yield step["reason"]
    for name, source in step["inputs"].items():
        yield f"reads {name}: {_format_source(source)}"
    for name, location in step["outputs"].items():
        yield f"writes {name}: {_format_location(location)}"
    if step["is_reused"]:
        return
    run = step["run"]
    yield f"would run: {shlex.join(run['command_line'])}"
    yield f"on the target '{run['target']}'{', as soon as it has a place' if run['waits_for_its_place'] else ''}"
    first, *others = format_environment(run["environment"])
    yield f"in {first}"
    yield from (f"  {line}" for line in others)
    yield f"from {run['snapshot']['files']} files of {run['source_directory']}"


def _format_source(source: Mapping[str, Any]) -> str:
    if "step" in source:
        return f"{source['output']} of '{source['step']}'"
    return f"dataset {_format_dataset(source['dataset'])}" if "dataset" in source else _format_location(source)


def _join_names(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
