"""Help pages of commands and groups as plain text, wrapped to the width of the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlrun_cli.cli.global_options import GLOBAL_OPTIONS
from mlrun_cli.core.named_tuple import NamedTuple

_NARROWEST, _WIDEST = 40, 100
_WIDEST_NAMES = 32
_VALUES = {"text": "TEXT", "integer": "N", "float": "NUMBER", "path": "PATH", "file": "FILE"}

Row = tuple[str, str]


class CommandPage(NamedTuple):
    """The parts of a command's help page, where a row is a pair of a name and its meaning.

    Attributes:
        path: the words to type, such as `mlrun run list`.
        usage: the words that may follow the path.
        examples: pairs of a description and a command line.
    """

    path: str
    description: str
    usage: str
    arguments: Sequence[Row]
    options: Sequence[Row]
    global_options: Sequence[Row]
    examples: Sequence[Row]


def build_command_page(context: Any, examples: Sequence[Row]) -> CommandPage:
    """Return the parts of a command's help page.

    Args:
        context: Typer's context of the command.
        examples: what each does, and the line to type.
    """
    parameters = [each for each in context.command.get_params(context) if not getattr(each, "hidden", False)]
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    options = [each for each in parameters if each.param_type_name == "option"]
    shared = [each for each in options if each.rich_help_panel == GLOBAL_OPTIONS or each.name == "help"]
    return CommandPage(
        path=context.command_path,
        description=context.command.help or "",
        usage=" ".join(["[options]", *map(_format_argument_usage, arguments)]),
        arguments=[(_format_argument_name(each), each.help or "") for each in arguments],
        options=[(_format_option_names(each), _format_option_help(each)) for each in options if each not in shared],
        global_options=[(_format_option_names(each), _format_option_help(each)) for each in shared],
        examples=examples,
    )


def format_command_help(context: Any, examples: Sequence[Row], topic: str | None = None) -> str:
    """Return a command's help page: description, usage, arguments, options and examples.

    Args:
        context: Typer's context of the command.
        examples: what each does, and the line to type.
        topic: the topic for further reading, if any.
    """
    page = build_command_page(context, examples)
    width = get_help_width()
    usage = f"Usage: {page.path} {page.usage}"
    return _join_parts(
        _fill_paragraphs(page.description, width),
        textwrap.fill(usage, width, subsequent_indent="  ", break_on_hyphens=False),
        format_section("Arguments", page.arguments, width),
        format_section("Options", page.options, width),
        format_section(GLOBAL_OPTIONS, page.global_options, width),
        _format_examples(page.examples, width),
        f"See {_format_topic_hint(topic)}.",
    )


def format_group_help(
    context: Any,
    description: str,
    commands: Mapping[str, str],
    examples: Sequence[Row],
    topic: str | None = None,
) -> str:
    """Return the help page of a command group or of the whole program, with one line for each command.

    Args:
        context: Typer's context of the group.
        description: the purpose of the group.
        commands: a summary of each command, keyed by the word to type.
        examples: pairs of a description and a command line.
        topic: the topic for further reading, if any.
    """
    width = get_help_width()
    options = [each for each in context.command.get_params(context) if each.param_type_name == "option"]
    return _join_parts(
        _fill_paragraphs(description, width),
        f"Usage: {context.command_path} COMMAND [options]",
        format_section("Commands", commands.items(), width),
        format_section("Options", [(_format_option_names(each), _format_option_help(each)) for each in options], width),
        _format_examples(examples, width),
        textwrap.fill(
            f"See '{context.command_path} COMMAND -h' for a command's options, {_format_topic_hint(topic)}.", width
        ),
    )


def _format_topic_hint(topic: str | None) -> str:
    return (
        "'mlrun help' for topics, 'mlrun help variables' for settings such as MLRUN_ERROR_FORMAT=json"
        if topic is None
        else f"'mlrun help {topic}' to read on"
    )


def get_help_width() -> int:
    """Return the width of help pages in columns: the width of the terminal, within limits."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))


def _join_parts(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _fill_paragraphs(text: str, width: int) -> str:
    return "\n\n".join(
        paragraph if paragraph.startswith((" ", "-")) else textwrap.fill(paragraph, width)
        for paragraph in text.split("\n\n")
    )


def format_section(heading: str, rows: Iterable[Row], width: int) -> str:
    """Return a heading above two wrapped columns of names and meanings, or an empty string without rows."""
    rows = list(rows)
    if not rows:
        return ""
    column = min(max(len(names) for names, _ in rows), _WIDEST_NAMES, width // 2) + 4
    lines = [heading]
    for names, meaning in rows:
        wrapped = textwrap.wrap(meaning, width - column, break_on_hyphens=False) or [""]
        if len(names) > column - 4:
            lines.append(f"  {names}")
        else:
            lines.append(f"  {names}".ljust(column) + wrapped.pop(0))
        lines.extend(" " * column + line for line in wrapped)
    return "\n".join(line.rstrip() for line in lines)


def _format_examples(examples: Sequence[Row], width: int) -> str:
    if not examples:
        return ""
    lines = [f"{textwrap.fill(what, width, initial_indent='  ')}\n    {line}" for what, line in examples]
    return "\n".join(["Examples", *lines])


def _format_argument_name(argument: Any) -> str:
    name: str = argument.metavar or argument.name.upper()
    return name


def _format_argument_usage(argument: Any) -> str:
    """Return the name of an argument, in square brackets if it is optional."""
    name = _format_argument_name(argument)
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _format_option_names(option: Any) -> str:
    """Return an option's short name, its other names and a placeholder for its value, as in `-r, --run ID`."""
    names = sorted([*option.opts, *option.secondary_opts], key=lambda name: name.startswith("--"))
    return " ".join([", ".join(names), *([] if option.is_flag else [_get_metavar(option)])])


def _get_metavar(option: Any) -> str:
    """Return the metavar of an option, such as `ID`, `N` or `detach|cancel`."""
    if option.metavar:
        return str(option.metavar)
    choices = getattr(option.type, "choices", None)
    return "|".join(choices) if choices else _VALUES.get(option.type.name, "VALUE")


def _format_option_help(option: Any) -> str:
    remarks = [option.help or ""]
    if option.required:
        remarks.append("Required.")
    if option.multiple:
        remarks.append("May be repeated.")
    default = getattr(option.default, "value", option.default)  # of a choice
    is_plain = isinstance(default, (str, int, float)) and not option.is_flag
    is_told = "Default: " in remarks[0]
    if is_plain and default and option.show_default and not is_told:
        remarks.append(f"Default: {default}.")
    return " ".join(remark for remark in remarks if remark)
