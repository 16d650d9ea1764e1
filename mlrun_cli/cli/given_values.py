"""What is refused as a command line is read: a second value of an option that takes one, a path that is empty."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mlrun_cli.errors import UsageError

_PATHS = frozenset({"path", "file", "directory"})


def watch_values(parser: Any) -> None:
    """Have a parser of Typer's refuse what it would take silently.

    A second value that differs from the first would replace it; an empty path, as of a variable that a pipeline forgot
    to set, would be the current folder.
    """
    options = {*parser._short_opt.values(), *parser._long_opt.values()}
    for option in (*options, *parser._args):
        option.process = partial(_process, option.process, option)


def _process(process: Callable[[Any, Any], None], option: Any, value: Any, state: Any) -> None:
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
