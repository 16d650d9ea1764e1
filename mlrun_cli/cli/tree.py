"""The tree of commands: command groups, `ml` with the same groups, and commands without a group.

The module of a group is imported when the group is typed; a command is built when its subcommand is typed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from itertools import chain, takewhile
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

from mlrun_cli import __version__
from mlrun_cli.cli.azure.unsupported import AZURE_ONLY
from mlrun_cli.cli.command import Group
from mlrun_cli.cli.command_groups import COMMAND_GROUPS, COMMANDS, TOP_LEVEL_GROUPS, import_group
from mlrun_cli.cli.declarations import HELP_OPTIONS
from mlrun_cli.cli.typer_command import build_command
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import CommandNotFound, UnknownTopic, UnsupportedCommand

_HELP = "List the help topics, or print one: 'mlrun help concepts'."
_DESCRIPTION = "Start, follow and track training runs from a shell, as 'az ml run' does, without Azure."
_WORDS = f"{__name__}.words"
_GROUPS = frozenset({**COMMAND_GROUPS, **TOP_LEVEL_GROUPS})
_COMPLETION_OPTIONS = ("--install-completion", "--show-completion")
_EXAMPLES = (
    ("Attach this folder and run a script", "mlrun folder attach && mlrun run submit-script train.py"),
    ("List the newest runs", "mlrun run list -o table"),
)


class Suggestion(NamedTuple):
    """A completion of a word, with the attributes of Typer's completion items."""

    value: str
    help: str
    type: str = "plain"


