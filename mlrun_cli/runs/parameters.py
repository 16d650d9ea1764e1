"""The parameters of a run: the names and values of its script's arguments.

Options (`--lr 0.1`, `--lr=0.1`, `-b 32`, `-b32`) and assignments as Hydra reads them (`lr=0.1`, `+a.b=c`) are pairs; of
several pairs with one name, the last one counts. An option without a value is `true`, and `--no-NAME` without one
makes NAME `false`. An option that is repeated, each time with a name and a value, sets these, as papermill's does in
`-p lr 0.1 -p epochs 3`. Numbers after a number belong to the same option, as in `--layers 64 32`; any other word is
positional and is named by its place: `arg1`, `arg2`, …, as is Hydra's `~a.b`, even after an option. After `--` no word
is an option.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple

MAX_PARAMETERS = 1000
"""The maximum number of parameters of a run; further names are ignored."""
TRUE, FALSE = "true", "false"
ABSENT_FLAGS = "absentFlags"
"""The key in a run's definition of the flags, such as `--fp16`, that are off: its arguments leave them out."""

_LONGEST_NAME = 200
# Patterns are strings, which `re` compiles on first use and caches: most commands never need them.
_OPTION = r"(?s)--?(?P<name>[^\W\d][\w.:/@-]*)(?:=(?P<value>.*))?"
_JOINED = r"-(?P<name>[A-Za-z])(?P<value>\d.*)"
_ASSIGNMENT = r"(?s)\+{0,2}(?P<name>[^\W\d][\w.-]*(?:/[\w.-]+)*(?:@[\w.:/-]+)?)=(?P<value>(?!=).*)"
_PAIR_NAME = r"[^\W\d][\w.-]*"
_DELETION = r"(?s)~[^\W\d][\w.@-]*(?:=.*)?"
_NUMBER = r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_INTEGER = r"[+-]?\d+"
_OPERATOR = r"[();<>|&]+"
_SHELL_COMMANDS = frozenset({".", "cd", "echo", "export", "pushd", "set", "source", "ulimit", "umask", "unset"})
"""Commands of shells that prepare for a program or print a message."""
_VARIABLE = r"(?s)[A-Za-z_]\w*=.*"
_SCRIPT = r"[^-].*\.(?:py|sh|R|r|jl|pl|ipynb)"


class Parameter(NamedTuple):
    """The value of a parameter.

    Attributes:
        text: the value as it was written.
        number: the value as a number, or None if it is not one. `nan`, `inf`, and digits after a zero, as in an
            identifier (`007`), are text.
    """

    text: str
    number: float | None = None

    @classmethod
    def from_text(cls, text: str) -> Parameter:
        """Create a parameter from its text, with lone surrogates escaped."""
        clean = text.encode("utf-8", "backslashreplace").decode("utf-8")
        return cls(clean, parse_number(clean))

    @property
    def value(self) -> float | int | str:
        """The value: an int if it is written as an integer, a float if it is another number, else its text."""
        if self.number is None:
            return self.text
        return int(self.text) if re.fullmatch(_INTEGER, self.text) else self.number

    @property
    def sort_value(self) -> float | str:
        """The number or text by which parameters are compared and sorted."""
        return self.text if self.number is None else self.number


class ParameterWords(NamedTuple):
    """A parameter in a script's arguments: its name, its value as text, and the range of its words."""

    name: str
    text: str
    start: int
    end: int


Parameters = Mapping[str, Parameter]
"""A mapping from the names of parameters to their values."""


def parse_number(text: str) -> float | None:
    """Return the finite number that a string represents, or None if it represents none."""
    if len(text) > _LONGEST_NAME or not text.isascii() or re.fullmatch(_NUMBER, text) is None:
        return None
    number = float(text)
    return number if abs(number) != float("inf") else None


def get_parameter_values(parameters: Parameters) -> dict[str, float | int | str]:
    """Return the values of parameters for a record, as numbers or strings."""
    return {name: parameter.value for name, parameter in parameters.items()}


def list_differing_parameter_names(parameters: Sequence[Parameters]) -> Sequence[str]:
    """Return the names of parameters whose values differ between runs, the most common names first."""
    values: dict[str, list[Parameter]] = {}
    for each in parameters:
        for name, parameter in each.items():
            values.setdefault(name, []).append(parameter)
    found = [name for name, given in values.items() if len(given) < len(parameters) or len(set(given)) > 1]
    return sorted(found, key=lambda name: -len(values[name]))


def get_definition_parameters(definition: Mapping[str, Any] | None) -> Parameters:
    """Return the parameters in a run's definition, in which secrets are already redacted."""
    definition = definition or {}
    absent = definition.get(ABSENT_FLAGS)
    pairs = map(interpret_absent_flag, map(str, absent)) if isinstance(absent, list) else ()
    return {**{name: Parameter(text) for name, text in pairs}, **_parse_definition_arguments(definition)}


def interpret_absent_flag(flag: str) -> tuple[str, str]:
    """Return the parameter name and value that the absence of a flag stands for: false, or true for `--no-…`."""
    name, text = interpret_flag(flag.lstrip("-"))
    return name, invert_boolean(text)


def invert_boolean(text: str) -> str:
    """Return `false` for `true`, and `true` for any other text."""
    return FALSE if text == TRUE else TRUE


def _parse_definition_arguments(definition: Mapping[str, Any]) -> Parameters:
    command = definition.get("command")
    if isinstance(command, str):
        return parse_command(command)
    if isinstance(command, list):
        return parse_arguments(split_command([str(word) for word in command])[1])
    return parse_arguments([str(argument) for argument in definition.get("arguments") or ()])


