"""The log of a sweep, `azureml-logs/hyperdrive.txt`."""

from __future__ import annotations

from datetime import datetime, timezone

from mlrun_cli.core.time import MICROSECONDS

HYPERDRIVE_LOG = "azureml-logs/hyperdrive.txt"


def format_log_line(logged_at: int, component: str, level: str, text: str) -> str:
    """Return a line in Azure's log format of 2024: `[2024-03-20T18:38:01.601970][GENERATOR][INFO]text`.

    Args:
        logged_at: the time in microseconds.
        component: API, GENERATOR, SCHEDULER or CONTROLLER.
        level: INFO, WARNING or ERROR.
        text: the text; line breaks become spaces.
    """
    moment = datetime.fromtimestamp(logged_at / MICROSECONDS, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"[{moment}][{component}][{level}]{' '.join(text.split())}\n"
