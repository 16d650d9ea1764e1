"""Execution of a command line, with the program's only error boundary."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer
from typer.core import TyperGroup

from mlrun_cli.cli.command import Invocation
from mlrun_cli.cli.program import INTERRUPTED, Terminated
from mlrun_cli.cli.streams import flush_streams, prepare_streams

BROKEN_PIPE = 141


def run_command_line(tree: TyperGroup, words: Sequence[str], *, program: str = "mlrun") -> int:
    """Run a command line and return its exit code; report errors instead of raising them.

    Raises:
        Terminated: SIGTERM or SIGHUP arrived.
    """
    prepare_streams()
    invocation = Invocation()
    try:
        exit_code = _invoke_command(tree, words, program, invocation)
        sys.stdout.flush()
    except BrokenPipeError:
        exit_code = BROKEN_PIPE
    except Terminated:
        flush_streams()
        raise
    except KeyboardInterrupt:
        exit_code = INTERRUPTED
    except Exception as error:  # the one error boundary
        from mlrun_cli.cli.errors import report_error  # noqa: PLC0415 - not on the way of what succeeds

        exit_code = report_error(error, debug=invocation.debug)
    flush_streams()
    return exit_code


def _invoke_command(tree: TyperGroup, words: Sequence[str], program: str, invocation: Invocation) -> int:
    try:
        with tree.make_context(program, list(words), obj=invocation) as context:
            returned = tree.invoke(context)
            return returned if isinstance(returned, int) else 0
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.Abort:
        return INTERRUPTED
