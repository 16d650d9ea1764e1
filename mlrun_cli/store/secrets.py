"""What users write of their runs, models and data, as the database may hold it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeVar

from mlrun_cli.core.redaction import Redaction

_Value = TypeVar("_Value")


def hidden_text(text: str | None) -> str | None:
    """A name or a description with those secrets hidden that show by themselves."""
    return None if text is None else _redaction().text(text)


def hidden_pairs(pairs: Mapping[str, _Value]) -> dict[str, _Value]:
    """Tags or properties with the secrets in them hidden, by their keys too."""
    hidden: dict[str, _Value] = _redaction().document(pairs)
    return hidden


def hidden_error(error: Any) -> Any:
    """An error with the secrets in it hidden, those of this process's variables among them."""
    return _redaction().error(error)


def _redaction() -> Redaction:
    return Redaction.from_environment(os.environ)
