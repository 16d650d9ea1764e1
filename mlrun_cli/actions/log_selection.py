"""Selection of a part of a run's logs, by number of lines, time or node, and the times of log lines."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.log_tail import find_last_lines
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS, format_iso, now
from mlrun_cli.errors import InvalidValue, LogTimesNotFound
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.log_times import LogTimes
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.submission import Submission
from mlrun_cli.wire.run_folder import ENVIRONMENT_LOG
from mlrun_cli.workspace import Workspace

_LONGEST_LINE = 1 << 20


class LogSelection(NamedTuple):
    """The conditions that select a part of a run's logs; each narrows it further.

    Attributes:
        tail: the number of last lines, of both logs together; None for all.
        since: the time in microseconds at or after which lines were written; None for any.
        node: the number of the node whose log is shown; None for the run's main log.
        has_times: whether each line begins with its time.
    """

    tail: int | None = None
    since: int | None = None
    node: int | None = None
    has_times: bool = False


WHOLE_LOG = LogSelection()


class LogStart(NamedTuple):
    """The script's log to show, and the start offsets in the environment's log and in that log."""

    log_name: str
    environment_offset: int = 0
    offset: int = 0


def find_log_start(workspace: Workspace, run: Run, selection: LogSelection) -> LogStart:
    """Return the name of the selected log, and the offsets in it and in the build log at which the selection starts.

    Raises:
        InvalidValue: the run has no such node.
        LogTimesNotFound: times are needed, and were not recorded.
    """
    folder = workspace.get_run_folder(run.run_id)
    name = folder.stdout_name if selection.node is None else _get_node_log_name(folder, run, selection.node)
    log = folder.artifacts / name
    if selection.since is not None or selection.has_times:
        _check_line_times(folder, run, log)
    offsets = [0, 0]
    if selection.since is not None:
        offsets = [_find_offset(folder, each, selection.since) for each in (folder.environment_log, log)]
    if selection.tail is not None:
        offset, found = _find_last_lines(log, selection.tail)
        before, _ = _find_last_lines(folder.environment_log, selection.tail - found)
        offsets = [max(pair) for pair in zip(offsets, (before, offset), strict=True)]
    return LogStart(name, *offsets)


class LineStamper:
    """Adds timestamps in UTC, to the second, to the start of log lines."""

    def __init__(self, workspace: Workspace, run: Run, start: LogStart) -> None:
        self._folder = workspace.get_run_folder(run.run_id)
        self._ended_at = run.ended_at
        self._offsets = {ENVIRONMENT_LOG: start.environment_offset, start.log_name: start.offset}
        self._times: dict[str, LogTimes] = {}
        self._is_within_line = False

    def stamp(self, log_name: str, chunk: bytes) -> bytes:
        """Return the next chunk of a log with a timestamp in front of each line that starts in it."""
        offset = self._offsets[log_name]
        self._offsets[log_name] = offset + len(chunk)
        lines = chunk.split(b"\n")
        stamped = []
        for number, line in enumerate(lines):
            is_last = number == len(lines) - 1
            if (line or not is_last) and not self._is_within_line:
                stamped.append(self._format_time(log_name, offset))
            stamped += [line] if is_last else [line, b"\n"]
            self._is_within_line = is_last and (bool(line) or self._is_within_line)
            offset += len(line) + 1
        return b"".join(stamped)

    def _format_time(self, log_name: str, offset: int) -> bytes:
        """Return the formatted time at which the byte at this offset of a log was written."""
        times = self._times.get(log_name)
        if times is None:
            times = self._times[log_name] = _read_times(self._folder, self._folder.artifacts / log_name)
        moment = times.find_time(offset)
        if moment is None:
            times.update()
            moment = times.find_time(offset)
        if moment is None:  # not marked yet, or its supervisor died
            moment = now() if self._ended_at is None else self._ended_at
        return f"{format_iso(moment - moment % MICROSECONDS)[:19]}Z ".encode("ascii")


def _get_node_log_name(folder: RunFolder, run: Run, node_index: int) -> str:
    """Return the name of the log of the node with this index."""
    document = read_json(folder.submission)
    launch = None if document is None else Submission.from_json(document).launch
    count = 1 if launch is None else launch.node_count
    if not 0 <= node_index < count:
        nodes = "one node, 0" if count == 1 else f"{count} nodes, 0 to {count - 1}"
        raise InvalidValue(f"--node: the run '{run.run_id}' has {nodes}.", hint="Use one of these.", target="--node")
    if launch is None:
        return folder.stdout_name
    from mlrun_cli.processes.launchers.registry import get_launcher  # noqa: PLC0415 - start-up: few logs are of one node

    return get_launcher(launch).get_node_log_name(node_index)


def _check_line_times(folder: RunFolder, run: Run, log_path: Path) -> None:
    """Raise if the times of a log's lines were not recorded.

    Raises:
        LogTimesNotFound: they were not, and there are lines.
    """
    if not folder.log_times.exists() and any(_get_size(path) for path in (log_path, folder.environment_log)):
        raise LogTimesNotFound(run.run_id)


def _get_size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _read_times(folder: RunFolder, log_path: Path) -> LogTimes:
    times = LogTimes(folder.get_log_times_path(log_path.name))
    times.update()
    return times


def _find_offset(folder: RunFolder, log_path: Path, since: int) -> int:
    """Return the offset of the first line written at or after a time, as far as is known."""
    offset = _read_times(folder, log_path).get_offset(since)
    if offset:
        with suppress(OSError), open(log_path, "rb") as file:
            file.seek(offset - 1)
            skipped = file.readline(_LONGEST_LINE)
            if skipped.endswith(b"\n"):
                return offset - 1 + len(skipped)
    return offset


def _find_last_lines(log_path: Path, line_count: int) -> tuple[int, int]:
    """Return the offset of a log's last lines and their number, or zeros if the log cannot be read."""
    try:
        descriptor = os.open(log_path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0, 0
    try:
        return find_last_lines(descriptor, max(0, line_count))
    finally:
        os.close(descriptor)
