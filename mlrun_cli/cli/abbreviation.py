"""Abbreviation of long options, as in az: `--out` means `--output` unless other options also start with `--out`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

_OUTPUT = "--output"
"""Always meant by `--out`, as in Azure's documentation: a value for another option is rejected as not a format."""


def find_option_names(parameters: Iterable[Any], prefix: str) -> list[str]:
    """Return the long option names that start with a prefix, at most one positive and one negative name per option.

    Args:
        parameters: Typer's parameters of a command.
        prefix: the prefix, with its dashes.
    """
    found = (
        next((name for name in names if name.startswith(prefix)), None)
        for parameter in parameters
        for names in (parameter.opts, parameter.secondary_opts)
    )
    return [name for name in found if name is not None and name.startswith("--")]


def build_name_expander(parameters: Iterable[Any]) -> Callable[[str], str]:
    """Return a function that expands unambiguous abbreviations of option names without dashes; others are kept."""
    parameters = list(parameters)
    whole = {name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts)}

    def expand(name: str) -> str:
        if len(name) < 2 or f"--{name}" in whole:  # one letter is a short option's name
            return name
        begun = find_option_names(parameters, f"--{name}")
        meant = [_OUTPUT] if _OUTPUT in begun else begun
        return meant[0].removeprefix("--") if len(meant) == 1 else name

    return expand
