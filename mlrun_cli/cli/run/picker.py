"""The selection of a run on a terminal, for a command that requires a run but was given none."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timezone

from mlrun_cli.cli.output.cells import fit_width
from mlrun_cli.cli.output.columns import render_layout
from mlrun_cli.cli.output.keys import KeyReader, TerminalKey
from mlrun_cli.cli.output.messages import wants_colour
from mlrun_cli.cli.output.runs_table import build_runs_layout
from mlrun_cli.cli.output.screen import Screen
from mlrun_cli.runs.run import Run, build_run_record

_HELP = "Up, Down: move; type: filter; Enter: choose; Esc: leave"
_SHORT_HELP = "Enter: choose; Esc: leave"
"""The keys that a narrow terminal has room for."""
_REVERSE, _BOLD, _DIM, _PLAIN = "\033[7m", "\033[1m", "\033[2m", "\033[0m"
_OTHER_LINES = 4
_ESCAPE_SECONDS = 0.1
"""The time within which the rest of a key arrives that begins as Escape does."""


def pick_run(runs: Sequence[Run], article: str = "a") -> Run:
    """Let the user select `a`, `the first` or `the second` run on the terminal; print its id there and return the run.

    The terminal is that of stdin and stderr.

    Raises:
        KeyboardInterrupt: Escape or Ctrl-C was pressed.
    """
    with Screen(sys.stderr, sys.stdin.fileno()) as screen:
        run = _let_user_choose(_Picker(runs, f"Choose {article} run: ", screen), screen)
    sys.stderr.write(f"Run: {run.run_id}\n")
    return run


def _let_user_choose(choice: _Picker, screen: Screen) -> Run:
    """Show the list and handle keys until the user has selected a run; return the run."""
    keys = KeyReader()
    while True:
        choice.draw()
        data = screen.wait(_ESCAPE_SECONDS if keys.has_partial_key else None)
        for key in keys.decode(data, is_final=not data):
            if key is TerminalKey.ESCAPE:
                raise KeyboardInterrupt
            if key is TerminalKey.ENTER and choice.selected_run is not None:
                return choice.selected_run
            choice.handle_key(key)


class _Picker:
    """The list of runs on the screen, with its filter and the selected line."""

    def __init__(self, runs: Sequence[Run], prompt: str, screen: Screen) -> None:
        self._runs = runs
        self._prompt = prompt
        self._texts = [_build_search_text(run) for run in runs]
        self._screen = screen
        self._encoding = sys.stderr.encoding
        self._has_colour = wants_colour(sys.stderr)
        self._filter = ""
        self._matching = list(range(len(runs)))
        self._line = 0
        self._rendered: tuple[int, list[str]] = (0, [])

    @property
    def selected_run(self) -> Run | None:
        """The selected run, or None if no run matches the filter."""
        return self._runs[self._matching[self._line]] if self._matching else None

    def handle_key(self, key: TerminalKey | str) -> None:
        """Move the selection or change the filter, depending on the key."""
        page = self._page_height
        moves = {
            TerminalKey.UP: -1,
            TerminalKey.DOWN: 1,
            TerminalKey.PAGE_UP: -page,
            TerminalKey.PAGE_DOWN: page,
            TerminalKey.HOME: -len(self._runs),
            TerminalKey.END: len(self._runs),
        }
        if isinstance(key, str):
            self._set_filter(self._filter + key)
        elif key is TerminalKey.BACKSPACE:
            self._set_filter(self._filter[:-1])
        elif key is TerminalKey.CLEAR:
            self._set_filter("")
        else:
            self._line = max(0, min(len(self._matching) - 1, self._line + moves.get(key, 0)))

    def draw(self) -> None:
        """Draw the list so that the selected line is visible."""
        heading, *lines = self._render()
        first = max(0, min(self._line - self._page_height // 2, len(self._matching) - self._page_height))
        shown = [
            self._render_line(lines[place], is_chosen=number == self._line)
            for number, place in enumerate(self._matching[first : first + self._page_height], start=first)
        ]
        footer, short = (f"  {len(self._matching)} of {len(self._runs)}. {text}." for text in (_HELP, _SHORT_HELP))
        self._screen.draw(
            [
                self._style_text(_BOLD, self._fit_line(f"{self._prompt}{self._filter}_")),
                self._style_text(_DIM, self._fit_line(f"  {heading}")),
                *(shown or ["  No run matches."]),
                self._style_text(_DIM, self._fit_line(footer if len(footer) < self._screen.size.columns else short)),
            ]
        )

    @property
    def _page_height(self) -> int:
        return max(1, self._screen.size.lines - _OTHER_LINES)

    def _set_filter(self, text: str) -> None:
        self._filter, self._line = text, 0
        words = text.lower().split()
        self._matching = [
            place for place, its_text in enumerate(self._texts) if all(word in its_text for word in words)
        ]

    def _render(self) -> list[str]:
        """Return the heading and the lines of all runs, cut to the width of the terminal."""
        width = self._screen.size.columns - 2
        if self._rendered[0] != width:
            records = [build_run_record(run) for run in self._runs]
            layout = build_runs_layout(records, self._encoding, datetime.now(timezone.utc))
            text = render_layout(layout, encoding=self._encoding, width=width, colour=False)
            self._rendered = width, text.splitlines()
        return self._rendered[1]

    def _render_line(self, line: str, *, is_chosen: bool) -> str:
        return self._style_text(_REVERSE, f"> {line}") if is_chosen else f"  {line}"

    def _fit_line(self, text: str) -> str:
        shown = text.encode(self._encoding, "replace").decode(self._encoding)
        return fit_width(shown, self._screen.size.columns - 1).rstrip()

    def _style_text(self, style: str, text: str) -> str:
        return f"{style}{text}{_PLAIN}" if self._has_colour else text


def _build_search_text(run: Run) -> str:
    """Return the lower-case text of a run in which the words of the filter are searched."""
    tags = (f"{key}={value or ''}" for key, value in run.tags.items())
    words = (run.run_id, run.display_name, run.status.value, run.experiment_name, run.target, run.script_name, *tags)
    return " ".join(word for word in words if word).lower()
