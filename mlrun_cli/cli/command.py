"""Declaration of commands for the modules of command groups.

    app = Group("run")

    RunIds = Annotated[list[str], Option("--run", "-r", metavar="ID", help="Id of the run.")]

    @command(app, "cancel", examples=[("Cancel the newest run", "mlrun run cancel -r @latest"), ...])
    def cancel(run_ids: RunIds, global_options: GlobalOptions) -> object:
        '''Ask runs to stop.

        Returns at once: a run is `CancelRequested` until its script has ended.
        '''

The docstring is the help text, and its first line is the summary in listings. Parameters are declared by
`mlrun_cli.cli.declarations`. The global options are added and passed as the parameter `global_options`. A parameter
whose type is an `OptionGroup` stands for several options. `cancel` remains a plain function that a test can call.

A command returns a JSON-like value, which is printed as `-o` and `--query` specify, or None, which prints nothing, or
a `Result`, which can have an exit code and a human-readable table. It raises the exceptions of `mlrun_cli.errors`.
`query_words=True` lets a query follow the options without `--query`. `script=True` ends the options at the first word
that is not an option: that word and all words after it are passed unchanged to the command's variadic argument.

`run_command` runs a command with the values that a parser has found: that of plain lines, or Typer's.
"""

from __future__ import annotations

import importlib
import io
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol, TextIO, TypeVar

from mlrun_cli.cli.declarations import Argument, CommandParameter, Signature, read_signature
from mlrun_cli.cli.global_options import GlobalOptions, list_global_parameters, parse_global_options
from mlrun_cli.cli.output.formats import OutputFormat, list_left_out_columns, render
from mlrun_cli.cli.output.messages import wants_colour
from mlrun_cli.cli.streams import naming_output
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.names import quote_shortened
from mlrun_cli.errors import MlrunError, UnexpectedArgument

if TYPE_CHECKING:
    from mlrun_cli.cli.output.columns import Layout

_GLOBAL_OPTIONS = "global_options"
_RUN_OPTION = "-r"
_QUERY_WORDS = CommandParameter(
    "query_words", str, True, None, Argument(metavar="QUERY", help="JMESPath query in quotes, as for --query.")
)

Function = TypeVar("Function", bound=Callable[..., object])


class TablePrinter(Protocol):
    """A function that prints a result as a human-readable table or page."""

    def __call__(self, *, file: TextIO, width: int | None, colour: bool) -> None:
        """Print the table to `file`, in lines of at most `width` columns; None if it is not a terminal."""


class Result(NamedTuple):
    """The result of a command, with optional human-readable output and exit code.

    Attributes:
        value: the JSON-like value to print, to query and to write to the file of `-t`.
        table: printed instead of the value for `-o table` without a query.
        exit_code: the command's exit code once the value has been printed.
        layout: returns the table, for an encoding, that is printed instead of the value for `-o md`, and for `-o table`
            if there is no `table`, without a query.
        uses_pager: whether a terminal shows `-o table` through a pager.
        rows: the records that `-o csv` prints instead of the value without a query.
        first_columns: the first columns of `-o csv` without a query, as for `list_columns`.
        prefers_table: whether a terminal shows the table unless -o or --query is given.
    """

    value: object
    table: TablePrinter | None = None
    exit_code: int = 0
    layout: Callable[[str], Layout] | None = None
    uses_pager: bool = False
    rows: list[Mapping[str, Any]] | None = None
    first_columns: Sequence[str] = ()
    prefers_table: bool = False


