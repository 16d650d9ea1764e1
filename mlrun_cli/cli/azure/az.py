"""The `az` that `install-az` creates, with the commands that pipelines use besides `az ml`, simulated locally.

Each answer writes one line to stderr, and to stdout the JSON that Azure's own az would print, for steps that read it.
All other commands are passed to the real `az`, if one comes later on the PATH. The docstrings of the functions in
`_ANSWERS` are their help texts.
"""

from __future__ import annotations

import argparse
import inspect
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand

from mlrun_cli import __version__
from mlrun_cli.actions.workspaces import list_workspaces
from mlrun_cli.cli.azure.az_config import (
    DEFAULTS,
    build_setting_records,
    change_settings,
    parse_settings,
    read_settings,
)
from mlrun_cli.cli.azure.az_script import find_other_az
from mlrun_cli.cli.azure.login import NO_LOGIN
from mlrun_cli.cli.declarations import HELP_OPTIONS
from mlrun_cli.cli.global_options import parse_output_format
from mlrun_cli.cli.help.pages import format_command_help, format_group_help
from mlrun_cli.cli.output.formats import render
from mlrun_cli.cli.output.messages import Level, Messages, wants_colour
from mlrun_cli.cli.output.query import Query
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.names import DEFAULT_SUBSCRIPTION_ID
from mlrun_cli.errors import InvalidValue, MissingOption, ProgramNotFound, SettingNotFound, Unsupported, UsageError
from mlrun_cli.processes.host import get_user_name

_EXTENSIONS = ("azure-cli-ml", "azure_cli_ml", "ml")
_NOBODY = "00000000-0000-0000-0000-000000000000"

_DESCRIPTION = (
    "What pipelines type around 'az ml', answered by mlrun-cli without Azure. All else is handed to the az behind this"
    " one on the PATH; there is none."
)
_ML = "All commands of mlrun-cli; see 'az ml -h'."
_ON_OPTIONS = (
    "Azure's options may stay. -o, --query and --only-show-errors do what they do there; others that mean nothing here"
    " are passed over."
)


class AzArguments(NamedTuple):
    """The words of an az command up to its first option, and the options that are used by simulated commands."""

    words: Sequence[str]
    name: str | None
    location: str | None
    source: str | None
    defaults: Sequence[str] | None
    list_defaults: bool


class AzOutput(NamedTuple):
    """The output of a simulated az command.

    Attributes:
        note: the line for stderr.
        value: the value to print; None prints nothing.
        left_undone: what was not done with the real az, such as `was not logged in`, for a hint if there is one;
            None adds no hint.
    """

    note: str
    value: object = None
    left_undone: str | None = "was not asked"


class _Az(TyperCommand):
    """A command that receives all of its words unparsed, because they belong to another program."""

    _line: Sequence[str] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ARG002
        self._line = tuple(args)
        return []

    def invoke(self, ctx: Any) -> int:  # noqa: ARG002
        return _run_az_line(self._line)


def build_az_command() -> TyperCommand:
    """Return the command that the installed `az` script runs for everything except `az ml`."""
    return _Az("az", hidden=True, add_help_option=False)


def _run_az_line(line: Sequence[str]) -> int:
    words = tuple(takewhile(lambda word: not word.startswith("-"), line))
    beginnings = (" ".join(words[:2]), " ".join(words[:1] or line[:1]))
    name = next((each for each in beginnings if each in _ANSWERS), None)
    asks_for_help = not line or not set(HELP_OPTIONS).isdisjoint(line)
    real = find_other_az(os.environ.get("PATH", os.defpath))
    if asks_for_help and (name is not None or (real is None and _has_help_page(words))):
        sys.stdout.write(f"{_format_help_page() if name is None else _format_command_help(name)}\n")
        return 0
    if name is None:
        return _exec_real_az(real, line, words)
    options = _parse_command_options(name, line)
    query = None if options.query is None else Query.parse(options.query)
    output_format = parse_output_format(options.output)
    typed = AzArguments(words, options.name, options.location, options.source, options.defaults, options.list_defaults)
    answer = _ANSWERS[name](typed)
    if answer is None:
        return _exec_real_az(real, line, words)
    notes = Messages(sys.stderr, level=Level.ERRORS if options.only_show_errors else Level.NORMAL)
    notes.info(_format_note_with_hint(answer, real))
    value = answer.value if query is None else query.apply(answer.value)
    sys.stdout.write(render(value, output_format, is_query=query is not None, colour=wants_colour(sys.stdout)))
    return 0


