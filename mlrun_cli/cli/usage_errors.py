"""Conversion of Typer's exceptions to errors of this program, based on their fields instead of their texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperGroup

from mlrun_cli.cli.abbreviation import find_option_names
from mlrun_cli.cli.command import describe_run_option
from mlrun_cli.cli.synonyms import find_option_by_synonym
from mlrun_cli.core.names import quote_shortened
from mlrun_cli.errors import InvalidValue, MissingOption, OptionNotFound, UnexpectedArgument, UsageError

_NAME_THE_RUN = "Name the run with -r, as in '-r @latest'. "
_FILE_OPTIONS = frozenset({"--file", "--hyperdrive-configuration-name", "--pipeline-yaml", "--schedule-yaml"})
"""Options that name the file that a command is about, which is often written without them."""
_FILE_SUFFIXES = (".json", ".yaml", ".yml")


def to_usage_error(
    error: typer.TyperException, context: Any, values: Mapping[str, Any], words: Sequence[str]
) -> UsageError:
    """Return the error to show for an exception of Typer's parser.

    Args:
        error: the exception that was raised.
        context: Typer's context of the command.
        values: the values that were typed, keyed by parameter name.
        words: the words that were typed and belong to no option.
    """
    parameter = getattr(error, "param", None)
    if hasattr(error, "possibilities"):
        return _build_unknown_option_error(
            context, getattr(error, "option_name", ""), getattr(error, "possibilities", None) or ()
        )
    if hasattr(error, "option_name"):
        return _build_misused_option_error(context, error.option_name)
    if parameter is not None and hasattr(error, "param_type"):
        return _build_missing_parameter_error(context, parameter, _describe_file_option(context, words, values))
    if parameter is not None:
        return _build_invalid_value_error(context, parameter, values.get(parameter.name))
    return UsageError(error.format_message(), hint=format_help_reference(context))


def build_unexpected_arguments_error(
    context: Any, arguments: Sequence[str], values: Mapping[str, Any]
) -> UnexpectedArgument:
    """Return the error for additional arguments that a command does not accept.

    Args:
        context: Typer's context of the command.
        arguments: the additional arguments.
        values: the values that were typed, keyed by parameter name.
    """
    run_option = next((each for each in context.command.params if "-r" in each.opts), None)
    advice = _describe_file_option(context, arguments, values)
    if not advice and run_option is not None:
        given = values.get(run_option.name) or ()
        advice = describe_run_option(given, arguments[0], is_list=run_option.multiple) if given else _NAME_THE_RUN
    shown = " ".join(arguments)
    return UnexpectedArgument(
        f"Unexpected argument{'' if len(arguments) == 1 else 's'} {quote_shortened(shown)}.",
        hint=f"{advice}{format_help_reference(context)}",
        target=shown,
    )


def _describe_file_option(context: Any, words: Sequence[str], values: Mapping[str, Any]) -> str:
    """Return advice to write an option before a file that was named without it, or an empty string."""
    parameters = context.command.get_params(context)
    script_words = [values.get(each.name) or () for each in parameters if each.param_type_name == "argument"]
    typed = [*words, *(given[0] for given in script_words if isinstance(given, (list, tuple)) and given)]
    file = next((word for word in typed if str(word).lower().endswith(_FILE_SUFFIXES)), None)
    for each in parameters:
        if file is not None and not values.get(each.name) and not _FILE_OPTIONS.isdisjoint(each.opts):
            return f"Name the file with {min(each.opts, key=len)}, as in '{min(each.opts, key=len)} {file}'. "
    return ""


def format_help_reference(context: Any) -> str:
    """Return a sentence that refers to a command's help."""
    return f"See '{context.command_path} -h'."


def get_parameter_name(parameter: Any) -> str:
    """Return the long name of an option, or the name of an argument as shown in help."""
    is_option = parameter.param_type_name == "option"
    return str(max(parameter.opts, key=len) if is_option else parameter.metavar or parameter.name.upper())


