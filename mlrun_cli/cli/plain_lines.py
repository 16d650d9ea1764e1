"""The parser of plain command lines, which finds the same values as Typer's and loads in a twentieth of the time.

A line is plain if each option is written with one of its whole names and each value is well-formed. Any other line is
left to Typer, which parses it anew: abbreviated options, `-h`, and whatever is wrong, so that there is one source of
help and errors. What is not plain: `-rID`, numbers with anything but digits, files that cannot be read, a value that is
the name of an option, two values for an option that takes one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from mlrun_cli.cli.declarations import HELP_OPTIONS, REQUIRED, Argument, CommandParameter, Option

_MAX_DIGITS = 15
_ON, _OFF = "on", "off"


class NotPlain(Exception):
    """Raised if a command line has to be parsed by Typer."""


def parse_without_typer(
    parameters: Sequence[CommandParameter], command_arguments: Sequence[str], *, has_script: bool = False
) -> Mapping[str, Any]:
    """Return the values of a command's parameters, keyed by name, from a line that can be parsed without Typer.

    Args:
        parameters: the parameters of the command.
        command_arguments: the words that follow the command.
        has_script: whether the first word that is not an option, and all words after it, are arguments.

    Raises:
        NotPlain: the line is wrong, or only Typer understands it.
    """
    options = {name: parameter for parameter in parameters for name in parameter.option_names}
    switches = {name: parameter for parameter in parameters for name in parameter.off_names}
    names = {*options, *switches, *HELP_OPTIONS}
    typed: dict[str, list[str]] = {}
    arguments: list[str] = []
    at, end = 0, len(command_arguments)
    while at < end:
        word = command_arguments[at]
        at += 1
        if word == "--":
            arguments += command_arguments[at:]
            break
        if word == "-" or not word.startswith("-"):
            if has_script:
                arguments += command_arguments[at - 1 :]
                break
            arguments.append(word)
            continue
        name, equals, value = word.partition("=")
        option = options.get(name) or switches.get(name)
        if option is None or (equals and (option.kind is bool or not name.startswith("--"))):
            raise NotPlain
        if option.kind is bool:
            value = _OFF if name in switches else _ON
        elif not equals:
            if at == end:
                raise NotPlain
            value = command_arguments[at]
            at += 1
        if value.partition("=")[0] in names:
            raise NotPlain
        typed.setdefault(option.name, []).append(value)
    _distribute_arguments([each for each in parameters if isinstance(each.declared, Argument)], arguments, typed)
    return {parameter.name: _convert_texts(parameter, typed.get(parameter.name)) for parameter in parameters}


def _distribute_arguments(
    parameters: Sequence[CommandParameter], arguments: Sequence[str], texts_by_name: dict[str, list[str]]
) -> None:
    """Assign words to arguments, of which only the last may take several; raise NotPlain if words are left."""
    left = list(arguments)
    for parameter in parameters:
        count = len(left) if parameter.is_list else 1
        if left:
            texts_by_name[parameter.name] = left[:count]
        left = left[count:]
    if left:
        raise NotPlain


def _convert_texts(parameter: CommandParameter, texts: Sequence[str] | None) -> Any:
    """Return the value of a parameter, converted from the texts given for it, or its default if there are none."""
    if texts is None:
        return _convert_default(parameter)
    if parameter.is_list:
        return [_convert_text(parameter, text) for text in texts]
    if any(text != texts[0] for text in texts):
        raise NotPlain
    return _convert_text(parameter, texts[0])


def _convert_default(parameter: CommandParameter) -> Any:
    """Return the default value of a parameter; raise NotPlain if the parameter is required."""
    default = parameter.default
    if default is REQUIRED:
        raise NotPlain
    if isinstance(default, Path):
        return _check_path(default)
    return float(default) if parameter.kind is float and default is not None else default


def _convert_text(parameter: CommandParameter, text: str) -> Any:
    kind: Any = parameter.kind
    if kind is str:
        return text
    if kind is bool:
        return text == _ON
    if kind is Path:
        return _check_path(Path(text)) if text else _raise_not_plain()
    if issubclass(kind, Enum):
        return next((each for each in kind if each.value == text), None) or _raise_not_plain()
    digits = text.replace(".", "", 1) if kind is float else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS):
        raise NotPlain
    return _check_range(parameter.declared, kind(text))


def _raise_not_plain() -> Any:
    """Raise NotPlain, for use in expressions."""
    raise NotPlain


def _check_path(path: Path) -> Path:
    """Return a path; raise NotPlain if it is a file that cannot be read."""
    if not os.access(path, os.R_OK) and os.path.exists(path):
        raise NotPlain
    return path


def _check_range(option_or_argument: Option | Argument, number: float) -> float:
    """Return a number; raise NotPlain if it is not in the range of the option or argument."""
    least, most = getattr(option_or_argument, "min", None), getattr(option_or_argument, "max", None)
    if (least is not None and number < least) or (most is not None and number > most):
        raise NotPlain
    return number
