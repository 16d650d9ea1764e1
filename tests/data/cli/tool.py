"""A small program on the command framework: what the tests of the framework run."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, TextIO

from mlrun_cli.cli.command import Group, Result, command
from mlrun_cli.cli.command_groups import find_subcommand_declaration
from mlrun_cli.cli.declarations import Argument, Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.main import run_command_line
from mlrun_cli.errors import RunNotFound

if TYPE_CHECKING:
    from typer.core import TyperGroup

RECORDS = [
    {"run_id": "é_2", "status": "Failed", "properties": {"author": "azureml-user"}, "tags": {}},
    {"run_id": "a_1", "status": "Completed", "properties": {}, "tags": {}},
]

app = Group("run")


def print_people(*, file: TextIO, width: int | None, colour: bool) -> None:
    file.write(f"for people: {width} {colour}\n")


@command(app, "list", examples=[("All", "mlrun run list"), ("Three", "mlrun run list --last 3")], query_words=True)
def list_runs(
    global_options: GlobalOptions,
    last: Annotated[int, Option("--last", metavar="N", help="How many.", min=1)] = 10,
    tags: Annotated[list[str] | None, Option("--tags", metavar="KEY[=VALUE]", help="Only runs with this tag.")] = None,
) -> object:
    """List runs, newest first.

    Child runs are left out.

    A paragraph that is longer than any page is wide, so that it has to be broken into lines whatever the width of
    the terminal is that it is shown in.
    """
    global_options.notes.info(f"tags: {tags}")
    global_options.notes.detail("more")
    return Result(RECORDS[:last], table=print_people)


@command(app, "submit-script", examples=[("One", "mlrun run submit-script train.py")], script=True)
def submit_script(
    global_options: GlobalOptions,
    words: Annotated[
        list[str] | None,
        Argument(metavar="SCRIPT [ARGUMENT ...]", help="The script and its arguments."),
    ] = None,
    runconfig: Annotated[
        str | None, Option("--run-configuration-name", "-c", metavar="NAME", help="Runconfig.")
    ] = None,
    is_async: Annotated[bool, Option("--async", help="Return at once.")] = False,
) -> object:
    """Run a script."""
    del global_options
    return {"words": words, "runconfig": runconfig, "async": is_async}


class Signal(str, Enum):
    INTERRUPT = "int"
    TERMINATE = "term"


@command(app, "cancel", examples=[("One", "mlrun run cancel -r @latest")])
def cancel(
    global_options: GlobalOptions,
    run_ids: Annotated[list[str] | None, Option("--run", "-r", metavar="ID", help="Id of a run.")] = None,
    grace: Annotated[str, Option("--grace", metavar="TIME", help="Before SIGKILL. Default: 10s.")] = "10s",
    signal: Annotated[Signal, Option("--signal", help="What it gets.")] = Signal.TERMINATE,
) -> object:
    """Cancel runs."""
    del global_options
    return {"runs": run_ids, "grace": grace, "signal": signal.value}


@command(app, "show-files", examples=[("All", "mlrun run show-files")])
def show_files(
    global_options: GlobalOptions,
    paths: Annotated[list[str] | None, Argument(metavar="[PATH]...", help="Files.")] = None,
) -> object:
    """Show files."""
    del global_options
    return paths


def _raise(error: BaseException) -> object:
    raise error


def _held() -> object:
    """Go on when standard input ends."""
    print("held", file=sys.stderr, flush=True)
    return sys.stdin.read()


def _noted() -> object:
    error = RunNotFound("noted")
    error.notes = ("a key is skipped",)
    raise error


FAULTS: dict[str, Callable[[], object]] = {
    "missing": lambda: _raise(RunNotFound("missing\x1b[2J")),
    "bug": lambda: RECORDS[0]["x"],
    "interrupt": lambda: _raise(KeyboardInterrupt()),
    "full": lambda: _raise(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/x")),
    "database": lambda: _raise(sqlite3.OperationalError("disk I/O error")),
    "failed": lambda: Result({"status": "Failed"}, exit_code=1),
    "nothing": lambda: None,
    "held": _held,
    "noted": _noted,
    "text": lambda: "日本語 \udcff",
    "many": lambda: list(range(100_000)),
}


@command(app, "show", examples=[("One", "mlrun run show -r @latest")])
def show(
    run_id: Annotated[str, Option("--run", "-r", metavar="ID", help="Id of the run.")], global_options: GlobalOptions
) -> object:
    """Show a run."""
    defaults = {
        "workspace": global_options.workspace_name or global_options.default_workspace_name,
        "group": global_options.resource_group or global_options.default_resource_group,
        "subscription": global_options.subscription_id,
        "path": str(global_options.path),
    }
    return FAULTS.get(run_id, lambda: defaults)()


def build_group() -> TyperGroup:
    from mlrun_cli.cli.tree import CommandGroup  # noqa: PLC0415 - plain lines do without Typer

    return CommandGroup(app)


if __name__ == "__main__":
    find = partial(find_subcommand_declaration, app)
    sys.exit(run_command_line(sys.argv[1:], program="mlrun run", find_command=find, build_command_tree=build_group))
