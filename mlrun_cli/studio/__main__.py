"""Serve the studio: `python -m mlrun_cli.studio OPTIONS`, where OPTIONS is the JSON of `StudioOptions.to_json`."""

from __future__ import annotations

import os
import signal
import sys

_INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Serve the studio until a signal stops it, and return the exit code."""
    # While modules are loading, a signal exits the program immediately.
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    from mlrun_cli.errors import MlrunError  # noqa: PLC0415
    from mlrun_cli.serving.studio_options import StudioOptions  # noqa: PLC0415
    from mlrun_cli.studio.server import print_to_stderr, serve  # noqa: PLC0415

    try:
        stop_signal = serve(StudioOptions.from_json(arguments[0]))
    except MlrunError as error:
        print_to_stderr(f"ERROR: {error.message}", *([error.hint] if error.hint else []))
        return error.exit_code
    return _INTERRUPTED if stop_signal == signal.SIGINT else 0


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # everything is closed
