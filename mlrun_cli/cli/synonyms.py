"""Synonyms of commands and options: their names in other programs, and in other commands of this one."""

from __future__ import annotations

from collections.abc import Collection

_OF_RUNS = {
    "abort": "cancel",
    "attach": "monitor-logs",
    "del": "delete",
    "describe": "show",
    "edit": "update",
    "fetch": "download",
    "follow": "monitor-logs",
    "get": "show",
    "info": "show",
    "inspect": "show",
    "kill": "cancel",
    "log": "monitor-logs",
    "logs": "monitor-logs",
    "ls": "list",
    "ps": "list",
    "pull": "download",
    "recover": "restore",
    "remove": "delete",
    "rm": "delete",
    "run": "submit-script",
    "set": "update",
    "start": "submit-script",
    "status": "show",
    "stop": "cancel",
    "stream": "monitor-logs",
    "submit": "submit-script",
    "tag": "update",
    "tail": "monitor-logs",
    "undelete": "restore",
    "watch": "monitor-logs",
}
_SUBCOMMANDS_OF_RUN = frozenset(
    {*_OF_RUNS.values(), "wait", "metrics", "files", "download-logs", "compare", "diff", "view"}
)
_OF_OTHERS = {
    "add": ("create", "register", "attach-local"),
    "add-schedule": ("create-schedule",),
    "clean": ("prune",),
    "del": ("delete", "unregister", "detach"),
    "delete": ("unregister", "detach"),
    "delete-schedule": ("disable-schedule",),
    "describe": ("show",),
    "gc": ("prune",),
    "get": ("show", "download"),
    "info": ("show",),
    "init": ("attach", "create", "scaffold"),
    "inspect": ("show",),
    "ls": ("list",),
    "make": ("create",),
    "new": ("create", "scaffold"),
    "pull": ("download",),
    "push": ("register", "upload"),
    "remove": ("delete", "unregister", "detach"),
    "rm": ("delete", "unregister", "detach"),
    "rmi": ("delete",),
    "set": ("update", "create"),
    "undelete": ("restore",),
    "view": ("show",),
}
_AT_THE_ROOT = {
    "dashboard": "studio",
    "init": "folder attach",
    "job": "run",
    "jobs": "run list",
    "runs": "run list",
    "schedules": "pipeline list-schedules",
    "server": "studio",
    "squeue": "queue list",
    "sweep": "run sweep",
    "trash": "run list --deleted",
    "ui": "studio",
}

_DESTINATIONS = ("--output-dir", "--target-dir", "--target-path")
_LABELS = ("--tag", "--add-tag", "--tags")
_RUNS = ("--run", "--run-id")
_NAMES = ("--model-id", "--display-name", *_RUNS)
_IDS = (*_RUNS, "--model-id", "--pipeline-id", "--schedule-id")
_LENGTHS = ("--last", "--max")
_OF_OPTIONS = {
    "--before": ("--until",),
    "--config": ("--run-configuration-name",),
    "--count": _LENGTHS,
    "--depends-on": ("--after",),
    "--dest": _DESTINATIONS,
    "--destination": _DESTINATIONS,
    "--detach": ("--async",),
    "--dir": _DESTINATIONS,
    "--filter": ("--where",),
    "--flavor": ("--target",),
    "--follow": ("--stream", "--watch"),
    "--force": ("--yes",),
    "--format": ("--output",),
    "--id": _IDS,
    "--job": _RUNS,
    "--job-id": _RUNS,
    "--jobs": ("--concurrent",),
    "--jq": ("--query",),
    "--json": ("--output",),
    "--label": _LABELS,
    "--labels": _LABELS,
    "--limit": _LENGTHS,
    "--lines": ("--tail",),
    "--max-results": _LENGTHS,
    "--n-trials": ("--max",),
    "--name": _NAMES,
    "--no-follow": ("--async",),
    "--no-wait": ("--async",),
    "--order-by": ("--sort",),
    "--parallel": ("--concurrent",),
    "--pipeline-parameters": ("--parameters",),
    "--pipeline-params": ("--parameters",),
    "--quiet": ("--only-show-errors",),
    "--recursive": ("--include-children",),
    "--requirements": ("--conda-dependencies",),
    "--reverse": ("--descending",),
    "--run": ("--run-id", "--parent-run-id"),
    "--secrets": ("--env",),
    "--sort-by": ("--sort",),
    "--time-limit": ("--timeout",),
    "--trials": ("--max",),
    "--version": ("--model-id",),
    "--wait": ("--stream",),
    "--workers": ("--concurrent",),
    "-D": _DESTINATIONS,
    "-L": _LENGTHS,
    "-P": ("--parameters", "--set"),
    "-i": _IDS,
    "-j": ("--concurrent",),
    "-l": _LABELS,
    "-n": ("--tail", *_LENGTHS, *_NAMES),
    "-q": ("--query",),
    "-r": ("--run-id", "--parent-run-id"),
}
"""For an option, those that can be meant by it, of which a command has at most one or the first is meant."""


def find_option_by_synonym(word: str, options: Collection[str]) -> str | None:
    """Return a command's option, of its long ones, that `word` is another name of; None if there is none."""
    return next((option for option in _OF_OPTIONS.get(word, ()) if option in options), None)


def find_subcommand_by_synonym(group: str, word: str, subcommands: Collection[str]) -> str | None:
    """Return a command group's subcommand that other programs call `word`; None if there is none."""
    if group == "run":
        return _OF_RUNS.get(word)
    return next((subcommand for subcommand in _OF_OTHERS.get(word, ()) if subcommand in subcommands), None)


def find_command_by_synonym(word: str) -> str | None:
    """Return the command for a synonym, or for a subcommand of `run` without its group; None for other words."""
    subcommand = word if word in _SUBCOMMANDS_OF_RUN else _OF_RUNS.get(word)
    return _AT_THE_ROOT.get(word) or (None if subcommand is None else f"run {subcommand}")
