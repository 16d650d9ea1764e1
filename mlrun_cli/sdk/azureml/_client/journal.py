"""The writer of a run's journal: one file per process, one line and one write per call."""

import errno
import fcntl
import os
from contextlib import suppress
from threading import RLock

from azureml._client.forking import ForkAware, reset_if_forked, reset_in_children
from azureml._wire.run_folder import JOURNAL
from azureml.exceptions import ServiceException, UserErrorException

_HIGH = 1000


class JournalClosedError(Exception):
    """The journal is closed; nothing was written."""


class Journal(ForkAware):
    """Appends lines to a file of its own in `<run folder>/journal/`, made when the first line comes.

    When `append` has returned, the line is the kernel's: no death of the script loses it. Threads may share a
    journal, a signal handler may append while its thread does, and a child made by `fork` begins a new file.
    """

    def __init__(self, run_folder: str) -> None:
        self._folder = f"{run_folder}/{JOURNAL}"
        self._name: str | None = None
        self._file = -1
        self._is_closed = False
        self._lock = RLock()
        reset_in_children(self)

    def append(self, line: str) -> None:
        """Write one line, whole or not at all.

        Raises:
            UserErrorException: The disk is full, or a limit on the size of files is reached.
            ServiceException: The run's folder is gone or cannot be written.
            JournalClosedError: It was closed before.
        """
        reset_if_forked()
        data = line.encode("ascii")
        done = 0
        with self._lock:
            if self._file < 0:
                self._open()
            try:
                done = os.write(self._file, data)
                while done < len(data):
                    done += os.write(self._file, data[done:])
            except OSError as error:
                if error.errno == errno.EBADF:  # a script that becomes a daemon closes all it finds open
                    self._file = -1
                    return self.append(line)
                self._cut_back(done)
                raise self._to_exception(error) from error
        return None

    def close(self) -> None:
        """Close the journal. A line that a thread is appending is written first."""
        reset_if_forked()
        with self._lock:
            self._is_closed = True
            self._close_file()

    def reset_after_fork(self) -> None:
        self._lock = RLock()
        self._close_file()

    def _open(self) -> None:
        if self._is_closed:
            raise JournalClosedError
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        name = f"{os.getpid()}-{_start_ticks()}-{os.urandom(4).hex()}.jsonl"
        try:
            file = _move_up(os.open(f"{self._folder}/{name}", flags, 0o600))
        except OSError as error:
            raise self._to_exception(error) from error
        if self._file < 0:
            self._name, self._file = name, file
        else:  # a signal handler has begun to log meanwhile
            os.close(file)

    def _cut_back(self, count: int) -> None:
        """Truncate the journal by the `count` bytes of a line that did not fit."""
        if count == 0:
            return
        try:
            os.ftruncate(self._file, os.fstat(self._file).st_size - count)
        except OSError:
            # A last line without newline counts for nothing, as long as nothing follows it.
            self._close_file()

    def _close_file(self) -> None:
        with suppress(OSError):  # it may have been closed by who closes all
            os.close(self._file)
        self._file = -1

    def _to_exception(self, error: OSError) -> "UserErrorException | ServiceException":
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return UserErrorException(
                f"This call recorded nothing: the disk that holds {self._folder} is full. Make room there.",
                error,
            )
        if error.errno == errno.EFBIG:
            return UserErrorException(
                f"This call recorded nothing: {self._name} has reached the limit on the size of files. "
                "See 'ulimit -f'.",
                error,
            )
        return ServiceException(
            f"This call recorded nothing: {self._folder} cannot be written ({error.strerror}).", error
        )


def _move_up(file: int) -> int:
    """Return the open file with a high descriptor, if one is free.

    A script that closes all it finds open and goes on opens files of its own by the lowest numbers: none of them may
    be the one that a journal is written by.
    """
    try:
        high = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, min(_HIGH, os.sysconf("SC_OPEN_MAX") // 2))
    except OSError:
        return file
    os.close(file)
    return high


def _start_ticks() -> str:
    """Return the start of this process in clock ticks since boot, which makes its pid unique."""
    try:
        file = os.open("/proc/self/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return "0"
    try:
        fields = os.read(file, 4096).rpartition(b")")[2].split()
    finally:
        os.close(file)
    return fields[19].decode("ascii")
