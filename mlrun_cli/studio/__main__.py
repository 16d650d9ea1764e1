"""Serve the studio: `python -m mlrun_cli.studio OPTIONS`, with `StudioOptions.to_json`."""

from __future__ import annotations

import os
import signal
import sys

_INTERRUPTED = 130


def main(words: list[str]) -> int:
    """Serve; the exit code."""
    # Until it is served a signal ends it at once: it has nothing to lose, and what it loads takes a moment.
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    from mlrun_cli.errors import MlrunError  # noqa: PLC0415
    from mlrun_cli.serving.studio_options import StudioOptions  # noqa: PLC0415
    from mlrun_cli.studio.server import say, serve  # noqa: PLC0415

    try:
        ended_by = serve(StudioOptions.from_json(words[0]))
    except MlrunError as error:
        say(f"ERROR: {error.message}", *([error.hint] if error.hint else []))
        return error.exit_code
    return _INTERRUPTED if ended_by == signal.SIGINT else 0


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # all is closed by now
