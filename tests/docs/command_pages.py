"""The reference of commands, generated from the command tree.

    python -m tests.docs.command_pages

writes it anew into `mlrun_cli/docs/commands/`, a page for each command group; a test compares what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from mlrun_cli.cli.declarations import HELP_OPTIONS
from mlrun_cli.cli.help.pages import CommandPage, Row, build_command_page
from mlrun_cli.cli.help.topics import find_topic
from mlrun_cli.cli.tree import CommandGroup, build_root

FOLDER = Path(__file__).parents[2] / "mlrun_cli" / "docs" / "commands"
_MADE = "<!-- Made by `python -m tests.docs.command_pages` from the command tree: do not edit. -->"
_ELSEWHERE = {"ml", "help"}  # the same groups once more, and topics


def command_pages() -> Mapping[str, str]:
    """Return the Markdown of each page, keyed by file name."""
    tree: Any = build_root()
    top = _context(tree, "mlrun")
    names = [name for name in tree.list_summaries() if name not in _ELSEWHERE]
    first: Any = tree.find("run")
    shared = build_command_page(_context(first.find("show"), "show", top), ()).global_options
    pages = {name: _page(tree.find(name), name, top, shared, tree.list_summaries()[name]) for name in names}
    return {
        "README.md": _index(tree.list_summaries(), names, shared),
        **{f"{name}.md": page for name, page in pages.items()},
    }


def _index(summaries: Mapping[str, str], names: Sequence[str], shared: Sequence[Row]) -> str:
    return _joined(
        "# Commands",
        _MADE,
        _table("command group", [(f"[{name}]({name}.md)", summaries[name]) for name in names]),
        "`mlrun COMMAND -h` prints the same, and `mlrun ml COMMAND` is `mlrun COMMAND`.",
        "## Global options",
        "Every command takes them.",
        _table("option", _code(shared)),
    )


def _page(command: Any, name: str, parent: typer.Context, shared: Sequence[Row], summary: str) -> str:
    context = _context(command, name, parent)
    if not isinstance(command, CommandGroup):
        return _joined(*_command(build_command_page(context, command.examples), shared, "#"), _read_on(context))
    parts = [f"# mlrun {name}", _MADE, summary, _read_on(context)]
    for subcommand in command.list_summaries():
        built: Any = command.find(subcommand)
        parts += _command(build_command_page(_context(built, subcommand, context), built.examples), shared, "##")
    return _joined(*parts)


def _list_own_meanings(options: Sequence[Row], shared: Sequence[Row]) -> list[Row]:
    """Return the global options of a command that it describes in its own way, such as another default of `-o`."""
    common = dict(shared)
    return [(names, meaning) for names, meaning in options if common.get(names, meaning) != meaning]


def _command(page: CommandPage, shared: Sequence[Row], marks: str) -> list[str]:
    paragraphs = [" ".join(each.split()) for each in page.description.split("\n\n")]
    return [
        f"{marks} {page.path}",
        *([_MADE] if marks == "#" else []),
        *paragraphs,
        f"```text\n{page.path} {page.usage}\n```",
        _table("argument", _code(page.arguments)),
        _table("option", _code([*page.options, *_list_own_meanings(page.global_options, shared)])),
        "```text\n" + "\n".join(f"# {what}\n{line}" for what, line in page.examples) + "\n```",
    ]


def _read_on(context: typer.Context) -> str:
    topic = find_topic(context.command_path)
    return f"Read on: [{topic}](../{topic}.md). Global options are [here](README.md#global-options)."


def _context(command: Any, name: str, parent: typer.Context | None = None) -> typer.Context:
    return typer.Context(command, info_name=name, parent=parent, help_option_names=list(HELP_OPTIONS))


def _code(rows: Sequence[Row]) -> list[Row]:
    return [(f"`{names}`", meaning) for names, meaning in rows]


def _table(heading: str, rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join([f"| {heading} | |", "|---|---|", *(f"| {line} |" for line in lines)])


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def main() -> None:
    """Write all pages, and remove those of commands that no longer exist."""
    FOLDER.mkdir(exist_ok=True)
    pages = command_pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
