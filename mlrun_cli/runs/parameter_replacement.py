"""Replacement of parameters in a script's arguments, preserving the spelling of each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlrun_cli.errors import InvalidValue
from mlrun_cli.runs.parameters import (
    FALSE,
    TRUE,
    ParameterWords,
    build_flag,
    invert_boolean,
    iterate_parameter_words,
    parse_number,
)

POSITIONAL = r"arg\d+"
"""The names of parameters that are words without one."""
_END_OF_OPTIONS = "--"
_ADDS, _FORCES, _DELETES = "+", "++", "~"
"""How Hydra's assignments begin that add a key, set it whether it is there or not, or delete it."""
_DELETION = r"(?s)~(?P<key>[^\W\d][\w.@:/-]*)(?:=.*)?"


def replace_parameter(arguments: Sequence[str], name: str, value_text: str) -> list[str] | None:
    """Return the arguments with a parameter's value replaced, or None if they do not contain the parameter.

    The last pair with the name is replaced, because it is the one that counts. A flag that becomes false is left out,
    wherever it stands, and earlier words that say false, such as `--no-NAME`, stay. `+name` and `++name` are Hydra's:
    only an assignment is replaced then, by `++name` as it is. So is Hydra's `~name`, which deletes what an assignment
    would set: an assignment takes its place.
    """
    words = list(arguments)
    found, deletions = _list_parameter_words(words, name), _list_deletions(words, name)
    if not found:
        return _replace_deletions(words, deletions, name, value_text) if deletions else None
    last = found[-1]
    if name.startswith(_FORCES):
        replacement = [f"{name}={value_text}"]
    else:
        replacement = _format_parameter(words[last.start : last.end], last, value_text)
    if not replacement:
        return _remove_words(words, [each for each in found if each.text != FALSE])
    words[last.start : last.end] = replacement
    is_assignment = not words[last.start].startswith("-") and "=" in words[last.start]
    return _remove_words(words, deletions) if is_assignment else words


def _list_deletions(arguments: Sequence[str], name: str) -> list[ParameterWords]:
    """Return the words by which Hydra deletes the key that a name with or without a sign stands for."""
    found = ((each, re.fullmatch(_DELETION, arguments[each.start])) for each in iterate_parameter_words(arguments))
    key = name.lstrip(_ADDS + _DELETES)
    return [each for each, deletion in found if deletion is not None and deletion["key"] == key]


def _replace_deletions(
    arguments: Sequence[str], deletions: Sequence[ParameterWords], name: str, value_text: str
) -> list[str]:
    """Return the arguments with an assignment, or another deletion, in the place of the last deletion of its key."""
    words = list(arguments)
    assigned = name if name.startswith((_FORCES, _DELETES)) else name.lstrip(_ADDS)
    is_bare = name.startswith(_DELETES) and value_text == TRUE
    words[deletions[-1].start] = name if is_bare else f"{assigned}={value_text}"
    return _remove_words(words, deletions[:-1])


def set_negation(arguments: Sequence[str], name: str, value_text: str) -> list[str] | None:
    """Return the arguments with the flag `--no-NAME` set or removed, or None if they have no boolean parameter NAME.

    Args:
        arguments: the arguments.
        name: the name of the parameter, without `no-`.
        value_text: `true` for `--no-NAME`, which replaces `--NAME`; `false` to leave it out. A value is inverted.
    """
    found = _list_parameter_words(arguments, name)
    if not found or found[-1].text not in {TRUE, FALSE}:
        return None
    if arguments[found[-1].start] == build_negation(name):
        if value_text == TRUE:
            return list(arguments)
        return _remove_words(arguments, [each for each in found if each.text == FALSE])
    if value_text == FALSE or find_flag(arguments, name) is None:
        return replace_parameter(arguments, name, invert_boolean(value_text))
    words = list(arguments)
    words[found[-1].start] = build_negation(name)
    return words


def build_negation(name: str) -> str:
    """Return the flag `--no-NAME`, which makes a parameter false."""
    return f"--no-{name}"


def _remove_words(arguments: Sequence[str], parameters: Sequence[ParameterWords]) -> list[str]:
    """Return the arguments without the words that belong to the given parameters."""
    words = list(arguments)
    for each in reversed(parameters):
        del words[each.start : each.end]
    return words


def find_flag(arguments: Sequence[str], name: str) -> str | None:
    """Return the option, as spelled in the arguments, that sets a parameter to true, or None if no flag does."""
    found = _list_parameter_words(arguments, name)
    if not found or found[-1].end - found[-1].start > 1 or found[-1].text != TRUE:
        return None
    word = arguments[found[-1].start]
    return word if word.startswith("-") and "=" not in word else None


def has_parameter(arguments: Sequence[str], name: str) -> bool:
    """Return whether the arguments contain this parameter, with a value or as a flag."""
    return bool(_list_parameter_words(arguments, name))


