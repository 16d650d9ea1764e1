"""Plain lines mean the same to their own parser as to Typer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.cli.command import CommandParameters, Declaration, Invocation
from mlrun_cli.cli.command_groups import COMMAND_GROUPS, COMMANDS, TOP_LEVEL_GROUPS, find_declaration, import_group
from mlrun_cli.cli.declarations import HELP_OPTIONS, REQUIRED, Argument, CommandParameter
from mlrun_cli.cli.plain_lines import NotPlain, parse_without_typer
from mlrun_cli.cli.typer_command import Command, build_command
from mlrun_cli.errors import MlrunError

Words = Sequence[str]

ALL = {
    f"{name} {subcommand}": declaration
    for name in (*COMMAND_GROUPS, *TOP_LEVEL_GROUPS, *COMMANDS)
    for subcommand, declaration in import_group(name).commands.items()
}
TEXTS = ["", "-5", "-", "--", "é ß", "a=b", "=", "--no-such=1", "\udcff", " x "]
NUMBERS = ["0", "3", "07", "-1", "+2", " 7 ", "1_0", "٣", "²", "x", "", "9" * 20, "9" * 5000]
FLOATS = [*NUMBERS, "0.5", ".5", "1.", ".", "1.2.3", "1e3", "nan", "inf", "-0.1"]
PATHS = ["", ".", "/", "no such/file", "~", "-", "a=b"]


def parse_plainly(declaration: Declaration, words: Words) -> Mapping[str, Any] | None:
    """Return the values of parameters, or None if the line is not plain."""
    try:
        return parse_without_typer(declaration.read_parameters().all_parameters, words, has_script=declaration.script)
    except NotPlain:
        return None


class TyperParser:
    """Typer's parser of one command, which only returns the values of its parameters."""

    def __init__(self, declaration: Declaration) -> None:
        self._values: Mapping[str, Any] = {}
        self._command: Command = build_command(declaration, "subcommand", run_declaration=self._keep)

    def _keep(
        self, _declaration: Declaration, _parameters: CommandParameters, values: Mapping[str, Any], _: Invocation
    ) -> int:
        self._values = values
        return 0

    def parse(self, words: Words) -> Mapping[str, Any] | None:
        """Return the values of parameters, or None if the line is wrong."""
        try:
            with self._command.make_context("subcommand", list(words), help_option_names=list(HELP_OPTIONS)) as context:
                self._command.invoke(context)
        except MlrunError:
            return None
        return self._values


@cache
def typer_parser(name: str) -> TyperParser:
    return TyperParser(ALL[name])


def describe(values: Mapping[str, Any] | None) -> Any:
    """Return the values with their types: 1 and True, or a text and an enumeration's member, are equal."""
    return None if values is None else {name: (type(value), repr(value)) for name, value in values.items()}


def good_value(parameter: CommandParameter) -> str:
    """Return a value that a parameter accepts."""
    if issubclass(parameter.kind, Enum):
        return str(list(parameter.kind)[-1].value)
    least = getattr(parameter.declared, "min", None)
    return str(int(least or 1)) if parameter.kind in (int, float) else "good"


def write_parameter(parameter: CommandParameter, value: str) -> list[str]:
    """Return the words that give a parameter a value."""
    if isinstance(parameter.declared, Argument):
        return [value]
    return [parameter.option_names[0], *([] if parameter.kind is bool else [value])]


def write_required(parameters: Sequence[CommandParameter], *others: CommandParameter) -> tuple[list[str], list[str]]:
    """Return the words for the required options and for the required arguments, except some."""
    needed = [each for each in parameters if each.default is REQUIRED and each not in others]
    options = [word for each in needed if each.option_names for word in write_parameter(each, good_value(each))]
    return options, [good_value(each) for each in needed if not each.option_names]


def bad_values(parameter: CommandParameter) -> Sequence[str]:
    kind: Any = parameter.kind
    if issubclass(kind, Enum):
        values = [str(each.value) for each in kind]
        return [*values, values[0].upper(), f" {values[0]}", "", "nothing"]
    return {str: TEXTS, int: NUMBERS, float: FLOATS, Path: PATHS, bool: ["x", ""]}[kind]


