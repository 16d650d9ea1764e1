"""The options that every command accepts, and the values derived from them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mlrun_cli.cli.azure.defaults import read_azure_default
from mlrun_cli.cli.declarations import CommandParameter, Option, build_parameter
from mlrun_cli.cli.output.formats import OutputFormat
from mlrun_cli.cli.output.messages import Level, Messages, wants_colour
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import ConflictingOptions, InvalidOutputFormat

if TYPE_CHECKING:
    from mlrun_cli.cli.output.metadata_file import MetadataFile
    from mlrun_cli.cli.output.query import Query


GLOBAL_OPTIONS = "Global options"
"""The heading of the global options in the help."""

_FORMATS = "|".join(output_format.value for output_format in OutputFormat)


_PARAMETERS = (
    build_parameter(
        "output_metadata_file",
        Annotated[
            Path,
            Option(
                "--output-metadata-file", "-t", metavar="FILE", help="Also write the result as JSON to this new file."
            ),
        ],
    ),
    build_parameter(
        "subscription_id",
        Annotated[
            str, Option("--subscription-id", "--subscription", metavar="ID", help="Subscription. Any text is accepted.")
        ],
    ),
    build_parameter(
        "resource_group",
        Annotated[str, Option("--resource-group", "-g", metavar="NAME", help="Resource group. Any text is accepted.")],
    ),
    build_parameter(
        "workspace_name",
        Annotated[
            str, Option("--workspace-name", "-w", metavar="NAME", help="Workspace. Default: the attached folder's.")
        ],
    ),
    build_parameter(
        "path",
        Annotated[Path, Option("--path", metavar="FOLDER", help="The attached folder. Default: the current folder.")],
        Path(),
    ),
    build_parameter(
        "output",
        Annotated[str, Option("--output", "-o", metavar="FORMAT", help=f"{_FORMATS}.")],
    ),
    build_parameter(
        "query",
        Annotated[str, Option("--query", metavar="JMESPATH", help="Filter the result. See https://jmespath.org.")],
    ),
    build_parameter("verbose", Annotated[bool, Option("--verbose", help="Print more messages to stderr.")], False),
    build_parameter(
        "debug",
        Annotated[
            bool,
            Option(
                "--debug",
                help="Print all messages, tracebacks and error codes. MLRUN_ERROR_FORMAT=json prints errors as JSON.",
            ),
        ],
        False,
    ),
    build_parameter(
        "only_show_errors", Annotated[bool, Option("--only-show-errors", help="Print only errors to stderr.")], False
    ),
)
_DEFAULTS = {parameter.name: parameter.default for parameter in _PARAMETERS}


def list_global_parameters(used_names: Set[str], default_output: str) -> Sequence[CommandParameter]:
    """Return the parameters that declare the global options, without the names in `used_names`.

    Args:
        used_names: option names, such as `-t`, that the command's own options use and the shared ones give up.
        default_output: what the command prints without `-o`, as its help says it.
    """
    free = [parameter.without_names(used_names) for parameter in _PARAMETERS]
    return [
        parameter.with_remark(f"Default: {default_output}.") if parameter.name == "output" else parameter
        for parameter in free
        if parameter.option_names
    ]


class GlobalOptions(NamedTuple):
    """Values of the global options of a command.

    Names that were not given are None: the attached folder's names are used then, or else `default_*`.
    """

    path: Path = Path()
    workspace_name: str | None = None
    resource_group: str | None = None
    subscription_id: str | None = None
    output_format: OutputFormat = OutputFormat.JSON
    has_output_option: bool = False
    query: Query | None = None
    metadata_file: MetadataFile | None = None
    notes: Messages = Messages()

    @property
    def default_workspace_name(self) -> str | None:
        """The default workspace in az's settings, or None."""
        return read_azure_default("defaults", "workspace")

    @property
    def default_resource_group(self) -> str | None:
        """The default resource group in az's settings, or None."""
        return read_azure_default("defaults", "group")

    @property
    def is_human_readable(self) -> bool:
        """True if the output is a human-readable table or text: `-o table` without a query."""
        return self.output_format is OutputFormat.TABLE and self.query is None

    @property
    def wants_structured_output(self) -> bool:
        """True if `-o` or a query requests structured data from a command that prints text by default."""
        return (self.has_output_option and self.output_format is not OutputFormat.TABLE) or self.query is not None

    @property
    def can_prompt(self) -> bool:
        """True if a user can answer a prompt: stdin and stderr are terminals, and not those of a CI job."""
        from mlrun_cli.cli.ci.job import is_ci_job  # noqa: PLC0415 - start-up: few commands ask

        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty() and not is_ci_job()

    @property
    def shows_progress(self) -> bool:
        """True if progress is shown, that is, stderr is a terminal and messages are not silenced."""
        return self.notes.level >= Level.NORMAL and sys.stderr.isatty()


def parse_global_options(options: Mapping[str, Any], query_words: list[str]) -> GlobalOptions:
    """Parse and check the global options of a command.

    Args:
        options: values of parameters, keyed by name; those that are missing have their defaults.
        query_words: the words after the options, for commands that accept a query there.

    Raises:
        InvalidQuery: the query cannot be read.
        UsageError: the output format does not exist, or there are two queries.
    """
    options = {**_DEFAULTS, **options}
    notes = Messages(sys.stderr, level=_get_message_level(options), colour=wants_colour(sys.stderr))
    return GlobalOptions(
        path=options["path"],
        workspace_name=options["workspace_name"],
        resource_group=options["resource_group"],
        subscription_id=options["subscription_id"],
        output_format=parse_output_format(options["output"]),
        has_output_option=options["output"] is not None,
        query=_parse_query(options["query"], query_words, notes),
        metadata_file=_create_metadata_file(options["output_metadata_file"]),
        notes=notes,
    )


def _create_metadata_file(path: Path | None) -> MetadataFile | None:
    if path is None:
        return None
    from mlrun_cli.cli.output.metadata_file import MetadataFile  # noqa: PLC0415 - start-up

    return MetadataFile(path)


def _get_message_level(options: Mapping[str, Any]) -> Level:
    if options["debug"]:
        return Level.DEBUG
    if options["only_show_errors"]:
        return Level.ERRORS
    return Level.VERBOSE if options["verbose"] else Level.NORMAL


def parse_output_format(option_value: str | None) -> OutputFormat:
    """Return the output format given by `-o`, or else az's default, or else JSON.

    Raises:
        UsageError: the format does not exist.
    """
    text = option_value or read_azure_default("core", "output") or OutputFormat.JSON.value
    try:
        return OutputFormat(text.lower())
    except ValueError:
        origin = "-o" if option_value else "The output format set by AZURE_CORE_OUTPUT or az's config file"
        raise InvalidOutputFormat(
            f"{origin}: '{text}' is not an output format.", hint=f"Use {_FORMATS}.", target=text
        ) from None


def _parse_query(query_option: str | None, arguments: list[str], messages: Messages) -> Query | None:
    if query_option is not None and arguments:
        raise ConflictingOptions(
            f"There are two queries: --query {query_option!r} and {' '.join(arguments)!r}.",
            hint="Leave one of them out.",
            target="--query",
        )
    if query_option is None and not arguments:
        return None
    from mlrun_cli.cli.output.query import Query, parse_query_words  # noqa: PLC0415 - start-up

    if query_option is not None:
        return Query.parse(query_option)
    query, note = parse_query_words(arguments)
    if note is not None:
        messages.warning(note)
    return query