def has_value(arguments: Sequence[str], name: str) -> bool:
    """Return whether the arguments contain this parameter with a value, i.e. not as a flag."""
    found = _list_parameter_words(arguments, name)
    return bool(found) and find_flag(arguments, name) is None and arguments[found[-1].start] != build_negation(name)


def _list_parameter_words(arguments: Sequence[str], name: str) -> list[ParameterWords]:
    found = [each for each in iterate_parameter_words(arguments) if each.name == name.lstrip(_ADDS)]
    if not name.startswith(_ADDS):
        return found
    return [each for each in found if "=" in arguments[each.start] and not arguments[each.start].startswith("-")]


def append_parameter(arguments: Sequence[str], name: str, value_text: str) -> list[str]:
    """Return the arguments with a parameter added as others are: `--lr 0.1`, `--lr=0.1`, `-p lr 0.1`, `lr=0.1`.

    Raises:
        InvalidValue: the name is that of a positional argument.
    """
    if re.fullmatch(POSITIONAL, name):
        raise InvalidValue(
            f"The run has no positional argument '{name}'.",
            hint="Write all of its arguments after '--'.",
            target=name,
        )
    words = list(arguments)
    found = list(iterate_parameter_words(words))
    pairs = [words[each.start : each.end] for each in found]
    with_names = [pair[0] for pair, each in zip(pairs, found, strict=True) if _is_option_with_name(pair, each)]
    options = [pair for pair in pairs if pair[0].startswith("-")]
    is_hydra = any("=" in pair[0] or re.fullmatch(_DELETION, pair[0]) for pair in pairs)
    if name.startswith((_ADDS, _DELETES)) or (not options and is_hydra):
        added = [f"{name}={value_text}"]
    elif with_names:
        added = [with_names[-1], name, value_text]
    elif options and all("=" in pair[0] for pair in options):
        added = [f"--{name}={value_text}"]
    else:
        is_short = len(name) == 1 and any(re.match(r"-[^-]", pair[0]) for pair in options)
        added = _format_option(f"-{name}" if is_short else f"--{name}", [value_text])
    return _insert_options(words, added)


def append_flag(arguments: Sequence[str], name: str) -> list[str]:
    """Return the arguments with a flag appended, as `build_flag` spells its name."""
    return _insert_options(arguments, [build_flag(name)])


def _insert_options(arguments: Sequence[str], options: Sequence[str]) -> list[str]:
    """Return the arguments with options inserted after the other options and before the `--` that ends them."""
    place = arguments.index(_END_OF_OPTIONS) if _END_OF_OPTIONS in arguments else len(arguments)
    return [*arguments[:place], *options, *arguments[place:]]


def _format_parameter(arguments: Sequence[str], parameter: ParameterWords, value_text: str) -> list[str]:
    """Return the command-line words that set a parameter to a new value, in the style of the existing words."""
    first = arguments[0]
    if re.fullmatch(POSITIONAL, parameter.name) and len(arguments) == 1 and first == parameter.text:
        return [value_text]
    if _is_option_with_name(arguments, parameter):
        return [*arguments[:2], value_text]
    option = re.match(r"--?[^\W\d][\w.:/@-]*", first)
    if len(arguments) == 1 and "=" in first:
        return [f"{first.partition('=')[0]}={value_text}"]
    if option is None or (
        len(arguments) == 1 and first.endswith(parameter.text) and parameter.text not in {TRUE, FALSE}
    ):
        return [f"{first[:2]}{value_text}"] if parse_number(value_text) is not None else [first[:2], value_text]
    if len(arguments) == 1 and value_text in {TRUE, FALSE}:
        return _format_flag(first, parameter, value_text)
    is_list = len(arguments) > 2 and all(parse_number(word) is not None for word in value_text.split())
    return _format_option(
        f"--{parameter.name}" if first.startswith("--no-") else first, value_text.split() if is_list else [value_text]
    )


def _is_option_with_name(arguments: Sequence[str], parameter: ParameterWords) -> bool:
    """Return whether the words of a parameter are an option, its name and its value, as in `-p lr 0.1`."""
    return len(arguments) == 3 and arguments[1] == parameter.name


def _format_flag(word: str, parameter: ParameterWords, value_text: str) -> list[str]:
    """Return the words that set a flag to a value: the flag as written, the flag without `no-`, or no words."""
    if value_text == parameter.text:
        return [word]
    return [f"--{parameter.name}"] if value_text == TRUE else []


def _format_option(option: str, values: Sequence[str]) -> list[str]:
    """Return the words of an option and its values; a value that looks like an option is joined with `=`."""
    if len(values) == 1 and values[0].startswith("-") and parse_number(values[0]) is None and option.startswith("--"):
        return [f"{option}={values[0]}"]
    return [option, *values]
