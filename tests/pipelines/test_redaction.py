from __future__ import annotations

from pathlib import Path

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.pipelines.graph import Graph
from mlrun_cli.pipelines.parameter_values import assign_parameters
from mlrun_cli.pipelines.redaction import find_secret_parameters, redact_graph
from tests.controller.pipeline_world import build_step


def test_references_to_secret_parameters_stay_and_secrets_in_words_do_not(tmp_path: Path) -> None:
    secret, key = {"parameter": "secret"}, {"step_parameter": "key"}
    arguments = [
        "--password",
        secret,
        {"join": ["--token=", key]},
        {"join": ["--api-key=sesame-1", secret]},
        "--lr",
        "1",
    ]
    step = build_step("a" * 8, "a", tmp_path, *arguments, parameters={"key": "sesame-2"})
    parameters = {"secret": {"type": "string", "default": "sesame-3"}}
    graph = Graph.from_json({"steps": [step], "parameters": parameters})

    redactor = Redactor()
    secrets = find_secret_parameters(graph, assign_parameters(graph, {}), redactor)
    document = redact_graph(graph, secrets, redactor).to_json()

    shown = ["--password", secret, {"join": ["--token=", key]}, "--api-key=***", "--lr", "1"]
    assert document["steps"][0]["arguments"] == shown
    assert document["steps"][0]["parameters"] == {"key": "***"}
    assert "sesame" not in str(document)
