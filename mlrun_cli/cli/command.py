"""Declaration of commands for the modules of nouns.

    app = Group("run")

    RunIds = Annotated[list[str], typer.Option("--run", "-r", metavar="ID", help="Id of the run.")]

    @command(app, "cancel", examples=[("Cancel the newest run", "mlrun run cancel -r @latest"), ...])
    def cancel(run_ids: RunIds, shared: GlobalOptions) -> object:
        '''Ask runs to stop.

        Returns at once: a run is `CancelRequested` until its script has ended.
        '''

The docstring is the help text, and its first line is the summary in listings. Parameters are declared as in Typer. The
shared options are added and passed as the parameter `shared`. A parameter whose type is an `OptionGroup` stands for
several options. `cancel` remains a plain function that a test can call.

A command returns a JSON-like value, which is printed as `-o` and `--query` specify, or None, which prints nothing, or
a `Result`, which can have an exit code and a table for people. It raises the exceptions of `mlrun_cli.errors`.
`query_words=True` lets a query follow the options without `--query`. `script=True` ends the options at the first word
that is not an option: that word and all words after it are passed unchanged to the command's variadic argument.

Commands are built only when needed: of a group's commands, only the one that was typed.
"""

from __future__ import annotations

import importlib
import inspect
import io
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TextIO, TypeVar

import typer
from typer.core import TyperCommand

from mlrun_cli.cli.abbreviation import make_completer
from mlrun_cli.cli.global_options import GlobalOptions, build_global_parameters, list_option_names, parse_global_options
from mlrun_cli.cli.option_checks import check_typed_values, collect_typed_values
from mlrun_cli.cli.output.formats import OutputFormat, render
from mlrun_cli.cli.output.messages import wants_colour
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import MlrunError

if TYPE_CHECKING:
    from mlrun_cli.cli.output.columns import Layout

_QUERY_WORDS = "query_words"
_RUN_OPTION = "-r"

Function = TypeVar("Function", bound=Callable[..., object])


class PeopleTable(Protocol):
    """A function that prints a result as a table or page for people."""

    def __call__(self, *, file: TextIO, width: int | None, colour: bool) -> None:
        """Print the table to `file`, in lines of at most `width` columns; None if it is not a terminal."""


class OptionGroup(Protocol):
    """The type of a command parameter that represents several options."""

    @classmethod
    def build_option_parameters(cls) -> Sequence[inspect.Parameter]:
        """Return the parameters that replace a parameter of this type in a command's signature."""

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> OptionGroup:
        """Create the group from the values of its parameters, keyed by parameter name."""


class Result(NamedTuple):
    """The result of a command, with optional output for people and exit code.

    Attributes:
        value: the JSON-like value to print, to query and to write to the file of `-t`.
        table: printed instead of the value for `-o table` without a query.
        exit_code: the command's exit code once the value has been printed.
        layout: returns the table, for an encoding, that is printed instead of the value for `-o md`, and for `-o table`
            if there is no `table`, without a query.
        pages: whether a terminal shows `-o table` through a pager.
        rows: the records that `-o csv` prints instead of the value without a query.
        first_columns: the first columns of `-o csv` without a query, as for `list_columns`.
        prefers_table: whether a terminal shows the table unless -o or --query is given.
    """

    value: object
    table: PeopleTable | None = None
    exit_code: int = 0
    layout: Callable[[str], Layout] | None = None
    pages: bool = False
    rows: list[Mapping[str, Any]] | None = None
    first_columns: Sequence[str] = ()
    prefers_table: bool = False


class Declaration(NamedTuple):
    """A declared command: its function, examples and parsing settings."""

    function: Callable[..., object]
    examples: Sequence[tuple[str, str]]
    query_words: bool
    script: bool

    @property
    def description(self) -> str:
        """The docstring of the command's function, which is its help text."""
        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first line of the description."""
        return self.description.partition("\n")[0]


class Group:
    """The commands of a noun, keyed by verb, in the order of the help page; verbs may have two words.

    A noun with a single module declares its commands there. A noun that is a package lists its verbs; the module of a
    verb is imported when the verb is looked up.
    """

    def __init__(self, name: str, *, package: str | None = None, verbs: Sequence[str] = ()) -> None:
        self.name = name
        self._package = package
        self._verbs = verbs
        self._declared: dict[str, Declaration] = {}

    def declare(self, verb: str, declaration: Declaration) -> None:
        """Add a command under a verb."""
        self._declared[verb] = declaration

    def list_verbs(self) -> Sequence[str]:
        """Return the verbs, in the order of the help page."""
        return self._verbs or tuple(self._declared)

    def find(self, verb: str) -> Declaration | None:
        """Return the command of a verb, importing its module if needed, or None if there is no such verb."""
        if verb in self._verbs and verb not in self._declared:
            importlib.import_module(f"{self._package}.{verb.replace('-', '_').replace(' ', '_')}")
        return self._declared.get(verb)

    @property
    def commands(self) -> Mapping[str, Declaration]:
        """All commands, keyed by verb; reading them imports the modules of all verbs."""
        found = {verb: self.find(verb) for verb in self.list_verbs()}
        return {verb: declaration for verb, declaration in found.items() if declaration is not None}


class Invocation:
    """The state of a command invocation that the error boundary needs, passed through Typer's context."""

    def __init__(self) -> None:
        self.debug = False