class _OptionParser(argparse.ArgumentParser):
    """A parser of the options used by simulated commands; it ignores all other options of az."""

    def __init__(self, name: str) -> None:
        super().__init__(prog="az", add_help=False)
        is_configure = name == "configure"
        self.add_argument("--name", "-n", "--resource-group", "-g")
        self.add_argument("--location", *(() if is_configure else ("-l",)))
        self.add_argument("--local", action="store_true")
        self.add_argument("--source", "-s")
        self.add_argument("--defaults", "-d", nargs="*")
        self.add_argument("--list-defaults", *(("-l",) if is_configure else ()), action="store_true")
        self.add_argument("--output", "-o")
        self.add_argument("--query")
        self.add_argument("--only-show-errors", action="store_true")

    def error(self, message: str) -> NoReturn:
        """Raise a parser error as a UsageError to be printed by the error boundary.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"az: {message}.", hint="Write the option's whole name and a value, or leave it out.")


def _parse_command_options(name: str, line: Sequence[str]) -> argparse.Namespace:
    options = _OptionParser(name).parse_known_args(line)[0]
    if options.local:
        raise Unsupported(
            "Settings are kept for the user, not for a folder.", hint="Leave --local out.", target="--local"
        )
    return options


def _exec_real_az(real_az: Path | None, line: Sequence[str], arguments: Sequence[str]) -> int:
    """Replace this process with the real az; raise ProgramNotFound if there is none on PATH."""
    if real_az is None:
        what = " ".join(arguments[:2] or line[:1])
        raise ProgramNotFound(
            f"There is no Azure CLI on the PATH for '{f'az {what}'.strip()}'; this az is the one of mlrun-cli.",
            hint="Leave the step out, or install azure-cli behind it on the PATH.",
            target="az",
        )
    sys.stdout.flush()
    os.execv(real_az, [str(real_az), *line])


def _format_note_with_hint(answer: AzOutput, real_az: Path | None) -> str:
    """Return an answer's note, followed by a hint to call the real az if there is one and it would have done more."""
    if real_az is None or answer.left_undone is None:
        return answer.note
    return f"{answer.note} The az behind this one {answer.left_undone}: call it as {shlex.quote(str(real_az))}."


def _has_help_page(arguments: Sequence[str]) -> bool:
    """Return whether the arguments have a help page, that is, are empty or name a command group."""
    return not arguments or any(name.startswith(f"{arguments[0]} ") for name in _ANSWERS)


def _format_help_page() -> str:
    lines = {name: _get_command_description(name).partition("\n")[0] for name in _ANSWERS if not name.startswith("-")}
    return format_group_help(_build_context("az", ""), _DESCRIPTION, {"ml": _ML, **lines}, examples=(), topic="ci")


def _format_command_help(name: str) -> str:
    return format_command_help(
        _build_context(f"az {name}", f"{_get_command_description(name)}\n\n{_ON_OPTIONS}"), examples=(), topic="ci"
    )


def _get_command_description(name: str) -> str:
    return inspect.getdoc(_ANSWERS[name]) or ""


def _build_context(path: str, description: str) -> typer.Context:
    return typer.Context(TyperCommand(path, help=description), info_name=path, help_option_names=list(HELP_OPTIONS))


def _login(_arguments: AzArguments) -> AzOutput:
    """Report that no login is needed, and print a placeholder account."""
    return AzOutput(NO_LOGIN, [_build_placeholder_account()], left_undone="was not logged in")


def _logout(_arguments: AzArguments) -> AzOutput:
    """Report that no one is signed in."""
    return AzOutput("Nobody is signed in: runs are on this machine.")


def _choose_account(_arguments: AzArguments) -> AzOutput:
    """Report that there is no subscription to select."""
    return AzOutput("There is no subscription to choose: runs are on this machine.")


def _show_account(_arguments: AzArguments) -> AzOutput:
    """Print a placeholder account."""
    return AzOutput("There is no subscription; this is a placeholder.", _build_placeholder_account())


def _list_accounts(_arguments: AzArguments) -> AzOutput:
    """List the placeholder account."""
    return AzOutput("There is no subscription; this is a placeholder.", [_build_placeholder_account()])


def _build_placeholder_account() -> dict[str, Any]:
    return {
        "environmentName": "AzureCloud",
        "homeTenantId": _NOBODY,
        "id": DEFAULT_SUBSCRIPTION_ID,
        "isDefault": True,
        "managedByTenants": [],
        "name": "This machine",
        "state": "Enabled",
        "tenantId": _NOBODY,
        "user": {"name": get_user_name(), "type": "user"},
    }


def _change_extension(arguments: AzArguments) -> AzOutput | None:
    """Report that 'az ml' needs no extension; pass other extensions to the real az."""
    named = arguments.name or (arguments.source or "").rpartition("/")[2].partition("-")[0]
    if named not in _EXTENSIONS:
        return None
    return AzOutput("'az ml' is mlrun-cli's: no extension is needed.")


def _show_extension(arguments: AzArguments) -> AzOutput | None:
    """Print a placeholder for the 'az ml' extension."""
    if arguments.name not in _EXTENSIONS:
        return None
    return AzOutput("'az ml' is mlrun-cli's: no extension is needed.", _build_placeholder_extension(arguments.name))


