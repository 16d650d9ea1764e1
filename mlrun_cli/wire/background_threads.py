"""Background threads of processes whose main thread delays signals."""

import signal
import threading
from typing import Any, Callable, Optional

HANDLED_SIGNALS = frozenset(
    {
        *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
        *(signal.SIGALRM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2),
    }
)
"""The signals for which scripts usually have handlers."""


def start_background_thread(
    target: Callable[..., None], *arguments: Any, name: Optional[str] = None
) -> "threading.Thread":
    """Start a daemon thread that blocks signals, and return it.

    A signal that the main thread blocks would be delivered to it, and Python calls the handler in the main thread all
    the same: in the middle of what must be completed first. Programs that the thread starts block the signals too.

    Raises:
        RuntimeError: no thread can be started any more.
    """
    thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED_SIGNALS)
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread
