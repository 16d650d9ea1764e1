"""Graphs that are written to a YAML file and read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.pipelines.graph import Graph
from mlrun_cli.pipelines.yaml_file import read_pipeline_file
from mlrun_cli.pipelines.yaml_writer import format_pipeline


def number_keys(graph: Graph) -> dict[str, Any]:
    """Return the document of a graph with the steps' numbers in the place of their keys, without what is absent."""
    numbers = {step.key: str(number) for number, step in enumerate(graph.steps)}

    def convert(value: Any) -> Any:
        if isinstance(value, Mapping):
            items = {key: convert(one) for key, one in value.items()}
            return {key: one for key, one in items.items() if one is not None and one not in ([], {})}
        if isinstance(value, (list, tuple)):
            return [convert(one) for one in value]
        return numbers.get(value, value) if isinstance(value, str) else value

    document: dict[str, Any] = convert(graph.to_json())
    for step, entry in zip(graph.steps, document["steps"], strict=True):
        for section in ("inputs", "outputs", "parameters"):
            assert list(getattr(step, section)) == list(entry.get(section, {}))
        if step.parallel_run is not None:  # the reader adds the folder, and a size is text or a number
            settings = entry["parallel_run"]
            settings["source_directory"] = step.source_directory
            settings["mini_batch_size"] = str(settings.get("mini_batch_size"))
    return document


def check_round_trip(graph: Graph, folder: Path) -> None:
    """Write a graph to a file of a folder, and check that the same is read from it."""
    file = folder / "written.yml"
    file.write_text(format_pipeline(graph, folder), encoding="utf-8")
    try:
        assert number_keys(read_pipeline_file(file, folder).graph) == number_keys(graph)
    finally:
        file.unlink()
