"""Streaming of a run's logs to standard output while waiting for the run to end."""

import os
import sys
import time
from codecs import getincrementaldecoder
from glob import escape, glob
from typing import Any, Callable, Dict

from azureml._client.wording import translate_options
from azureml._wire.log_follow import LogFollower
from azureml._wire.run_error import describe_error
from azureml._wire.run_folder import ARTIFACTS, ENVIRONMENT_LOG, PROCESS_LOG_PREFIX, STD_LOG
from azureml._wire.run_output import format_summary, format_title, make_lines_printable

ENDED = frozenset({"Completed", "Failed", "Canceled"})
WITH_SCRIPT = frozenset({"Running", "Finalizing", "Completed"})
"""The statuses of a run whose script has been started."""
_QUICK_SECONDS = 0.02
_CALM_SECONDS = 0.25


def wait_until_ended(get_status: Callable[[], str], logs: "Logs | None" = None) -> None:
    """Wait until a run has ended; print its new output meanwhile if `logs` is given."""
    began = time.monotonic()
    while True:
        now = get_status()
        # Read the logs after the status, so that all output of an ended run is included.
        moved = logs is not None and logs.print_new_output(includes_script=now in WITH_SCRIPT)
        if now in ENDED:
            return
        is_quick = moved or time.monotonic() - began < 1
        time.sleep(_QUICK_SECONDS if is_quick else _CALM_SECONDS)


class Logs:
    """A printer of the output of a run's environment installer and then of its script.

    For a script with several processes, it prints the output of the first one.

    Args:
        run_folder: The path of the run's folder.
        name: The path of another log below the run's artifacts, to print instead of the script's.
    """

    def __init__(self, run_folder: str, name: "str | None" = None) -> None:
        artifacts = os.path.join(run_folder, ARTIFACTS)
        processes = sorted(glob(os.path.join(escape(artifacts), f"{PROCESS_LOG_PREFIX}*")))
        self._name = name or (os.path.relpath(processes[0], artifacts) if processes else STD_LOG)
        logs = os.path.join(artifacts, ENVIRONMENT_LOG), os.path.join(artifacts, self._name)
        self._follower = LogFollower(*logs, refresh=_load_refresh_function() if os.path.islink(artifacts) else None)
        self._installers_text = getincrementaldecoder("utf-8")("replace")
        self._scripts_text = getincrementaldecoder("utf-8")("replace")
        self._shown = ""

    def print_new_output(self, includes_script: bool) -> bool:
        """Print new output, with a title for the script's log once it has started; return whether there was any."""
        found = self._follower.copy_new_output(self._write_installer_output, self._write_script_output)
        if includes_script:
            self._print_title(self._name)
        if found:
            sys.stdout.flush()
        return found

    def _write_installer_output(self, chunk: bytes) -> None:
        self._print_title(ENVIRONMENT_LOG)
        # Third-party packages can print control characters during installation.
        sys.stdout.write(make_lines_printable(self._installers_text.decode(chunk)))

    def _write_script_output(self, chunk: bytes) -> None:
        self._print_title(self._name)
        sys.stdout.write(self._scripts_text.decode(chunk))

    def _print_title(self, log_name: str) -> None:
        """Print the title of a log unless the last printed lines are from that log."""
        if log_name != self._shown:
            self._shown = log_name
            sys.stdout.write(f"\n{format_title(log_name)}\n")
            sys.stdout.flush()


def _load_refresh_function() -> Callable[[int], object]:
    """Return the function that refreshes the size of an open log in a folder shared with nodes."""
    from azureml._wire.fresh_files import refresh_file_size

    return refresh_file_size


def format_run_summary(run_id: str, url: str, details: "Dict[str, Any]") -> str:
    """Return the summary of a run, to be printed below its logs: its id, URL, warnings and error."""
    lines = []
    if details.get("warnings"):
        lines.append("\nWarnings:")
        lines.extend(str(warning["message"]) for warning in details["warnings"])
    if details.get("error"):
        lines.append(f"\nError:\n{format_error(details['error'])}")
    return format_summary(run_id, url, lines)


def format_error(error: "Dict[str, Any]") -> str:
    """Return the message of a run's error, prefixed with the name of its exception if known."""
    return translate_options(describe_error(error))
