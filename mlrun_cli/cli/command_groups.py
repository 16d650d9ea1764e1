"""The command groups and commands of `mlrun` with their modules, and the command that a line names.

A module is imported when its command group, or the subcommand of a package, is typed.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlrun_cli.cli.command import Declaration, Group

COMMAND_GROUPS = {
    "folder": "Attach a folder to a workspace.",
    "experiment": "List, show, open, delete and restore experiments.",
    "workspace": "Create, list, show and prune workspaces.",
    "run": "Submit a script, then follow, list, show, cancel, update, delete and restore runs.",
    "pipeline": "Publish pipelines, and run them at certain times.",
    "runconfig": "List, show and check runconfigs.",
    "environment": "Register, list, show and download environments, and prune those built for runs.",
    "model": "Register models, then list, show, download, update and delete them.",
    "computetarget": "Create, attach, list, show and delete compute targets.",
    "queue": "List what runs on each compute target, and what waits for it.",
    "dataset": "Register files as datasets, then list, show and unregister them.",
    "datastore": "Attach folders as datastores, and copy files to and from them.",
}
"""A summary of each command group, whose module or package is `mlrun_cli.cli.<name>` and defines the Group `app`."""

TOP_LEVEL_GROUPS = {
    "notify": "Notify people and programs of the ends of runs.",
    "service": "Start queued runs after a reboot of this machine.",
}
"""Command groups that are not under `ml`, because az has other commands with these names there."""

COMMANDS = {
    "studio": ("Serve web pages to view, compare, share and cancel runs.", "studio"),
    "top": ("Watch the live runs, with the CPU, memory and GPU that they use.", "top"),
    "install-az": (
        "Install mlrun-cli's replacement for the 'az' command in a folder that a CI pipeline has on its PATH.",
        "azure.install_az",
    ),
}
"""Commands without a group, each with its summary and its module."""


def import_group(name: str) -> Group:
    """Import the module of a command group, or of a command without a group, and return its `Group`."""
    module = COMMANDS[name][1] if name in COMMANDS else name
    group: Group = importlib.import_module(f"mlrun_cli.cli.{module}").app
    return group


def find_declaration(arguments: Sequence[str]) -> tuple[Declaration, Sequence[str]] | None:
    """Return the declaration of the command that starts a line and the words after it, or None if there is none."""
    is_under_ml = arguments[:1] == ["ml"]
    name, *following = arguments[is_under_ml:] or [""]
    if name in COMMANDS and not is_under_ml:
        declaration = import_group(name).find(name)
        return None if declaration is None else (declaration, following)
    if name in COMMAND_GROUPS or (name in TOP_LEVEL_GROUPS and not is_under_ml):
        return find_subcommand_declaration(import_group(name), following)
    return None


def find_subcommand_declaration(group: Group, arguments: Sequence[str]) -> tuple[Declaration, Sequence[str]] | None:
    """Return the declaration of a subcommand of one or two words, and the remaining words, or None if there is none."""
    subcommands = group.list_subcommands()
    count = 2 if " ".join(arguments[:2]) in subcommands else 1
    subcommand = " ".join(arguments[:count])
    if subcommand not in subcommands or _is_azure_only(group.name, arguments[:2]):
        return None
    declaration = group.find(subcommand)
    return None if declaration is None else (declaration, arguments[count:])


def _is_azure_only(group: str, arguments: Sequence[str]) -> bool:
    """Return whether two words after a group, such as `attach aks`, name a command that only Azure has."""
    if len(arguments) < 2 or arguments[1].startswith("-"):
        return False
    from mlrun_cli.cli.azure.unsupported import AZURE_ONLY  # noqa: PLC0415 - start-up

    return f"{group} {' '.join(arguments)}" in AZURE_ONLY
