"""Graphs without the secrets that their arguments and variables may hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlrun_cli.core.redaction import Redaction
from mlrun_cli.pipelines.graph import Argument, Graph, Step

_REFERENCE = "\0"
"""What stands for a reference while a word is looked at: no argument holds it."""


def redact_graph(graph: Graph, redaction: Redaction) -> Graph:
    """Return a graph in which secrets are replaced; defaults of parameters are replaced by their names."""
    return graph._replace(
        steps=tuple(_redact_step(step, redaction) for step in graph.steps),
        parameters={
            name: one._replace(default=redaction.redact_setting(name, one.default))
            if isinstance(one.default, str)
            else one
            for name, one in graph.parameters.items()
        },
    )


def _redact_step(step: Step, redaction: Redaction) -> Step:
    def redact_document(document: Any) -> Any:
        return None if document is None else redaction.redact_document(document)

    return step._replace(
        arguments=_redact_words(step.arguments, redaction),
        command=_redact_words(step.command, redaction),
        parameters={
            key: redaction.redact_setting(key, value) if isinstance(value, str) else value
            for key, value in step.parameters.items()
        },
        environment_variables=redaction.redact_variables(step.environment_variables),
        runconfig=redact_document(step.runconfig),
        parallel_run=redact_document(step.parallel_run),
    )


def _redact_words(words: Sequence[Argument], redaction: Redaction) -> tuple[Argument, ...]:
    texts = ["".join(part if isinstance(part, str) else _REFERENCE for part in word) for word in words]
    shown = redaction.redact_arguments(texts)
    return tuple(
        word if text == before else (text.replace(_REFERENCE, ""),)
        for word, before, text in zip(words, texts, shown, strict=True)
    )
