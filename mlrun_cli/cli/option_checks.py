"""What is refused as a command line is read: an option as the value of another, a second value, an empty path."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mlrun_cli.errors import UsageError

_PATHS = frozenset({"path", "file", "directory"})


def watch_values(parser: Any) -> None:
    """Have a parser of Typer's refuse what it would take silently.

    An option whose value was forgotten would take the next option for it. A second value that differs from the first
    would replace it; an empty path, as of a variable that a pipeline forgot to set, would be the current folder.
    """
    names = frozenset((*parser._short_opt, *parser._long_opt))
    for option in {*parser._short_opt.values(), *parser._long_opt.values()}:
        option.process = partial(_process, option.process, option, names)
    for argument in parser._args:
        argument.process = partial(_process, argument.process, argument, frozenset())


def _process(process: Callable[[Any, Any], None], option: Any, names: frozenset[str], value: Any, state: Any) -> None:
    if isinstance(value, str) and value.partition("=")[0] in names:
        raise UsageError(f"{_name(option)} has no value: '{value}' is an option.", hint="Write its value after it.")
    if value == "" and option.obj.type.name in _PATHS:
        raise UsageError(f"{_name(option)} is empty.", hint="Give it a path, or leave it out.")
    before = state.opts.get(option.dest, value)
    if before != value and getattr(option, "action", None) == "store":
        raise UsageError(
            f"{_name(option)} is given twice: {before!r} and {value!r}.",
            hint="It takes one value: leave one of them out, or type the command once for each.",
        )
    process(value, state)


def _name(option: Any) -> str:
    """The long name of an option, or an argument as help shows it."""
    is_option = option.obj.param_type_name == "option"
    return str(max(option.obj.opts, key=len) if is_option else option.obj.metavar)