class _Tree(TyperGroup):
    """A group that can list its commands without building them."""

    def __init__(self, name: str, *, description: str, **settings: Any) -> None:
        names = {"help_option_names": list(HELP_OPTIONS)}
        super().__init__(name=name, rich_markup_mode=None, context_settings=names, **settings)
        self._description = description

    def list_summaries(self) -> Mapping[str, str]:
        """Return a summary of each command, keyed by name, in the order of the help page."""
        raise NotImplementedError

    def list_examples(self) -> Sequence[tuple[str, str]]:
        """Return two examples, each a description and a command line."""
        return _EXAMPLES

    def list_suggestions(self) -> Iterable[tuple[str, str]]:
        """Return the suggestions for completing a command's name, each with its meaning."""
        return self.list_summaries().items()

    def find(self, name: str, *, with_completers: bool = False) -> Any:
        """Build and return the command with this name, or return None if there is none.

        Args:
            name: the name of the command.
            with_completers: whether its options suggest values to a shell.
        """
        raise NotImplementedError

    def get_azure_command_path(self, name: str) -> str:
        """Return the command path after `az ml` of the command with this name."""
        return name

    def find_by_synonym(self, name: str) -> str | None:
        """Return the command for which `name` is a synonym, or None."""
        raise NotImplementedError

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; without any, show the group's help page, and after `help` the page of a command."""
        if ctx.resilient_parsing:  # a line that is being typed
            return super().parse_args(ctx, args[1:] if args[:1] == ["help"] else args)
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        try:
            return super().parse_args(ctx, args or ["--help"])
        except typer.TyperException as error:
            from mlrun_cli.cli.usage_errors import to_usage_error  # noqa: PLC0415 - start-up

            raise to_usage_error(error, ctx, {}, ()) from error

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of the commands, in the order of the help page."""
        return list(self.list_summaries())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command with this name.

        Raises:
            Unsupported: az has this command, but this program does not.
            UsageError: no command has this name.
        """
        found = self.find(cmd_name, with_completers=ctx.resilient_parsing)
        if found is not None:
            return found
        words = self.get_azure_command_path(cmd_name)
        advice = AZURE_ONLY.get(words) or AZURE_ONLY.get(cmd_name)
        if advice is not None:
            raise UnsupportedCommand(f"mlrun-cli has no '{words}'.", hint=advice, target=words)
        meant = self.find_by_synonym(cmd_name) or next(
            iter(get_close_matches(cmd_name, self.list_commands(ctx), n=1)), None
        )
        guess = "" if meant is None else f"Did you mean '{meant}'? "
        if cmd_name.endswith(".py") or cmd_name in {"python", "python3"}:
            script = cmd_name if cmd_name.endswith(".py") else "SCRIPT"
            guess = f"'mlrun run submit-script {script}' runs a script. "
        raise CommandNotFound(
            f"'{ctx.command_path}' has no command '{cmd_name}'.",
            hint=f"{guess}See '{ctx.command_path} -h'.",
            target=cmd_name,
        )

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the commands, or the group's options, that start with the word being typed."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [Suggestion(*each) for each in self.list_suggestions() if each[0].startswith(incomplete)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the group's help page to the formatter."""
        from mlrun_cli.cli.help.pages import format_group_help  # noqa: PLC0415 - start-up
        from mlrun_cli.cli.help.topics import find_topic  # noqa: PLC0415

        topic = find_topic(ctx.command_path)
        formatter.write(format_group_help(ctx, self._description, self.list_summaries(), self.list_examples(), topic))


class CommandGroup(_Tree):
    """A command group, such as `run`, with its subcommands."""

    def __init__(self, group: Group) -> None:
        super().__init__(group.name, description={**COMMAND_GROUPS, **TOP_LEVEL_GROUPS}[group.name])
        self._group = group
        self._first_word = ""

    def list_summaries(self) -> Mapping[str, str]:
        """Return a summary of each subcommand, keyed by subcommand, in the order of the help page."""
        return {subcommand: declaration.summary for subcommand, declaration in self._group.commands.items()}

    def list_examples(self) -> Sequence[tuple[str, str]]:
        """Return one example of each of the first two subcommands, or two examples of the only subcommand."""
        first_of_all = zip(*(declaration.examples for declaration in self._group.commands.values()), strict=False)
        return list(chain.from_iterable(first_of_all))[:2]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the subcommands, in the order of the help page."""
        return list(self._group.list_subcommands())

    def list_suggestions(self) -> Iterable[tuple[str, str]]:
        """Return the subcommands with their summaries; for subcommands with two words, only the next word."""
        summaries = self.list_summaries().items()
        if self._first_word:
            start = f"{self._first_word} "
            return [
                (subcommand.removeprefix(start), text) for subcommand, text in summaries if subcommand.startswith(start)
            ]
        return {subcommand.partition(" ")[0]: text for subcommand, text in summaries}.items()

    def find(self, name: str, *, with_completers: bool = False) -> Any:
        """Build and return the command for a subcommand, or return None if there is none."""
        declaration = self._group.find(name)
        return None if declaration is None else build_command(declaration, name, with_completers=with_completers)

    def get_azure_command_path(self, name: str) -> str:
        """Return the command path after `az ml` of a subcommand: the group and the subcommand."""
        return f"{self.name} {name}"

    def find_by_synonym(self, name: str) -> str | None:
        """Return the subcommand for which `name` is a synonym, or None."""
        from mlrun_cli.cli.synonyms import find_subcommand_by_synonym  # noqa: PLC0415 - start-up

        return find_subcommand_by_synonym(self._group.name, name, self._group.list_subcommands())

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, command and remaining words for the subcommand that was typed.

        Raises:
            Unsupported: az has the subcommand, or the kind of thing that it is to create, but this program does not.
            UsageError: no subcommand has this name.
        """
        if ctx.resilient_parsing and len(args) == 1 and args[0] not in self._group.list_subcommands():
            self._first_word = args[0]
            return None, None, []
        words = f"{self.name} {' '.join(args[:2])}"
        if words in AZURE_ONLY:
            raise UnsupportedCommand(f"mlrun-cli has no '{words}'.", hint=AZURE_ONLY[words], target=words)
        subcommand = " ".join(args[:2])
        if " " in subcommand and subcommand in self._group.list_subcommands():
            return subcommand, self.get_command(ctx, subcommand), args[2:]
        return super().resolve_command(ctx, args)


class _ParentGroup(_Tree):
    """The parent of all command groups."""

    def list_summaries(self) -> Mapping[str, str]:
        """Return a summary of each command group, keyed by name, in the order of the help page."""
        return COMMAND_GROUPS

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Resolve the typed words to a name, its command or group, and the remaining words.

        Raises:
            Unsupported: az has the group, but this program does not; the error names the subcommand, too.
            UsageError: no group or command has this name.
        """
        if not ctx.resilient_parsing and args[0] in AZURE_ONLY and self.find(args[0]) is None:
            words = " ".join(takewhile(lambda word: not word.startswith("-"), args[:2]))
            raise UnsupportedCommand(f"mlrun-cli has no '{words}'.", hint=AZURE_ONLY[args[0]], target=words)
        return super().resolve_command(ctx, args)

    def find_by_synonym(self, name: str) -> str | None:
        """Return the command for a synonym, or for a subcommand of `run` without its group, or None."""
        from mlrun_cli.cli.synonyms import find_command_by_synonym  # noqa: PLC0415 - start-up

        return find_command_by_synonym(name)

    _suggests_topics = False

    def list_suggestions(self) -> Iterable[tuple[str, str]]:
        """Return the commands and, after `help`, also the topics."""
        if not self._suggests_topics:
            return super().list_suggestions()
        from mlrun_cli.cli.help.topics import TOPICS  # noqa: PLC0415 - start-up

        return {**self.list_summaries(), **TOPICS}.items()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words; print a topic or the list of topics if they start with `help`.

        Raises:
            UnknownTopic: the word after `help` is neither a topic nor a command.
        """
        if args[:1] == ["help"] and ctx.resilient_parsing:
            self._suggests_topics = True
        elif args[:1] == ["help"]:
            args = ["help", *self._resolve_help_words(ctx, args[1:])]
        return super().parse_args(ctx, args)

    def _resolve_help_words(self, ctx: Any, arguments: list[str]) -> list[str]:
        """Print the given topic or the list of topics and exit, or return the words of the command that is meant.

        Raises:
            UnknownTopic: the words are neither a topic nor a command, nor does a command end with the only word.
        """
        from mlrun_cli.cli.help.topics import TOPICS, find_similar_name, print_topic, print_topics  # noqa: PLC0415 - start-up

        if not arguments or arguments[0] in ("help", "-h", "--help"):
            print_topics(ctx.command_path)
        elif len(arguments) == 1 and arguments[0] in TOPICS:
            print_topic(arguments[0])
        else:
            words = " ".join(arguments).split()
            path = words if words and self.find(words[0]) is not None else self._find_by_last_words(words)
            if path or arguments[0] in AZURE_ONLY:
                return path or arguments
            nearest = find_similar_name(arguments[0], self.list_summaries()) or self.find_by_synonym(arguments[0])
            raise UnknownTopic(arguments[0], nearest, list(TOPICS))
        ctx.exit()
        return []

    def _find_by_last_words(self, words: Sequence[str]) -> list[str]:
        """Return the path of a command that ends with the given words, preferably one of `run`; empty if none does."""
        wanted = " ".join(words)
        for name in sorted((each for each in self.list_summaries() if each in _GROUPS), key=lambda name: name != "run"):
            for subcommand in import_group(name).list_subcommands():
                if f" {subcommand}".endswith(f" {wanted}"):
                    return [name, *subcommand.split()]
        return []

    def find(self, name: str, *, with_completers: bool = False) -> Any:  # noqa: ARG002
        """Return the command group or `login` command with this name, or None."""
        if name == "login":  # lines of Azure's own program have it behind `ml`, too
            return importlib.import_module("mlrun_cli.cli.azure.login").build_login_command()
        return CommandGroup(import_group(name)) if name in COMMAND_GROUPS else None


class _Root(_ParentGroup):
    """The root: all command groups, `ml` with the same groups for az command lines, and other commands."""

    def list_summaries(self) -> Mapping[str, str]:
        """Return a summary of each command group and command, keyed by name, in the order of the help page."""
        alone = {name: summary for name, (summary, _) in COMMANDS.items()}
        again = {"ml": "All of these once more, for lines like 'az ml run list'.", "help": _HELP}
        return {**COMMAND_GROUPS, **TOP_LEVEL_GROUPS, **alone, **again}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, and store them in `ctx.meta` for the completion options."""
        option, equals, shell = args[0].partition("=") if args else ("", "", "")
        if equals and option in _COMPLETION_OPTIONS:  # flags for Click, with a word behind them
            args = [option, shell, *args[1:]]
        ctx.meta[_WORDS] = list(args)
        return super().parse_args(ctx, args)

    def find(self, name: str, *, with_completers: bool = False) -> Any:
        """Return the group or command with this name, or None."""
        if name == "ml":
            return _ParentGroup(name, description=_DESCRIPTION)
        if name in TOP_LEVEL_GROUPS:
            return CommandGroup(import_group(name))
        if name in COMMANDS:
            return build_command(import_group(name).commands[name], name, with_completers=with_completers)
        if name == "az":
            return importlib.import_module("mlrun_cli.cli.azure.az").build_az_command()
        return super().find(name)


