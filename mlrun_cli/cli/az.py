"""`az` as `install-az` puts it on the PATH: what pipelines type around `az ml`, which needs no Azure here.

Each answer has one line on stderr, and on stdout the JSON that Azure's own would have, for steps that read it.
What is not answered here is handed to the real `az` behind ours on the PATH.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from typer.core import TyperCommand

from mlrun_cli import __version__
from mlrun_cli.actions.workspaces import list_workspaces
from mlrun_cli.cli.az_config import DEFAULTS, change_settings, read_settings, setting_records, settings_of
from mlrun_cli.cli.notes import Level, Notes, wants_colour
from mlrun_cli.cli.output import render
from mlrun_cli.cli.query import Query
from mlrun_cli.cli.shared import output_format_of
from mlrun_cli.domain.names import DEFAULT_SUBSCRIPTION_ID
from mlrun_cli.errors import MlrunError, NotFound, UsageError
from mlrun_cli.execution.host import user_name
from mlrun_cli.files.az_script import az_behind

_EXTENSIONS = ("azure-cli-ml", "azure_cli_ml", "ml")
_NOBODY = "00000000-0000-0000-0000-000000000000"


class Typed(NamedTuple):
    """The words of a line up to its first option, and the options that an answer looks at."""

    words: Sequence[str]
    name: str | None
    location: str | None
    source: str | None
    defaults: Sequence[str] | None
    list_defaults: bool


class Answer(NamedTuple):
    """The line for stderr, and what is printed; None prints nothing."""

    note: str
    value: object = None


class _Az(TyperCommand):
    """A command that gets every word behind it as it was typed: they are those of another program."""

    _line: Sequence[str] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ARG002
        self._line = tuple(args)
        return []

    def invoke(self, ctx: Any) -> int:  # noqa: ARG002
        return _answer(self._line)


def az_command() -> TyperCommand:
    """What the `az` of `install-az` starts for everything but `az ml`."""
    return _Az("az", hidden=True, add_help_option=False)


def _answer(line: Sequence[str]) -> int:
    words = tuple(takewhile(lambda word: not word.startswith("-"), line))
    find = _ANSWERS.get(" ".join(words[:2])) or _ANSWERS.get(" ".join(words[:1] or line[:1]))
    if find is None:
        return _hand_on(line, words)
    options = _options(line)
    query = None if options.query is None else Query.parse(options.query)
    output_format = output_format_of(options.output)
    answer = find(Typed(words, options.name, options.location, options.source, options.defaults, options.list_defaults))
    if answer is None:
        return _hand_on(line, words)
    Notes(sys.stderr, level=Level.ERRORS if options.only_show_errors else Level.NORMAL).say(answer.note)
    value = answer.value if query is None else query.apply(answer.value)
    sys.stdout.write(render(value, output_format, is_query=query is not None, colour=wants_colour(sys.stdout)))
    return 0


def _options(line: Sequence[str]) -> argparse.Namespace:
    """The options that answers look at; all others of az are passed over."""
    parser = argparse.ArgumentParser(prog="az", add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--name", "-n", "--resource-group", "-g")
    parser.add_argument("--location", "-l")
    parser.add_argument("--source")
    parser.add_argument("--defaults", "-d", nargs="*")
    parser.add_argument("--list-defaults", action="store_true")
    parser.add_argument("--output", "-o")
    parser.add_argument("--query")
    parser.add_argument("--only-show-errors", action="store_true")
    try:
        return parser.parse_known_args(line)[0]
    except argparse.ArgumentError as error:
        raise UsageError(f"az: {error}.", hint="Give the option a value, or leave it out.") from error


def _hand_on(line: Sequence[str], words: Sequence[str]) -> int:
    """Become the real az."""
    real = az_behind(os.environ.get("PATH", os.defpath))
    if real is None:
        what = " ".join(words[:2] or line[:1])
        raise MlrunError(
            f"There is no Azure CLI on the PATH for '{f'az {what}'.strip()}'; this az is the one of mlrun-cli.",
            hint="Leave the step out, or install azure-cli behind it on the PATH.",
        )
    sys.stdout.flush()
    os.execv(real, [str(real), *line])  # noqa: S606 — a program on the PATH, with the words of its user


def _login(_typed: Typed) -> Answer:
    return Answer("No login is needed: runs are on this machine and belong to the user who starts them.", [_account()])


def _logout(_typed: Typed) -> Answer:
    return Answer("Nobody is signed in: runs are on this machine.")


def _choose_account(_typed: Typed) -> Answer:
    return Answer("There is no subscription to choose: runs are on this machine.")


def _show_account(_typed: Typed) -> Answer:
    return Answer("There is no subscription: this stands in for one.", _account())


def _list_accounts(_typed: Typed) -> Answer:
    return Answer("There is no subscription: this stands in for one.", [_account()])


def _account() -> dict[str, Any]:
    return {
        "environmentName": "AzureCloud",
        "homeTenantId": _NOBODY,
        "id": DEFAULT_SUBSCRIPTION_ID,
        "isDefault": True,
        "managedByTenants": [],
        "name": "This machine",
        "state": "Enabled",
        "tenantId": _NOBODY,
        "user": {"name": user_name(), "type": "user"},
    }


def _change_extension(typed: Typed) -> Answer | None:
    """None for the extensions of other services: those are the real az's."""
    named = typed.name or (typed.source or "").rpartition("/")[2].partition("-")[0]
    if named not in _EXTENSIONS:
        return None
    return Answer("'az ml' is mlrun-cli's: no extension is needed.")