class Declaration(NamedTuple):
    """A declared command: its function, examples and parsing settings."""

    function: Callable[..., object]
    examples: Sequence[tuple[str, str]]
    query_words: bool
    script: bool
    default_output: str

    @property
    def description(self) -> str:
        """The docstring of the command's function, which is its help text."""
        import inspect  # noqa: PLC0415 - only help needs it

        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first line of the description."""
        return self.description.partition("\n")[0]

    def read_parameters(self) -> CommandParameters:
        """Return the parameters of the command: its own, the words of a query, and the global options."""
        own = read_signature(self.function, excluded_names=[_GLOBAL_OPTIONS])
        words = [_QUERY_WORDS] if self.query_words else []
        used_names = {name for parameter in own.parameters for name in parameter.option_names}
        return CommandParameters(own, words, list_global_parameters(used_names, self.default_output))


class CommandParameters(NamedTuple):
    """The parameters of a command: its own, the words of a query if it takes one, and the global options."""

    own: Signature
    query_words: Sequence[CommandParameter]
    shared: Sequence[CommandParameter]

    @property
    def all_parameters(self) -> Sequence[CommandParameter]:
        """All parameters, in the order of the help page."""
        return [*self.own.parameters, *self.query_words, *self.shared]


class Group:
    """The subcommands of a command group, in the order of the help page; a subcommand may have two words.

    A group with a single module declares its commands there. A group that is a package lists its subcommands, each of
    which has a module that is imported when it is looked up.
    """

    def __init__(self, name: str, *, package: str | None = None, subcommands: Sequence[str] = ()) -> None:
        self.name = name
        self._package = package
        self._subcommands = subcommands
        self._declared: dict[str, Declaration] = {}

    def add_subcommand(self, subcommand: str, declaration: Declaration) -> None:
        """Add the declaration of a subcommand to the group."""
        self._declared[subcommand] = declaration

    def list_subcommands(self) -> Sequence[str]:
        """Return the subcommands, in the order of the help page."""
        return self._subcommands or tuple(self._declared)

    def find(self, subcommand: str) -> Declaration | None:
        """Return the declaration of a subcommand, importing its module if needed, or None if there is none."""
        if subcommand in self._subcommands and subcommand not in self._declared:
            importlib.import_module(f"{self._package}.{subcommand.replace('-', '_').replace(' ', '_')}")
        return self._declared.get(subcommand)

    @property
    def commands(self) -> Mapping[str, Declaration]:
        """The declarations of all subcommands, keyed by subcommand; reading them imports all of their modules."""
        found = {subcommand: self.find(subcommand) for subcommand in self.list_subcommands()}
        return {subcommand: declaration for subcommand, declaration in found.items() if declaration is not None}


class Invocation:
    """The state of a command's invocation that the error boundary needs."""

    def __init__(self) -> None:
        self.debug = False


def command(
    group: Group,
    subcommand: str,
    *,
    examples: Sequence[tuple[str, str]],
    query_words: bool = False,
    script: bool = False,
    default_output: str = OutputFormat.JSON.value,
) -> Callable[[Function], Function]:
    """Return a decorator that declares a function as a subcommand of a group.

    Args:
        group: the group to which the command belongs.
        subcommand: the subcommand, as it is typed.
        examples: pairs of a description and a command line.
        query_words: whether a query may follow the options without `--query`.
        script: whether the first word that is not an option, and all words after it, belong to the command's variadic
            argument.
        default_output: what the command prints without `-o`, as its help says it.
    """

    def declare(function: Function) -> Function:
        group.add_subcommand(subcommand, Declaration(function, examples, query_words, script, default_output))
        return function

    return declare


def run_command(
    declaration: Declaration, parameters: CommandParameters, values: Mapping[str, Any], invocation: Invocation
) -> int:
    """Run a command, print its result and return its exit code.

    Args:
        declaration: the command.
        parameters: its parameters.
        values: the value of each parameter, keyed by name.
        invocation: is changed to what the command line says about errors.
    """
    invocation.debug = values["debug"]
    query_words = values.get(_QUERY_WORDS.name) or []
    _check_no_run_ids(parameters.own, values, query_words)
    shared = parse_global_options(values, query_words)
    own = {parameter.name: values[parameter.name] for parameter in parameters.own.parameters}
    with shared.metadata_file or nullcontext():
        return _output_result(_call_function(declaration.function, parameters.own.gather_groups(own), shared), shared)


def _check_no_run_ids(own: Signature, values: Mapping[str, Any], query_words: Sequence[str]) -> None:
    """Raise if words in the place of a query follow the value of `-r`, so that they are probably further run ids.

    Raises:
        UnexpectedArgument: there are such words.
    """
    if not query_words or query_words[0].lstrip().startswith("["):
        return
    for parameter in own.parameters:
        given = values[parameter.name]
        if _RUN_OPTION in parameter.option_names and given:
            raise UnexpectedArgument(
                f"Unexpected argument {quote_shortened(query_words[0])}.",
                hint=describe_run_option(
                    given if parameter.is_list else [given], query_words[0], is_list=parameter.is_list
                )
                + "A query begins with '['.",
                target=query_words[0],
            )


