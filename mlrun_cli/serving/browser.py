"""The user's web browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
_PROGRAM = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
_TIMEOUT_SECONDS = 5.0


def has_browser(environ: Mapping[str, str]) -> bool:
    """Return whether a browser can probably be opened: on macOS, with a display, or if `BROWSER` is set."""
    return sys.platform == "darwin" or any(environ.get(name) for name in _DISPLAYS)


def open_in_browser(url: str) -> bool:
    """Open a page in a browser, and return whether a browser has accepted it.

    Its output is discarded, and Ctrl-C in the terminal does not reach it. A browser that still runs after five seconds
    has accepted the page.
    """
    try:
        browser = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return browser.wait(_TIMEOUT_SECONDS) == 0
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False