def _show_extension(typed: Typed) -> Answer | None:
    if typed.name not in _EXTENSIONS:
        return None
    return Answer("'az ml' is mlrun-cli's: no extension is needed.", _extension(typed.name))


def _list_extensions(_typed: Typed) -> Answer:
    return Answer("'az ml' is mlrun-cli's: no extension is needed.", [_extension("azure-cli-ml")])


def _extension(name: str) -> dict[str, Any]:
    return {"extensionType": "whl", "name": name, "preview": False, "version": __version__}


def _show_version(_typed: Typed) -> Answer:
    versions = {"azure-cli": __version__, "azure-cli-core": __version__, "extensions": {"azure-cli-ml": __version__}}
    return Answer("This az is the one of mlrun-cli; these are its version.", versions)


def _configure(typed: Typed) -> Answer | None:
    if typed.list_defaults:
        return Answer("These are the defaults of az and of mlrun-cli.", setting_records(_settings(DEFAULTS)))
    if typed.defaults is None:
        return None
    change_settings((DEFAULTS, name, value) for name, value in settings_of(typed.defaults).items())
    return Answer("Kept as defaults of az and of mlrun-cli.")


def _set_config(typed: Typed) -> Answer:
    pairs = settings_of(typed.words[2:])
    for name in pairs:
        if "." not in name:
            raise UsageError(f"'{name}' names no section.", hint="Write it as section.name=value.")
    change_settings((*name.split(".", 1), value) for name, value in pairs.items())  # type: ignore[misc]
    return Answer("Kept as settings of az and of mlrun-cli.")


def _get_config(typed: Typed) -> Answer:
    note = "These are the settings of az and of mlrun-cli."
    if not typed.words[2:]:
        return Answer(note, {section: setting_records(pairs) for section, pairs in read_settings().items()})
    section, _, name = typed.words[2].partition(".")
    records = setting_records(_settings(section))
    if not name:
        return Answer(note, records)
    for record in records:
        if record["name"] == name:
            return Answer(note, record)
    raise NotFound(f"The setting '{typed.words[2]}' is not set.", hint="'az config get' shows those that are.")


def _settings(section: str) -> dict[str, str]:
    return read_settings().get(section, {})


def _show_group(typed: Typed) -> Answer:
    return Answer(
        "A resource group is no more than a name: there was nothing to do.", _group(typed.name, typed.location)
    )


def _group_exists(_typed: Typed) -> Answer:
    return Answer("A resource group is no more than a name: each one is there.", value=True)


def _list_groups(_typed: Typed) -> Answer:
    names = sorted({workspace["resourceGroup"] for workspace in list_workspaces()})
    return Answer("These are the groups of the workspaces on this machine.", [_group(name, None) for name in names])


def _delete_group(_typed: Typed) -> Answer:
    return Answer("Nothing was deleted: a resource group is no more than a name, and its workspaces stay.")


def _group(name: str | None, location: str | None) -> dict[str, Any]:
    if not name:
        raise UsageError("No resource group is named.", hint="Give one with -n NAME.")
    return {
        "id": f"/subscriptions/{DEFAULT_SUBSCRIPTION_ID}/resourceGroups/{name}",
        "location": location or "local",
        "managedBy": None,
        "name": name,
        "properties": {"provisioningState": "Succeeded"},
        "tags": None,
        "type": "Microsoft.Resources/resourceGroups",
    }


_ANSWERS: dict[str, Callable[[Typed], Answer | None]] = {
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
    "group exists": _group_exists,
    "group list": _list_groups,
    "group show": _show_group,
    "login": _login,
    "logout": _logout,
    "version": _show_version,
}
"""By the one or two words that a line begins with; None from one of them leaves the line to the real az."""