def odd_lines(declaration: Declaration, parameters: Sequence[CommandParameter]) -> Iterator[list[str]]:
    """Yield lines in which one parameter has values that a parser might take for something else."""
    every = declaration.read_parameters().all_parameters
    names = [name for parameter in every for name in parameter.option_names]
    for parameter in parameters:
        options, arguments = write_required(every, parameter)
        good = good_value(parameter)
        for value in (good, *bad_values(parameter), "-h", "--help", names[0], f"{names[0]}=x"):
            if not parameter.option_names:
                yield [*options, value, *arguments]
                yield [*options, "--", value, *arguments]
            for name in parameter.option_names:
                yield [*options, name, value, *arguments]
                yield [*options, f"{name}={value}", *arguments]
        for name in parameter.option_names:
            yield [*options, f"{name}{good}", *arguments]
            yield [*options, name, good, *arguments, name, good]
            yield [*options, name, good, name, "other", *arguments]
            yield [*options, *arguments, name]
            yield [*options, name[:-1], good, *arguments]
            yield [*options, name.upper(), good, *arguments]
            yield [*options, f"--no-{name.lstrip('-')}", *arguments]


def whole_lines(declaration: Declaration) -> Iterator[list[str]]:
    """Yield lines whose words after the options might be taken for something else."""
    options, arguments = write_required(declaration.read_parameters().all_parameters)
    yield from ([], options, arguments, [*options, *arguments], [*arguments, *options])
    for words in (
        ["x"],
        ["x", "y", "z"],
        ["train.py", "--lr", "0.1", "--", "-o", "json", "--help", "-"],
        ["--", "train.py", "--", "-h"],
        ["--", "-o", "json"],
        ["--"],
        ["-"],
        ["-o", "json", "x", "-o", "json"],
        ["-o", "json", "x", "-o", "tsv"],
        ["x", "-o", "table", "[].y"],
        ["-h"],
        ["x", "--help"],
        ["--version"],
        ["--verbose", "--debug", "--only-show-errors", "-w", "a", "-g", "b", "--query", "[]", "--path", ".."],
    ):
        yield [*options, *arguments, *words]
        yield [*words, *options, *arguments]


@pytest.mark.parametrize("name", ALL)
def test_each_option_of_each_command_is_plain(name: str) -> None:
    parameters = ALL[name].read_parameters()
    for parameter in parameters.all_parameters:
        options, arguments = write_required(parameters.all_parameters, parameter)
        typed = write_parameter(parameter, good_value(parameter))
        words = [*options, *typed, *arguments] if parameter.option_names else [*options, *arguments, *typed]
        if isinstance(parameter.declared, Argument) and parameter.default is REQUIRED:
            words = [*options, *typed, *arguments]
        plain = parse_plainly(ALL[name], words)
        assert plain is not None, words
        assert describe(plain) == describe(typer_parser(name).parse(words)), words


@pytest.mark.parametrize("name", ALL)
def test_a_plain_line_means_the_same_to_typer(name: str) -> None:
    parameters = ALL[name].read_parameters()
    tested = parameters.all_parameters if name in ("run list", "run submit-script") else parameters.own.parameters
    for words in (*whole_lines(ALL[name]), *odd_lines(ALL[name], tested)):
        plain = parse_plainly(ALL[name], words)
        if plain is not None:
            assert describe(plain) == describe(typer_parser(name).parse(words)), words


def test_the_words_of_a_script_are_its_own() -> None:
    script = ["train.py", "--lr", "0.1", "--help", "--", "-o", "json", ""]
    values = parse_plainly(ALL["run submit-script"], ["--async", *script])
    assert values is not None
    assert (values["script_and_arguments"], values["is_async"], values["output"]) == (script, True, None)


@pytest.mark.parametrize("name", ALL)
def test_a_line_names_the_same_command_with_and_without_typer(name: str) -> None:
    words = name.split()
    line = words[:1] if words[0] in COMMANDS else words
    assert find_declaration([*line, "-o", "json"]) == (ALL[name], ["-o", "json"])
    under_ml = find_declaration(["ml", *line])
    assert (under_ml is not None) == (words[0] in COMMAND_GROUPS)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-h",
        "--version",
        "help run",
        "ml",
        "ml ml run list",
        "run",
        "run -h",
        "run help list",
        "run lst",
        "-o json run list",
        "computetarget attach",
        "computetarget create aks",
        "az login",
        "login",
    ],
)
def test_other_lines_are_left_to_typer(line: str) -> None:
    assert find_declaration(line.split()) is None
