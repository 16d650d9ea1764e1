"""Answers any question: finds the function that knows, and gives errors the names that `azureml` has for them.

    {"call": "runs.get", "workspace": [subscription, group, name], "arguments": {"run_id": …}}
    {"result": …}  or  {"error": {"type": "UserErrorException", "message": …}}

`runs.get` is the function that `mlrun_cli.rpc.handlers.runs.CALLS` has under `get`; it is called with the `Place` and
the arguments by name, and what it returns is JSON.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from mlrun_cli.errors import MlrunError
from mlrun_cli.rpc.context import Place
from mlrun_cli.rpc.errors import refusal
from mlrun_cli.workspace import WorkspaceIdentity

HANDLERS = {
    "computes": "compute_targets",
    "datasets": "datasets",
    "documents": "documents",
    "environments": "environments",
    "experiments": "experiments",
    "models": "models",
    "run_files": "run_files",
    "runs": "runs",
    "submitting": "submit",
    "workspaces": "workspaces",
}
"""The modules of `handlers`, by the words of the protocol, which older scripts' SDKs speak too."""


def answer(place: Place, question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a question, whatever it is; never raises but for what ends a program."""
    try:
        names = question.get("workspace")
        place.turn_to(None if names is None else WorkspaceIdentity(*names))
        function = _function(question["call"])
        return {"result": function(place, **question.get("arguments", {}))}
    except Exception as error:  # the question is from outside, and no question may end who answers
        return refusal(error)


def _function(call: str) -> Any:
    module, _, name = call.partition(".")
    known = HANDLERS.get(module)
    found = None if known is None else importlib.import_module(f"mlrun_cli.rpc.handlers.{known}").CALLS.get(name)
    if found is None:
        raise MlrunError(f"This version of mlrun-cli does not know '{call}'.")
    return found