def command(
    group: Group,
    verb: str,
    *,
    examples: Sequence[tuple[str, str]],
    query_words: bool = False,
    script: bool = False,
) -> Callable[[Function], Function]:
    """Return a decorator that declares a function as the command `verb` of `group`.

    Args:
        group: the group to which the command belongs.
        verb: the verb, as it is typed.
        examples: pairs of a description and a command line.
        query_words: whether a query may follow the options without `--query`.
        script: whether the first word that is not an option, and all words after it, belong to the command's variadic
            argument.
    """

    def declare(function: Function) -> Function:
        group.declare(verb, Declaration(function, examples, query_words, script))
        return function

    return declare


class Command(TyperCommand):
    """A Typer command with this program's help pages, option checks and abbreviated long options."""

    examples: Sequence[tuple[str, str]] = ()

    def make_parser(self, ctx: Any) -> Any:
        """Return the parser of the command line, which expands abbreviated long options."""
        ctx.token_normalize_func = make_completer(self.get_params(ctx))
        return super().make_parser(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after the command into Typer's context; return an empty list.

        Raises:
            UsageError: the words do not fit the command's parameters.
        """
        if ctx.resilient_parsing:  # a line that is being typed
            super().parse_args(ctx, args)
            return []
        parameters = self.get_params(ctx)
        typed: Mapping[str, Any] = {}
        try:
            typed = collect_typed_values(self.make_parser(ctx), parameters, args)
            check_typed_values(parameters, typed)
            self._parse_or_pick(ctx, args)
        except typer.TyperException as error:
            from mlrun_cli.cli.usage_errors import to_usage_error  # noqa: PLC0415 - start-up

            raise to_usage_error(error, ctx, typed) from error
        if ctx.args:
            from mlrun_cli.cli.usage_errors import build_unexpected_arguments_error  # noqa: PLC0415 - start-up

            raise build_unexpected_arguments_error(ctx, ctx.args)
        return []

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the options that start with the word being typed, or none among the arguments of a script."""
        in_script = not ctx.allow_interspersed_args and any(
            ctx.params.get(each.name) for each in self.params if each.param_type_name == "argument"
        )
        return [] if in_script else super().shell_complete(ctx, incomplete)

    def _parse_or_pick(self, ctx: Any, args: list[str]) -> None:
        """Parse the words; if only a run is missing and the terminal allows it, let the user select one."""
        try:
            super().parse_args(ctx, list(args))
        except typer.TyperException as error:
            if _RUN_OPTION not in getattr(getattr(error, "param", None), "opts", ()) or not hasattr(
                error, "param_type"
            ):
                raise
            from mlrun_cli.cli.run.selection import PICK, can_pick  # noqa: PLC0415 - start-up

            if not can_pick():
                raise
            super().parse_args(ctx, [_RUN_OPTION, PICK, *args])
            if ctx.args:
                raise

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the command's help page to the formatter."""
        from mlrun_cli.cli.help.pages import format_command_help  # noqa: PLC0415 - start-up
        from mlrun_cli.cli.help.topics import find_topic  # noqa: PLC0415

        formatter.write(format_command_help(ctx, self.examples, find_topic(ctx.command_path)))


def build_command(declaration: Declaration, verb: str, *, with_completers: bool = False) -> Command:
    """Build the Typer command of a declaration, with suggestions for the values of its options if requested."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"allow_extra_args": True, "allow_interspersed_args": not declaration.script}
    register = app.command(verb, cls=Command, help=declaration.description, context_settings=settings)
    callback = _build_callback(declaration)
    if with_completers:
        from mlrun_cli.cli.completion.values import add_completers  # noqa: PLC0415 - only a shell needs it

        add_completers(inspect.signature(callback).parameters.values())
    register(callback)
    built = typer.main.get_command(app)
    assert isinstance(built, Command)
    built.examples = declaration.examples
    return built


def _build_callback(declaration: Declaration) -> Callable[..., int]:
    """Return the function that Typer calls, whose signature has the command's, query and shared options."""
    declared = inspect.signature(declaration.function, eval_str=True).parameters.values()
    groups: dict[str, type[OptionGroup]] = {
        parameter.name: parameter.annotation
        for parameter in declared
        if hasattr(parameter.annotation, "build_option_parameters")
    }
    group_options = {name: group.build_option_parameters() for name, group in groups.items()}
    own = [
        option.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in declared
        if parameter.name != "shared"
        for option in group_options.get(parameter.name, [parameter])
    ]
    shared = build_global_parameters(set(chain.from_iterable(map(list_option_names, own))))
    words = [_build_query_words_parameter()] if declaration.query_words else []
    context = inspect.Parameter("typer_context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    def callback(*, typer_context: typer.Context, **values: Any) -> int:
        invocation = typer_context.ensure_object(Invocation)
        invocation.debug = values["debug"]
        options = {parameter.name: values.pop(parameter.name) for parameter in shared}
        for name, group in groups.items():
            values[name] = group.from_values({one.name: values.pop(one.name) for one in group_options[name]})
        told = parse_global_options(options, values.pop(_QUERY_WORDS, None) or [])
        with told.metadata_file or nullcontext():
            return _output_result(_call_function(declaration.function, values, told), told)

    parameters = [context, *own, *words, *shared]
    # Typer reads the options from these two.
    callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    callback.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return callback


def _build_query_words_parameter() -> inspect.Parameter:
    argument = typer.Argument(metavar="QUERY", help="JMESPath query in quotes, as for --query.", show_default=False)
    return inspect.Parameter(
        _QUERY_WORDS,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[list[str] | None, argument],
    )


def _call_function(function: Callable[..., object], values: Mapping[str, Any], shared: GlobalOptions) -> object:
    """Call a command's function and return its result; print the notes of an error before raising it again."""
    try:
        return function(**values, shared=shared)
    except MlrunError as error:
        for note in error.notes:
            shared.notes.warning(note)
        raise


def _output_result(returned: object, shared: GlobalOptions) -> int:
    """Write the result to the file of `-t` and, even if that fails, print it; return the exit code."""
    result = returned if isinstance(returned, Result) else Result(returned)
    try:
        if shared.metadata_file is not None and result.value is not None:
            shared.metadata_file.write(result.value)
    finally:
        _print_result(result, shared)
    return result.exit_code


def _print_result(result: Result, shared: GlobalOptions) -> None:
    is_markdown = shared.output_format is OutputFormat.MARKDOWN and shared.query is None
    prefers_table = result.prefers_table and shared.query is None and not shared.has_output_option
    is_for_people = shared.is_for_people or (prefers_table and sys.stdout.isatty())
    if (result.table is not None or result.layout is not None) and is_for_people:
        _print_for_people(result, pages=result.pages and sys.stdout.isatty())
    elif result.layout is not None and is_markdown:
        from mlrun_cli.cli.output.columns import print_layout_as_markdown  # noqa: PLC0415 - start-up

        print_layout_as_markdown(result.layout(sys.stdout.encoding), file=sys.stdout)
    elif result.value != [] or not shared.is_for_people:  # az prints an empty line for a table without lines
        _print_value(result, shared)


def _print_for_people(result: Result, *, pages: bool) -> None:
    """Print the table of a result to stdout, through a pager if `pages` is true."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=sys.stdout.encoding, errors="replace") if pages else sys.stdout
    width, colour = measure_terminal_width(), wants_colour(sys.stdout)
    if result.table is not None:
        result.table(file=file, width=width, colour=colour)
    elif result.layout is not None:
        from mlrun_cli.cli.output.columns import print_layout  # noqa: PLC0415 - start-up

        print_layout(result.layout(sys.stdout.encoding), file=file, width=width, colour=colour)
    if pages:
        from mlrun_cli.cli.output.pager import print_text  # noqa: PLC0415 - start-up

        file.seek(0)
        print_text(file.read())


def _print_value(result: Result, shared: GlobalOptions) -> None:
    value, first_columns = result.value, result.first_columns
    if shared.query is not None:
        value, first_columns = shared.query.apply(value), ()
    elif result.rows is not None and shared.output_format is OutputFormat.CSV:
        value = result.rows
    text = render(
        value,
        shared.output_format,
        is_query=shared.query is not None,
        colour=wants_colour(sys.stdout),
        first_columns=first_columns,
    )
    sys.stdout.write(text)


def measure_terminal_width() -> int | None:
    """Return COLUMNS, or else the width of the terminal in columns, or None if stdout is not a terminal."""
    return shutil.get_terminal_size((0, 0)).columns or None
