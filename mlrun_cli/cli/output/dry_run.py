"""A summary of the run that would be started, for `run submit-script --dry-run -o table`."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from mlrun_cli.core.sizes import format_size
from mlrun_cli.wire.run_output import make_printable

_INDENT = 13
_WIDTH = 100
_MAX_LINES = 20


def print_dry_run(record: Mapping[str, Any], *, file: TextIO, width: int | None) -> None:
    """Print a summary of a dry run's record; sentences are wrapped at `width`, but lines to copy are not."""
    for heading, lines in _format_paragraphs(record, max(40, (width or _WIDTH) - _INDENT)):
        write_paragraph(heading, lines, file)


def write_paragraph(heading: str, lines: Sequence[str], file: TextIO) -> None:
    """Write a heading and lines; the heading precedes the first line."""
    labels = [heading] + [""] * len(lines)
    file.writelines(f"{label:<{_INDENT}}{make_printable(line)}\n" for label, line in zip(labels, lines, strict=False))


def _format_paragraphs(record: Mapping[str, Any], width: int) -> Iterator[tuple[str, list[str]]]:
    yield "Would run", [shlex.join(record["command_line"])]
    yield "Where", [_format_target(record)]
    yield "Experiment", [record["experiment_name"]]
    if record["runconfig"]:
        yield "Runconfig", [record["runconfig"]]
    environment = record["environment"]
    is_in_container = "image" in environment
    yield (
        "Environment",
        [*format_environment(environment), *(_format_container(environment) if is_in_container else ())],
    )
    variables = [f"{name}={value}" for name, value in record["environment_variables"].items()]
    inherited = "those of the image; of this shell, AZUREML_… and MLRUN_…" if is_in_container else "those of this shell"
    yield "Variables", [*_shorten_list(variables), inherited]
    data = [f"{entry['name']}: {entry['path'] or entry['dataset_id']}" for entry in record["data"]]
    data += [f"{entry['name']}: written to {entry['path']}" for entry in record["output_data"]]
    if data:
        yield "Data", data
    yield "Snapshot", list(_format_snapshot(record))
    if record["notes"]:
        yield "Messages", [line for note in record["notes"] for line in _wrap_note(note, width)]
    yield "", ["Nothing was started."]


def _format_target(record: Mapping[str, Any]) -> str:
    nodes = "1 node" if record["node_count"] == 1 else f"{record['node_count']} nodes"
    several = f", {record['process_count']} processes on {nodes}"
    limit = record["max_run_duration_seconds"]
    return "".join(
        [
            f"target '{record['target']}', on this machine",
            ", as soon as it has a place" if record["waits_for_its_place"] else "",
            several if (record["process_count"], record["node_count"]) != (1, 1) else "",
            f", {limit} seconds at most" if limit else "",
        ]
    )


def format_environment(environment: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines about the environment of a dry run's record."""
    if "folder" not in environment:
        of_image = f" of the image {environment['image']}" if "image" in environment else ""
        yield f"the interpreter {environment['interpreter']}{of_image} as it is"
        return
    if "image" in environment:
        yield f"the image {environment['image']} ({'made already' if environment['is_there'] else 'to be made'}), of:"
        yield from _shorten_list(environment["dockerfile"].splitlines())
        return
    state = "made already" if environment["is_there"] else f"to be made by {environment['builder']}"
    python = f" Python {environment['python']}" if environment["python"] else ""
    lines = [*environment["options"], *environment["packages"], *environment["requirements"]]
    and_more = f"{' and' if python else ''}:" if lines else ""
    yield f"{environment['folder']} ({state}), with{python}{and_more}"
    yield from _shorten_list(lines)
    if environment["day"]:
        yield f"what is not pinned as it was on {environment['day']} ({environment['day_source']})"


def _format_container(environment: Mapping[str, Any]) -> Iterator[str]:
    if environment["shm_size"]:
        yield f"{environment['shm_size']} of shared memory"
    if environment["arguments"]:
        yield f"started with {shlex.join(environment['arguments'])}"


def _format_snapshot(record: Mapping[str, Any]) -> Iterator[str]:
    snapshot = record["snapshot"]
    yield f"{snapshot['files']} files, {format_size(snapshot['bytes'])}, of {record['source_directory']}"
    if snapshot["left_out"]:
        yield "left out: " + ", ".join(
            _shorten_list([f"{one['path']} ({one['reason']})" for one in snapshot["left_out"]])
        )


def _wrap_note(note: str, width: int) -> list[str]:
    return textwrap.wrap(
        note, width, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _shorten_list(lines: list[str]) -> list[str]:
    more = len(lines) - _MAX_LINES
    return lines if more <= 0 else [*lines[:_MAX_LINES], f"and {more} more"]
