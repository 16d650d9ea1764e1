"""`run list --watch`: a list of runs that changes in place until all of them have ended."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from mlrun_cli.actions.run_watch import watch_runs
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.columns import Layout, render_layout
from mlrun_cli.cli.output.formats import OutputFormat
from mlrun_cli.cli.output.messages import wants_colour
from mlrun_cli.cli.output.screen import Screen
from mlrun_cli.cli.program import INTERRUPTED, Terminated
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace

_OTHER_LINES = 3


class LiveListing(Protocol):
    """A list of runs that can be drawn."""

    @property
    def runs(self) -> Sequence[Run]:
        """The listed runs."""

    def build_layout(self, encoding: str) -> Layout:
        """Return the table of the runs."""


_Listing = TypeVar("_Listing", bound=LiveListing)


def watch_listing(
    workspace: Workspace, read_listing: Callable[[], _Listing], global_options: GlobalOptions, *, on_screen: bool
) -> tuple[_Listing, int]:
    """Show a list until all of its runs have ended or Ctrl-C is pressed; return its last version and an exit code.

    Args:
        workspace: the workspace of the runs.
        read_listing: reads and reconciles the list.
        global_options: the global options.
        on_screen: whether to show the list on the terminal of stdout; otherwise each change of a status is a line on
            stderr.
    """
    listings = [read_listing()]

    def read_runs() -> Sequence[Run]:
        listings.append(read_listing())
        del listings[0]
        return listings[0].runs

    try:
        if on_screen:
            _redraw_on_screen(workspace, read_runs, lambda: listings[0])
        else:
            _print_changes(workspace, read_runs, global_options)
    except KeyboardInterrupt as interrupt:
        if isinstance(interrupt, Terminated):
            raise
        return listings[0], INTERRUPTED
    return listings[0], 0


def _redraw_on_screen(
    workspace: Workspace, read_runs: Callable[[], Sequence[Run]], get_listing: Callable[[], LiveListing]
) -> None:
    """Redraw the list on the terminal at each change, until all of its runs have ended."""
    encoding, colour = sys.stdout.encoding, wants_colour(sys.stdout)
    keys = sys.stdin.fileno() if sys.stdin.isatty() else None
    with Screen(sys.stdout, keys) as screen:
        for runs in watch_runs(workspace, read_runs, screen.wait_for_resize):
            size = screen.size
            layout = get_listing().build_layout(encoding)
            lines = render_layout(layout, encoding=encoding, width=size.columns, colour=colour).splitlines()
            room = max(1, size.lines - _OTHER_LINES)
            hidden = len(lines) - 1 - room
            more = f"{hidden} more below. " if hidden > 0 else ""
            ended = sum(run.status.is_terminal for run in runs)
            footer = f"{more}{ended} of {len(runs)} ended. Ctrl-C leaves."
            screen.draw([*lines[: 1 + room], footer[: size.columns - 1]])


def _print_changes(workspace: Workspace, read_runs: Callable[[], Sequence[Run]], global_options: GlobalOptions) -> None:
    """Print each change of a run's status as a message, until all runs have ended."""
    statuses: dict[str, str] = {}
    for runs in watch_runs(workspace, read_runs, _wait_without_resize):
        for run in reversed(runs):
            if statuses.get(run.run_id) != run.status.value:
                name = f" ({run.display_name})" if run.display_name else ""
                global_options.notes.info(f"{run.run_id}{name}: {run.status.value}")
                statuses[run.run_id] = run.status.value


def _wait_without_resize(seconds: float) -> bool:
    """Sleep and return False, since no resize of a terminal ends the wait early."""
    time.sleep(seconds)
    return False


def can_show_screen(global_options: GlobalOptions) -> bool:
    """Return whether the list can be redrawn: stdout is a terminal, and the output is a table or `none`."""
    wants_table = global_options.is_human_readable or (
        global_options.query is None
        and (not global_options.has_output_option or global_options.output_format is OutputFormat.NONE)
    )
    return wants_table and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