def parse_command(command: str) -> Parameters:
    """Return the parameters of the last command with a script in a shell line, or else of the line's first program.

    Commands that only prepare the shell for others, such as `cd`, are no programs. A line with an unclosed quotation
    has no parameters.
    """
    import shlex  # noqa: PLC0415 - start-up: most runs have a script with arguments

    words = shlex.shlex(command, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    words.commenters = ""
    commands: list[list[str]] = [[]]
    try:
        for word in words:
            if re.fullmatch(_OPERATOR, word):
                commands.append([])
            else:
                commands[-1].append(word)
    except ValueError:  # a quotation mark has no counterpart
        return {}
    found = next((each for each in reversed(commands) if _find_script_index(each) is not None), None)
    return parse_arguments(split_command(_find_first_program(commands) if found is None else found)[1])


def _find_first_program(commands: Sequence[Sequence[str]]) -> Sequence[str]:
    """Return the first command that starts a program, without the variables set before it; empty if none does."""
    for words in commands:
        start = next((place for place, word in enumerate(words) if not re.fullmatch(_VARIABLE, word)), len(words))
        if start < len(words) and words[start] not in _SHELL_COMMANDS:
            return words[start:]
    return ()


def parse_arguments(arguments: Sequence[str]) -> Parameters:
    """Return the parameters in a script's arguments."""
    found: dict[str, Parameter] = {}
    for each in iterate_parameter_words(arguments):
        if each.name in found or len(found) < MAX_PARAMETERS:
            found[each.name] = Parameter.from_text(each.text)
    return found


def build_flag(name: str) -> str:
    """Return the flag for a name: the name itself if it begins with `-` or Hydra's `~`, else `-v` or `--name`."""
    if name.startswith(("-", "~")):
        return name
    return f"-{name}" if len(name) == 1 else f"--{name}"


def split_command(command: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Split a command after its script or, if it has none, after its program; return both parts."""
    script = _find_script_index(command)
    place = 1 if script is None else script + 1
    return command[:place], command[place:]


def iterate_parameter_words(arguments: Sequence[str]) -> Iterator[ParameterWords]:
    """Yield the parameters in a script's arguments in order, including repeated names."""
    pair_options = _find_pair_options(arguments)
    place = positional = 0
    has_options = True
    while place < len(arguments):
        start, word = place, arguments[place]
        place += 1
        if has_options and word == "--":
            has_options = False
            continue
        if has_options and word in pair_options:
            place += 2
            yield ParameterWords(arguments[start + 1], arguments[start + 2], start, place)
            continue
        pair = _split_pair(word, has_options=has_options)
        if pair is None:
            positional += 1
            yield ParameterWords(f"arg{positional}", word, start, place)
            continue
        name, value = pair
        if value is None:
            following = _list_value_words(arguments, place)
            place += len(following)
            name, value = (name, " ".join(following)) if following else interpret_flag(name)
        yield ParameterWords(name, value, start, place)


def _find_pair_options(arguments: Sequence[str]) -> frozenset[str]:
    """Return the options that occur more than once, each time with exactly two words: a name and its value."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    places = [place for place in range(end) if _is_option(arguments[place])]
    found: dict[str, list[bool]] = {}
    for place, following in zip(places, [*places[1:], end], strict=False):
        is_pair = following - place == 3 and re.fullmatch(_PAIR_NAME, arguments[place + 1]) is not None
        found.setdefault(arguments[place], []).append(is_pair)
    return frozenset(option for option, pairs in found.items() if len(pairs) > 1 and all(pairs))


def _is_option(word: str) -> bool:
    return word.startswith("-") and _split_pair(word, has_options=True) is not None


def _split_pair(word: str, *, has_options: bool) -> tuple[str, str | None] | None:
    """Return the parameter name and value in a word, the value None if the word has none; None if it has no name."""
    if has_options and word.startswith("-"):
        joined = re.fullmatch(_JOINED, word)
        if joined is not None and parse_number(joined["value"]) is not None:
            return joined["name"], joined["value"]
        option = re.fullmatch(_OPTION, word)
        return None if option is None or len(option["name"]) > _LONGEST_NAME else (option["name"], option["value"])
    assignment = re.fullmatch(_ASSIGNMENT, word)
    if assignment is None or len(assignment["name"]) > _LONGEST_NAME:
        return None
    if "/" in assignment["name"] and "/" in assignment["value"]:
        return None  # a path with partitions: `data/year=2020/part.csv`
    return assignment["name"], assignment["value"]


def _list_value_words(arguments: Sequence[str], index: int) -> Sequence[str]:
    """Return the words, starting at an index, that are the value of the preceding option."""
    if index >= len(arguments) or arguments[index] == "--" or _stands_alone(arguments[index]):
        return ()
    end = index + 1
    if parse_number(arguments[index]) is not None:
        while end < len(arguments) and parse_number(arguments[end]) is not None:
            end += 1
    return arguments[index:end]


def _stands_alone(word: str) -> bool:
    """Return whether a word is not the value of an option: another option, an assignment, or Hydra's `~lr`."""
    if re.fullmatch(_DELETION, word):
        return True
    pair = _split_pair(word, has_options=True)
    # `c2V0dGluZw=` is the value of an option rather than an assignment of nothing.
    return pair is not None and (word.startswith("-") or pair[1] != "")


def interpret_flag(name: str) -> tuple[str, str]:
    """Return the parameter name and value that an option without a value stands for: true, or false for `no-…`."""
    if re.fullmatch(r"no-[^\W\d].*", name):
        return name[len("no-") :], FALSE
    return name, TRUE


def _find_script_index(command: Sequence[str]) -> int | None:
    """Return the index of the script in a command, or of the module after `-m`; None if it has neither."""
    for place, word in enumerate(command):
        if re.fullmatch(_SCRIPT, word) or (place > 0 and command[place - 1] == "-m"):
            return place
    return None
