"""A full-screen view on a terminal, redrawn in place while a command watches runs or waits for keys."""

from __future__ import annotations

import os
import select
import signal
import termios
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import FrameType
from typing import Any, TextIO

_ENTER = "\033[?1049h\033[?25l"  # the alternate screen, without a cursor
_LEAVE = "\033[?25h\033[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\033[H", "\033[K", "\033[J"
_MAX_BYTES = 4096


class Screen:
    """The alternate screen of a terminal, shown during a `with` block and restored afterwards.

    Keys are read one by one, without being shown. Ctrl-C raises KeyboardInterrupt; Ctrl-Z stops the command as usual.
    """

    def __init__(self, output: TextIO, input_descriptor: int | None) -> None:
        """Prepare a screen.

        Args:
            output: the terminal.
            input_descriptor: the terminal from which keys are read; None if there is none.
        """
        self._output = output
        self._input = input_descriptor
        self._restore = ExitStack()
        self._shown: str | None = None

    def __enter__(self) -> Screen:
        with ExitStack() as stack:
            self._wakes, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            stack.callback(os.close, self._wakes)
            stack.callback(os.close, wake)
            stack.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(wake, warn_on_full_buffer=False))
            for number, handler in ((signal.SIGWINCH, _ignore_signal), (signal.SIGTSTP, self._suspend)):
                stack.callback(signal.signal, number, signal.signal(number, handler))
            stack.callback(self._leave)
            self._enter()
            self._restore = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._restore.close()

    @property
    def size(self) -> os.terminal_size:
        """The size of the terminal in columns and lines."""
        try:
            size = os.get_terminal_size(self._output.fileno())
        except OSError:
            size = os.terminal_size((0, 0))
        return os.terminal_size((size.columns or 80, size.lines or 24))

    def draw(self, lines: Sequence[str]) -> None:
        """Show as many lines as fit, in a single write and only if they have changed."""
        text = _HOME + "".join(f"{line}{_REST_OF_LINE}\r\n" for line in lines[: self.size.lines - 1]) + _REST_OF_SCREEN
        if text != self._shown:
            self._write(text)
            self._shown = text

    def wait(self, timeout_seconds: float | None) -> bytes:
        """Wait for keys, a signal or a resize of the terminal, up to a timeout; return the keys.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed, or the terminal is gone.
        """
        watched = [self._wakes, *([] if self._input is None else [self._input])]
        ready, _, _ = select.select(watched, [], [], timeout_seconds)
        if self._wakes in ready:
            os.read(self._wakes, _MAX_BYTES)
            self._shown = None
        if self._input not in ready or self._input is None:
            return b""
        keys = os.read(self._input, _MAX_BYTES)
        if not keys:
            raise KeyboardInterrupt
        return keys

    def wait_for_resize(self, timeout_seconds: float) -> bool:
        """Wait up to a timeout, ignoring keys; return True as soon as the terminal is resized, otherwise False.

        Raises:
            KeyboardInterrupt: as in `wait`.
        """
        deadline = time.monotonic() + timeout_seconds
        while (left := deadline - time.monotonic()) > 0:
            self.wait(left)
            if self._shown is None:
                return True
        return False

    def _enter(self) -> None:
        """Switch to the alternate screen, and disable echo and line buffering of the input."""
        if self._input is not None:
            self._modes = termios.tcgetattr(self._input)
            modes: list[Any] = termios.tcgetattr(self._input)
            modes[3] &= ~(termios.ECHO | termios.ICANON)
            modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._input, termios.TCSADRAIN, modes)
        self._shown = None
        self._write(_ENTER)

    def _leave(self) -> None:
        """Leave the alternate screen and restore the settings of the terminal."""
        try:
            self._write(_LEAVE)
            if self._input is not None:
                termios.tcsetattr(self._input, termios.TCSADRAIN, self._modes)
        except (OSError, termios.error):  # the terminal is gone
            pass

    def _suspend(self, signal_number: int, _frame: FrameType | None) -> None:
        """Suspend the process with the terminal restored, and redraw when the process continues."""
        self._leave()
        before = signal.signal(signal_number, signal.SIG_DFL)
        os.kill(os.getpid(), signal_number)
        signal.signal(signal_number, before)
        self._enter()

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()


def _ignore_signal(_number: int, _frame: FrameType | None) -> None:
    """Do nothing, since the signal wakes `Screen.wait`."""
