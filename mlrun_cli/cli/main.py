"""Execution of a command line, with the program's only error boundary."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlrun_cli.cli.command import Declaration, Invocation, run_command
from mlrun_cli.cli.command_groups import find_declaration
from mlrun_cli.cli.plain_lines import NotPlain, parse_without_typer
from mlrun_cli.cli.program import INTERRUPTED, Terminated
from mlrun_cli.cli.streams import flush_streams, naming_output, prepare_streams

if TYPE_CHECKING:
    from typer.core import TyperGroup

BROKEN_PIPE = 141


def build_tree() -> TyperGroup:
    """Build and return the Typer group at the root of the command tree."""
    from mlrun_cli.cli.tree import build_root  # noqa: PLC0415 - plain lines do without Typer

    return build_root()


def run_command_line(
    arguments: Sequence[str],
    *,
    program: str = "mlrun",
    find_command: Callable[[Sequence[str]], tuple[Declaration, Sequence[str]] | None] = find_declaration,
    build_command_tree: Callable[[], TyperGroup] = build_tree,
) -> int:
    """Run a command line and return its exit code; report errors instead of raising them.

    Args:
        arguments: the words after the program's name.
        program: the program's name.
        find_command: returns the command that a line names with the words that follow it, or None.
        build_command_tree: returns the same commands as a group of Typer, for lines that are not plain.

    Raises:
        Terminated: SIGTERM or SIGHUP arrived.
        KeyboardInterrupt: Ctrl-C was pressed while a class was being created.
    """
    prepare_streams()
    invocation = Invocation()
    try:
        exit_code = _run_without_typer(arguments, find_command, invocation)
        if exit_code is None:
            from mlrun_cli.cli.typer_command import invoke_command  # noqa: PLC0415 - start-up

            exit_code = invoke_command(build_command_tree(), arguments, program, invocation)
        with naming_output():
            sys.stdout.flush()
    except BrokenPipeError:
        exit_code = BROKEN_PIPE
    except Terminated:
        flush_streams()
        raise
    except KeyboardInterrupt:
        exit_code = INTERRUPTED
    except SystemExit as end:
        exit_code = end.code if isinstance(end.code, int) else 1
    except Exception as error:  # the one error boundary
        if isinstance(error.__cause__, KeyboardInterrupt):  # while a class was created, before Python 3.12
            flush_streams()
            raise error.__cause__ from None
        from mlrun_cli.cli.errors import report_error  # noqa: PLC0415 - not on the way of what succeeds

        exit_code = report_error(error, debug=invocation.debug)
    flush_streams()
    return exit_code


def _run_without_typer(
    arguments: Sequence[str],
    find_command: Callable[[Sequence[str]], tuple[Declaration, Sequence[str]] | None],
    invocation: Invocation,
) -> int | None:
    """Run a command line without Typer and return its exit code, or return None if it requires Typer."""
    found = find_command(arguments)
    if found is None:
        return None
    declaration, following = found
    parameters = declaration.read_parameters()
    try:
        values = parse_without_typer(parameters.all_parameters, following, has_script=declaration.script)
    except NotPlain:
        return None
    return run_command(declaration, parameters, values, invocation)
