"""What all tests share: the signals of a terminal, whoever starts them."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Have the commands that tests start end by signals that `nohup`, or a shell's `&`, has set to be ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
