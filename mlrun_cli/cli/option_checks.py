"""Refuse what a parser would take silently: an option as the value of another, a second value, an empty path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.errors import ConflictingOptions, InvalidValue, MissingOption

_PATHS = frozenset({"path", "file", "directory"})


def collect_typed_values(parser: Any, parameters: Sequence[Any], words: Sequence[str]) -> Mapping[str, Any]:
    """Return the typed values by name of parameter: a list for an option with values.

    Args:
        parser: Typer's, with the parameters; it is changed, to keep all values of an option instead of the last.
        parameters: of the command.
        words: what follows the command.
    """
    for parameter in parameters:
        if _takes_value(parameter):
            parser.add_option(parameter, parameter.opts, parameter.name, action="append", nargs=parameter.nargs)
    values, _, _ = parser.parse_args(list(words))
    return values  # type: ignore[no-any-return]


def check_typed_values(parameters: Sequence[Any], typed: Mapping[str, Any]) -> None:
    """Check the values typed for the parameters of a command.

    An option whose value was forgotten would take the next option for it. A second value that differs from the first
    would replace it; an empty path, as of a variable that a pipeline forgot to set, would be the current folder.

    Raises:
        MissingOption: the value of an option is another option, or is empty where a path is needed.
        ConflictingOptions: an option that takes one value has two.
    """
    names = frozenset(name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts))
    for parameter in parameters:
        if _takes_value(parameter):
            _check_option(parameter, typed.get(parameter.name) or (), names)
        elif typed.get(parameter.name) == "" and parameter.type.name in _PATHS:
            raise _build_empty_error(parameter)


def _check_option(parameter: Any, values: Sequence[str], names: frozenset[str]) -> None:
    name = _get_name(parameter)
    for value in values:
        if value.partition("=")[0] in names:
            raise MissingOption(
                f"{name} has no value: '{value}' is an option.", hint="Write its value after it.", target=name
            )
        if value == "" and parameter.type.name in _PATHS:
            raise _build_empty_error(parameter)
    different = list(dict.fromkeys(values))
    if len(different) > 1 and not parameter.multiple:
        raise ConflictingOptions(
            f"{name} is given twice: {different[0]!r} and {different[1]!r}.",
            hint="It takes one value: leave one of them out, or type the command once for each.",
            target=name,
        )


def _build_empty_error(parameter: Any) -> InvalidValue:
    name = _get_name(parameter)
    return InvalidValue(f"{name} is empty.", hint="Give it a path, or leave it out.", target=name)


def _takes_value(parameter: Any) -> bool:
    return parameter.param_type_name == "option" and not parameter.is_flag and not parameter.count


def _get_name(parameter: Any) -> str:
    """Return the long name of an option, or an argument as help shows it."""
    is_option = parameter.param_type_name == "option"
    return str(max(parameter.opts, key=len) if is_option else parameter.metavar)
