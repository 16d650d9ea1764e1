"""Checks for values that Typer accepts silently: another option as a value, a second value, an empty path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.errors import ConflictingOptions, InvalidValue, MissingOption

_PATHS = frozenset({"path", "file", "directory"})


def collect_given_values(
    parser: Any, parameters: Sequence[Any], arguments: Sequence[str]
) -> tuple[Mapping[str, Any], Sequence[str]]:
    """Parse a command line; return given values, keyed by parameter name, and the words that belong to no parameter.

    The values of options are lists, also of those that take one.

    Args:
        parser: Typer's parser of the command; it is changed to store all values of an option instead of the last.
        parameters: the parameters of the command.
        arguments: the words that follow the command.
    """
    for parameter in parameters:
        if _takes_value(parameter):
            parser.add_option(parameter, parameter.opts, parameter.name, action="append", nargs=parameter.nargs)
    values, words, _ = parser.parse_args(list(arguments))
    return values, words


def check_given_values(parameters: Sequence[Any], values: Mapping[str, Any]) -> None:
    """Raise if values given on the command line contain mistakes that Typer accepts.

    An option without its value would use the next option as its value. A second value that differs from the first
    would replace it. An empty path, as from a variable that a pipeline does not set, would mean the current folder.

    Raises:
        MissingOption: the value of an option is another option.
        InvalidValue: a path is empty.
        ConflictingOptions: an option that takes one value has two.
    """
    names = frozenset(name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts))
    for parameter in parameters:
        if _takes_value(parameter):
            _check_option(parameter, values.get(parameter.name) or (), names)
        elif values.get(parameter.name) == "" and parameter.type.name in _PATHS:
            raise _build_empty_path_error(parameter)


def _check_option(parameter: Any, values: Sequence[str], option_names: frozenset[str]) -> None:
    """Raise if an option's value is missing or an empty path, or if its values conflict."""
    name = _get_parameter_name(parameter)
    for value in values:
        if value.partition("=")[0] in option_names:
            raise MissingOption(
                f"{name} has no value: '{value}' is an option.", hint="Write its value after it.", target=name
            )
        if value == "" and parameter.type.name in _PATHS:
            raise _build_empty_path_error(parameter)
    different = list(dict.fromkeys(values))
    if len(different) > 1 and not parameter.multiple:
        raise ConflictingOptions(
            f"{name} is given twice: {different[0]!r} and {different[1]!r}.",
            hint="It takes one value: leave one of them out, or type the command once for each.",
            target=name,
        )


def _build_empty_path_error(parameter: Any) -> InvalidValue:
    name = _get_parameter_name(parameter)
    return InvalidValue(f"{name} is empty.", hint="Give it a path, or leave it out.", target=name)


def _takes_value(parameter: Any) -> bool:
    return parameter.param_type_name == "option" and not parameter.is_flag and not parameter.count


def _get_parameter_name(parameter: Any) -> str:
    """Return the long name of an option, or the name of an argument as shown in help."""
    is_option = parameter.param_type_name == "option"
    return str(max(parameter.opts, key=len) if is_option else parameter.metavar)
