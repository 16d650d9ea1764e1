"""The registry of handlers: `@handler("runs.get")` makes a function the one that handles this call.

A handler takes the `RequestContext`, and by name the arguments of the request, checked against its annotations. Its
result is JSON.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from reprlib import repr as short_repr
from typing import Any, TypeVar, get_type_hints

from mlrun_cli import __version__
from mlrun_cli.errors import BadRequest
from mlrun_cli.rpc.argument_types import ArgumentType, compile_type
from mlrun_cli.rpc.context import RequestContext

F = TypeVar("F", bound=Callable[..., Any])

_MODULES: Mapping[str, str] = {
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
"""Modules of `handlers`, by the nouns of calls; each is imported for its first request."""


class Handler:
    """The function that handles a call, and the types of its arguments.

    Attributes:
        call: the call that it handles.
        types: the types of all arguments, by name.
        required: names of those without a default, in their order.
    """

    def __init__(self, call: str, function: Callable[..., Any]) -> None:
        """Read the signature.

        Raises:
            TypeError: an argument has no annotation, or one that no JSON value has.
        """
        code = function.__code__
        names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        with_default = code.co_varnames[code.co_argcount - len(function.__defaults__ or ()) : code.co_argcount]
        optional = {*with_default, *(function.__kwdefaults__ or ())}
        annotations = get_type_hints(function)
        self.call = call
        self.types: Mapping[str, ArgumentType] = {name: compile_type(annotations.get(name)) for name in names}
        self.required = tuple(name for name in names if name not in optional)
        self._function = function

    def handle(self, context: RequestContext, arguments: Mapping[str, Any]) -> Any:
        """Check the arguments and return the result, as JSON.

        Raises:
            BadRequest: an argument is missing, unknown or of a wrong type.
            MlrunError: what the handler raises.
        """
        for name, value in arguments.items():
            kind = self.types.get(name)
            if kind is None:
                raise BadRequest(
                    f"{self.call} has no argument '{name}' in mlrun-cli {__version__}.", hint=_OTHER_VERSION
                )
            if not kind.accepts(value):
                raise BadRequest(f"{self.call}: {name} must be {kind.noun}, not {short_repr(value)}.")
        missing = [name for name in self.required if name not in arguments]
        if missing:
            raise BadRequest(f"{self.call} needs the argument '{missing[0]}'.", hint=_OTHER_VERSION)
        return self._function(context, **arguments)


_OTHER_VERSION = "The azureml that made this call is of another version: submit the script again."
_handlers: dict[str, Handler] = {}


def handler(call: str) -> Callable[[F], F]:
    """Register the decorated function as the handler of a call."""

    def register(function: F) -> F:
        if call in _handlers:
            raise ValueError(f"{call} has two handlers")
        _handlers[call] = Handler(call, function)
        return function

    return register


def get_handler(call: str) -> Handler:
    """Return the handler of a call.

    Raises:
        BadRequest: there is none.
    """
    module = _MODULES.get(call.partition(".")[0])
    if module is not None:
        importlib.import_module(f"mlrun_cli.rpc.handlers.{module}")
    found = _handlers.get(call)
    if found is None:
        raise BadRequest(f"mlrun-cli {__version__} has no call '{call}'.", hint=_OTHER_VERSION)
    return found


def list_handlers() -> list[Handler]:
    """Return the handlers of all calls, by their names."""
    for module in _MODULES.values():
        importlib.import_module(f"mlrun_cli.rpc.handlers.{module}")
    return sorted(_handlers.values(), key=lambda each: each.call)