def _list_extensions(_arguments: AzArguments) -> AzOutput:
    """List a placeholder for the 'az ml' extension."""
    return AzOutput("'az ml' is mlrun-cli's: no extension is needed.", [_build_placeholder_extension("azure-cli-ml")])


def _build_placeholder_extension(name: str) -> dict[str, Any]:
    return {"extensionType": "whl", "name": name, "preview": False, "version": __version__}


def _show_version(_arguments: AzArguments) -> AzOutput:
    """Print the version of mlrun-cli under the keys of `az version`."""
    versions = {"azure-cli": __version__, "azure-cli-core": __version__, "extensions": {"azure-cli-ml": __version__}}
    return AzOutput("This az is the one of mlrun-cli; these are its version.", versions)


def _configure(arguments: AzArguments) -> AzOutput | None:
    """Store or list defaults of az and of mlrun-cli."""
    if arguments.list_defaults:
        records = build_setting_records(_read_settings(DEFAULTS))
        return AzOutput("These are the defaults of az and of mlrun-cli.", records, left_undone=None)
    if arguments.defaults is None:
        return None
    change_settings((DEFAULTS, name, value) for name, value in parse_settings(arguments.defaults).items())
    return AzOutput("Kept as defaults of az and of mlrun-cli.", left_undone=None)


def _set_config(arguments: AzArguments) -> AzOutput:
    """Store settings of az and of mlrun-cli."""
    pairs = parse_settings(arguments.words[2:])
    if not pairs:
        raise MissingOption("No setting is named before the options.", hint="Write it as section.name=value.")
    for name in pairs:
        if "." not in name:
            raise InvalidValue(f"'{name}' has no section.", hint="Write it as section.name=value.", target=name)
    change_settings((*name.split(".", 1), value) for name, value in pairs.items())  # type: ignore[misc]
    return AzOutput("Kept as settings of az and of mlrun-cli.", left_undone=None)


def _get_config(arguments: AzArguments) -> AzOutput:
    """Print settings of az and of mlrun-cli."""
    return AzOutput(
        "These are the settings of az and of mlrun-cli.", _select_settings(arguments.words[2:]), left_undone=None
    )


def _select_settings(names: Sequence[str]) -> object:
    """Return the records of all settings or of a section such as `core`, or one record, as for `core.output`."""
    if not names:
        return {section: build_setting_records(pairs) for section, pairs in read_settings().items()}
    section, _, name = names[0].partition(".")
    records = build_setting_records(_read_settings(section))
    if not name:
        return records
    for record in records:
        if record["name"] == name:
            return record
    raise SettingNotFound(names[0])


def _read_settings(section: str) -> dict[str, str]:
    return read_settings().get(section, {})


def _show_group(arguments: AzArguments) -> AzOutput:
    """Print a resource group with the given name."""
    return AzOutput(
        "A resource group is no more than a name: there was nothing to do.",
        _build_group_record(arguments.name, arguments.location),
    )


def _report_group_exists(_arguments: AzArguments) -> AzOutput:
    """Report that a resource group exists, whatever its name."""
    return AzOutput("A resource group is no more than a name: each one is there.", value=True)


def _list_groups(_arguments: AzArguments) -> AzOutput:
    """List the resource groups of the workspaces on this machine."""
    names = sorted({workspace["resourceGroup"] for workspace in list_workspaces()})
    return AzOutput(
        "These are the groups of the workspaces on this machine.", [_build_group_record(name, None) for name in names]
    )


def _delete_group(_arguments: AzArguments) -> AzOutput:
    """Report that nothing was deleted: workspaces are kept."""
    return AzOutput("Nothing was deleted: a resource group is no more than a name, and its workspaces stay.")


def _build_group_record(name: str | None, location: str | None) -> dict[str, Any]:
    if not name:
        raise MissingOption("No resource group is named.", hint="Name it with -n NAME.", target="--name")
    return {
        "id": f"/subscriptions/{DEFAULT_SUBSCRIPTION_ID}/resourceGroups/{name}",
        "location": location or "local",
        "managedBy": None,
        "name": name,
        "properties": {"provisioningState": "Succeeded"},
        "tags": None,
        "type": "Microsoft.Resources/resourceGroups",
    }


_ANSWERS: dict[str, Callable[[AzArguments], AzOutput | None]] = {
    "--version": _show_version,
    "-v": _show_version,
    "account clear": _logout,
    "account list": _list_accounts,
    "account set": _choose_account,
    "account show": _show_account,
    "cloud set": _choose_account,
    "config get": _get_config,
    "config set": _set_config,
    "configure": _configure,
    "extension add": _change_extension,
    "extension list": _list_extensions,
    "extension remove": _change_extension,
    "extension show": _show_extension,
    "extension update": _change_extension,
    "group create": _show_group,
    "group delete": _delete_group,
    "group exists": _report_group_exists,
    "group list": _list_groups,
    "group show": _show_group,
    "login": _login,
    "logout": _logout,
    "version": _show_version,
}
"""Answers, keyed by the leading one or two words of a command; if one returns None, the real az runs the command."""
