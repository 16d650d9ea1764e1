"""The browser of whoever sits before this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
_PROGRAM = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
_PATIENCE_SECONDS = 5.0


def has_browser(environment: Mapping[str, str]) -> bool:
    """Whether there is a screen, or a browser of the user's choice; one that takes over the terminal is none."""
    return sys.platform == "darwin" or any(environment.get(name) for name in _DISPLAYS)


def open_in_browser(address: str) -> bool:
    """Open a page; whether a browser took it.

    What a browser prints is not for the terminal, and Ctrl-C there is not for the browser. One that has not ended after
    five seconds has opened it.
    """
    try:
        browser = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM, address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return browser.wait(_PATIENCE_SECONDS) == 0
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False