def _build_unknown_option_error(context: Any, option: str, possibilities: Sequence[str]) -> OptionNotFound:
    """Return the error for an unknown option, with a hint on options of similar names."""
    parameters = context.command.get_params(context)
    begun = find_option_names(parameters, option) if option.startswith("--") else []
    similar = [each for each in possibilities if get_close_matches(option.lstrip("-"), [each.lstrip("-")])][:1]
    meant = begun or _find_synonym(parameters, option) or similar
    guess = f"Did you mean {' or '.join(map(repr, meant))}? " if meant else ""
    takes_script = not context.allow_interspersed_args and not isinstance(context.command, TyperGroup)
    follows_dashes = any((each.metavar or "").startswith("[--") for each in parameters)
    place = "'--'" if follows_dashes else "its name"
    is_module = takes_script and option == "-m" and not follows_dashes
    of_module = "To start a module, write --command python -m MODULE. " if is_module else ""
    of_script = f"Options of the script come after {place}. " if takes_script else ""
    return OptionNotFound(
        f"'{context.command_path}' has no option '{option}'.",
        hint=f"{guess}{of_module}{of_script}{format_help_reference(context)}",
        target=option,
    )


def _find_synonym(parameters: Iterable[Any], option: str) -> list[str]:
    """Return the name, as short as the typed one, of the option that other programs call so, or an empty list."""
    by_name = {name: each for each in parameters if not getattr(each, "hidden", False) for name in each.opts}
    found = find_option_by_synonym(option, by_name)
    if found is None:
        return []
    return [found if option.startswith("--") else min(by_name[found].opts, key=len)]


def _build_misused_option_error(context: Any, name: str) -> UsageError:
    """Return the error for an option without its value, or for a flag with one."""
    parameters = context.command.get_params(context)
    is_flag = any(name in (*each.opts, *each.secondary_opts) and getattr(each, "is_flag", False) for each in parameters)
    if is_flag:
        return InvalidValue(
            f"{name} takes no value.", hint=f"Leave it out. {format_help_reference(context)}", target=name
        )
    return MissingOption(f"{name} needs a value.", hint=format_help_reference(context), target=name)


def _build_missing_parameter_error(context: Any, parameter: Any, advice: str) -> MissingOption:
    if "-r" in parameter.opts:
        return MissingOption(
            "No run is named.", hint=f"{_NAME_THE_RUN}{format_help_reference(context)}", target="--run"
        )
    names = "/".join(sorted(parameter.opts, key=len)) if parameter.param_type_name == "option" else ""
    name = names or get_parameter_name(parameter)
    return MissingOption(
        f"{name} is missing.", hint=f"{advice}{format_help_reference(context)}", target=get_parameter_name(parameter)
    )


def _build_invalid_value_error(context: Any, parameter: Any, value: Any) -> InvalidValue:
    name = get_parameter_name(parameter)
    wanted = _describe_value_type(parameter.type)
    return InvalidValue(
        f"{name}: {quote_shortened(_get_refused_value(value, parameter.type))} is not {wanted}.",
        hint=format_help_reference(context),
        target=name,
    )


def _describe_value_type(kind: Any) -> str:
    """Return a description of the values that a parameter accepts, such as `a whole number of at least 1`."""
    choices = [str(getattr(each, "value", each)) for each in getattr(kind, "choices", ())]
    if choices:
        return " or ".join([", ".join(choices[:-1]), choices[-1]] if len(choices) > 1 else choices)
    least, most = getattr(kind, "min", None), getattr(kind, "max", None)
    what = "a whole number" if "int" in kind.name else "a number" if "float" in kind.name else f"a {kind.name}"
    if least is not None and most is not None:
        return f"{what} from {least} to {most}"
    if least is not None:
        return f"{what} of at least {least}"
    return what if most is None else f"{what} of at most {most}"


def _get_refused_value(value: Any, kind: Any) -> str:
    """Return the rejected value as text: of several values, the first one that the parameter's type rejects."""
    if not isinstance(value, (list, tuple)):
        return str(value)
    for each in value:
        try:
            kind.convert(each, None, None)
        except typer.TyperException:
            return str(each)
    return str(value[-1]) if value else ""
