"""The arguments that pass sampled values to the script of a sweep's child run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from mlrun_cli.runs.parameters import build_flag, split_command

_HYDRA_PREFIXES = ("+", "~")


def add_values_to_arguments(
    arguments: Sequence[str], values: Mapping[str, Any], flags: Collection[str] = ()
) -> list[str]:
    """Return the arguments of a script with a run's parameter values put in their places or appended.

    A value replaces `{NAME}`, or the value of `NAME=…`, as Hydra writes it. Others follow: as `NAME=VALUE` if the name
    begins with `+` or `~`; otherwise as `build_arguments` has it. A parameter of `flags` is its option alone, or
    nothing; so is its `{NAME}`.
    """
    words = _fill_words(arguments, values, flags)
    for name in list_names_without_placeholder(arguments, values):
        if name in flags:
            words += [build_flag(name)] if values[name] else []
            continue
        text = format_value(values[name])
        place = max((place for place, word in enumerate(words) if word.startswith(f"{name}=")), default=None)
        if place is not None and not name.startswith("-"):
            words[place] = f"{name}={text}"
        elif name.startswith(_HYDRA_PREFIXES):
            words.append(f"{name}={text}")
        else:
            words += build_arguments({name: values[name]})
    return words


def add_values_to_command(
    command: Sequence[str] | str, values: Mapping[str, Any], flags: Collection[str] = ()
) -> tuple[str, ...] | str:
    """Return a command with a run's parameter values put in; in a shell command, only placeholders are replaced."""
    if isinstance(command, str):
        return _fill_placeholders(command, values, flags, is_shell_text=True)
    program, arguments = split_command(command)
    rest = {name: values[name] for name in list_names_without_placeholder(program, values)}
    return (*_fill_words(program, values, flags), *add_values_to_arguments(arguments, rest, flags))


def list_names_without_placeholder(words: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the names of the parameters that have no placeholder `{NAME}` in any word."""
    text = "\n".join(words)
    return [name for name in names if f"{{{name}}}" not in text]


def _fill_words(words: Sequence[str], values: Mapping[str, Any], flags: Collection[str]) -> list[str]:
    """Return words with their placeholders replaced, without words that are the placeholder of a flag set to false."""
    off = {f"{{{name}}}" for name in flags if name in values and not values[name]}
    return [_fill_placeholders(word, values, flags) for word in words if word not in off]


def _fill_placeholders(
    text: str, values: Mapping[str, Any], flags: Collection[str], *, is_shell_text: bool = False
) -> str:
    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name not in values:
            return match[0]
        if name in flags:
            return build_flag(name) if values[name] else ""
        value = format_value(values[name])
        return shlex.quote(value) if is_shell_text else value

    return re.sub(r"\{([^{}]+)\}", fill, text)


def build_arguments(values: Mapping[str, Any]) -> list[str]:
    """Return a run's parameter values as arguments of its script, such as `["--lr", "0.05", "--depth", "3"]`.

    Names are used as they stand; one without dashes gets two, as in Azure. Numbers keep all digits, lists and
    mappings are JSON.
    """
    words: list[str] = []
    for name, value in values.items():
        words += [build_option(name), format_value(value)]
    return words


def build_option(name: str) -> str:
    """Return the option for a parameter: its name, prefixed with two dashes unless it starts with a dash."""
    return name if name.startswith("-") else f"--{name}"


def format_value(value: object) -> str:
    """Return a parameter value as text for a command-line argument; lists and mappings become JSON."""
    return json.dumps(value) if isinstance(value, (list, tuple, dict)) else str(value)