def build_root() -> TyperGroup:
    """Build and return the root of the command tree."""
    version = TyperOption(param_decls=["--version"], is_flag=True, expose_value=False)
    version.help = "Show the version."
    version.is_eager = True
    version.callback = _print_version
    completion = [
        _build_completion_option(
            "install", "Install completion for this shell, or the one named: bash, zsh, fish or pwsh."
        ),
        _build_completion_option("show", "Print the completion script for this shell, or the one named."),
    ]
    return _Root("mlrun", description=_DESCRIPTION, params=[version, *completion])


def _build_completion_option(action: str, meaning: str) -> TyperOption:
    """Return the option `--install-completion` or `--show-completion`."""
    option = TyperOption(param_decls=[f"--{action}-completion"], is_flag=True, expose_value=False)
    option.help = meaning
    option.is_eager = True
    option.callback = partial(_run_completion_option, action)
    return option


def _run_completion_option(action: str, context: Any, option: Any, is_given: bool) -> None:
    """Install or show a shell's completion script and exit, if the option for it is given."""
    if is_given and not context.resilient_parsing:
        from mlrun_cli.cli.completion import install  # noqa: PLC0415 - start-up

        words = context.meta[_WORDS]
        shell = install.choose_shell(words[words.index(option.opts[0]) + 1 :], option.opts[0])
        {"install": install.install_completion, "show": install.show_completion}[action](context.info_name, shell)
        context.exit()


def _print_version(context: Any, _option: Any, is_given: bool) -> None:
    if is_given and not context.resilient_parsing:
        sys.stdout.write(f"mlrun-cli {__version__}\n")
        context.exit()
