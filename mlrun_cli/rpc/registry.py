"""The registry of handlers: `@handler("runs.get")` registers a function as the handler of that call.

A handler takes the `RequestContext` and, as keyword arguments, the arguments of the request, which are checked against
its annotations. It returns a JSON value.
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
    "pipeline_endpoints": "pipeline_endpoints",
    "pipelines": "pipelines",
    "run_files": "run_files",
    "runs": "runs",
    "schedules": "schedules",
    "studio": "studio",
    "submitting": "submit",
    "tracking": "tracking",
    "workspaces": "workspaces",
}
"""Modules of `handlers`, keyed by the nouns of calls; each is imported for its first request."""


class Handler:
    """The function that handles a call, and the types of its arguments.

    Attributes:
        call: the call that it handles.
        types: the types of all arguments, keyed by name.
        required: the names of the arguments without a default, in order.
        only_reads: whether it changes nothing in the workspace, which another host may then use at the same time.
    """

    def __init__(self, call: str, function: Callable[..., Any], *, only_reads: bool = False) -> None:
        """Compile the argument types from the function's signature.

        Raises:
            TypeError: an argument has no annotation, or one that is not the type of a JSON value.
        """
        code = function.__code__
        names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        with_default = code.co_varnames[code.co_argcount - len(function.__defaults__ or ()) : code.co_argcount]
        optional = {*with_default, *(function.__kwdefaults__ or ())}
        annotations = get_type_hints(function)
        self.call = call
        self.types: Mapping[str, ArgumentType] = {name: compile_type(annotations.get(name)) for name in names}
        self.required = tuple(name for name in names if name not in optional)
        self.only_reads = only_reads
        self._function = function

    def call_function(self, context: RequestContext, arguments: Mapping[str, Any]) -> Any:
        """Check the arguments, call the function and return its result as a JSON-compatible value.

        Raises:
            BadRequest: an argument is missing, unknown or of a wrong type.
            MlrunError: the function raised it.
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


def handler(call: str, *, only_reads: bool = False) -> Callable[[F], F]:
    """Return a decorator that registers a function as the handler of a call; see `Handler` for `only_reads`."""

    def register(function: F) -> F:
        if call in _handlers:
            raise ValueError(f"{call} has two handlers")
        _handlers[call] = Handler(call, function, only_reads=only_reads)
        return function

    return register


def get_handler(call: str) -> Handler:
    """Return the handler of a call, importing its module if needed.

    Raises:
        BadRequest: the call has no handler.
    """
    module = _MODULES.get(call.partition(".")[0])
    if module is not None:
        importlib.import_module(f"mlrun_cli.rpc.handlers.{module}")
    found = _handlers.get(call)
    if found is None:
        raise BadRequest(f"mlrun-cli {__version__} has no call '{call}'.", hint=_OTHER_VERSION)
    return found


def list_handlers() -> list[Handler]:
    """Import all modules of handlers, and return the handlers of all calls, sorted by call."""
    for module in _MODULES.values():
        importlib.import_module(f"mlrun_cli.rpc.handlers.{module}")
    return sorted(_handlers.values(), key=lambda each: each.call)