def describe_run_option(run_ids: Sequence[str], next_word: str, *, is_list: bool) -> str:
    """Return advice, with a final space, on a word that follows the value of `-r` without an option of its own."""
    if not is_list:
        return "-r names one run here. "
    return f"Name each run with its own -r, as in '-r {run_ids[-1]} -r {next_word}'. "


def _call_function(function: Callable[..., object], values: Mapping[str, Any], global_options: GlobalOptions) -> object:
    """Call a command's function and return its result; print the notes of an error before raising it again."""
    try:
        return function(**values, global_options=global_options)
    except MlrunError as error:
        for note in error.notes:
            global_options.notes.warning(note)
        raise


def _output_result(returned_value: object, global_options: GlobalOptions) -> int:
    """Write a command's result to the file of `-t`, if given, and print it even if that fails; return the exit code."""
    result = returned_value if isinstance(returned_value, Result) else Result(returned_value)
    try:
        if global_options.metadata_file is not None and result.value is not None:
            global_options.metadata_file.write(result.value)
    finally:
        with naming_output():
            _print_result(result, global_options)
    return result.exit_code


def _print_result(result: Result, global_options: GlobalOptions) -> None:
    """Print a result to stdout, as a table or text for people or in the chosen output format."""
    is_markdown = global_options.output_format is OutputFormat.MARKDOWN and global_options.query is None
    prefers_table = result.prefers_table and global_options.query is None and not global_options.has_output_option
    is_human_readable = global_options.is_human_readable or (prefers_table and sys.stdout.isatty())
    if (result.table is not None or result.layout is not None) and is_human_readable:
        _print_human_readable(result, uses_pager=result.uses_pager and sys.stdout.isatty())
    elif result.layout is not None and is_markdown:
        from mlrun_cli.cli.output.columns import print_layout_as_markdown  # noqa: PLC0415 - start-up

        print_layout_as_markdown(result.layout(sys.stdout.encoding), file=sys.stdout)
    elif (
        result.value != [] or not global_options.is_human_readable
    ):  # az prints an empty line for a table without lines
        _print_value(result, global_options)


def _print_human_readable(result: Result, *, uses_pager: bool) -> None:
    """Print the table of a result to stdout, through a pager if `uses_pager` is true."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=sys.stdout.encoding, errors="replace") if uses_pager else sys.stdout
    width, colour = measure_terminal_width(), wants_colour(sys.stdout)
    if result.table is not None:
        result.table(file=file, width=width, colour=colour)
    elif result.layout is not None:
        from mlrun_cli.cli.output.columns import print_layout  # noqa: PLC0415 - start-up

        print_layout(result.layout(sys.stdout.encoding), file=file, width=width, colour=colour)
    if uses_pager:
        from mlrun_cli.cli.output.pager import print_text  # noqa: PLC0415 - start-up

        file.seek(0)
        print_text(file.read())


def _print_value(result: Result, global_options: GlobalOptions) -> None:
    """Print the value of a result, or the query's result for it, in the chosen output format."""
    value, first_columns = result.value, result.first_columns
    if global_options.query is not None:
        value, first_columns = global_options.query.apply(value), ()
        if global_options.output_format is OutputFormat.TABLE and sys.stderr.isatty():
            for name in list_left_out_columns(value):
                global_options.notes.info(f"Tables of az, and these, leave out '{name}': choose another name for it.")
    elif result.rows is not None and global_options.output_format is OutputFormat.CSV:
        value = result.rows
    text = render(
        value,
        global_options.output_format,
        is_query=global_options.query is not None,
        colour=wants_colour(sys.stdout),
        first_columns=first_columns,
    )
    sys.stdout.write(text)


def measure_terminal_width() -> int | None:
    """Return the value of COLUMNS, or else the terminal's width in columns, or None if stdout is not a terminal."""
    return shutil.get_terminal_size((0, 0)).columns or None
