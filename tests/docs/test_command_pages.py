"""The reference of commands says what the command tree does."""

from __future__ import annotations

from mlrun_cli.cli.command_groups import COMMAND_GROUPS, TOP_LEVEL_GROUPS
from tests.docs.command_pages import FOLDER, command_pages


def test_each_command_group_has_a_page() -> None:
    assert {f"{name}.md" for name in (*COMMAND_GROUPS, *TOP_LEVEL_GROUPS, "studio", "top", "install-az")} < set(
        command_pages()
    )


def test_the_pages_are_those_of_the_command_tree() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert written == command_pages(), "Write them anew: python -m tests.docs.command_pages"
