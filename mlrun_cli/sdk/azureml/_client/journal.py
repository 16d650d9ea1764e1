"""The writer of a run's journal, with one file per process and one line and one write per call."""

import errno
import fcntl
import os
from contextlib import suppress
from threading import RLock

from azureml._client.forking import HAS_FORK_HOOKS, ForkAware, register_fork_aware, reset_if_forked
from azureml._wire.run_folder import JOURNAL
from azureml.exceptions import ServiceException, UserErrorException

_HIGH = 1000


class JournalClosedError(Exception):
    """The journal is closed; nothing was written."""


class Journal(ForkAware):
    """A writer that appends lines to a file in `<run folder>/journal/`, created with the first line.

    When `append` has returned, the kernel has the line, so that it survives a crash of the script. Threads may share a
    journal, a signal handler may interrupt `append` and append itself, and a forked child starts a new file.
    """

    def __init__(self, run_folder: str) -> None:
        self._folder = f"{run_folder}/{JOURNAL}"
        self._name: str | None = None
        self._file = -1
        self._is_closed = False
        self._lock = RLock()
        register_fork_aware(self)

    def append(self, line: str) -> None:
        """Append a line, completely or not at all.

        Raises:
            UserErrorException: The disk is full, or a limit on the size of files is reached.
            ServiceException: The run's folder no longer exists or is not writable.
            JournalClosedError: The journal has been closed.
        """
        if not HAS_FORK_HOOKS:
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
                if error.errno == errno.EBADF:  # a script that daemonizes closes all open files
                    self._file = -1
                    return self.append(line)
                self._truncate_by(done)
                raise self._convert_os_error(error) from error
        return None

    def close(self) -> None:
        """Close the journal, after waiting for any line that another thread is appending."""
        reset_if_forked()
        with self._lock:
            self._is_closed = True
            self._close_file()

    def reset_after_fork(self) -> None:
        self._lock = RLock()
        self._close_file()

    def _open(self) -> None:
        """Open a new journal file under a unique name; raise JournalClosedError if the journal has been closed."""
        if self._is_closed:
            raise JournalClosedError
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        attempt = os.environ.get("MLRUN_ATTEMPT", "1")
        prefix = f"a{attempt}-" if attempt.isdigit() and attempt != "1" else ""
        name = f"{prefix}{os.getpid()}-{_get_start_ticks()}-{os.urandom(4).hex()}.jsonl"
        try:
            file = _move_to_high_descriptor(os.open(f"{self._folder}/{name}", flags, 0o600))
        except OSError as error:
            raise self._convert_os_error(error) from error
        if self._file < 0:
            self._name, self._file = name, file
        else:  # a signal handler has opened it first
            os.close(file)

    def _truncate_by(self, byte_count: int) -> None:
        """Remove the last `byte_count` bytes, an incomplete line, from the file; if that fails, close the file."""
        if byte_count == 0:
            return
        try:
            os.ftruncate(self._file, os.fstat(self._file).st_size - byte_count)
        except OSError:
            # Readers ignore a last line without a newline, as long as nothing follows it.
            self._close_file()

    def _close_file(self) -> None:
        with suppress(OSError):  # the script may have closed all open files
            os.close(self._file)
        self._file = -1

    def _convert_os_error(self, error: OSError) -> "UserErrorException | ServiceException":
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


def _move_to_high_descriptor(descriptor: int) -> int:
    """Move an open file to a high descriptor and return it, or the given descriptor if none is free.

    A script that closes all open files gets the lowest numbers for the files that it opens next; the journal must not
    be written to one of them.
    """
    try:
        high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, min(_HIGH, os.sysconf("SC_OPEN_MAX") // 2))
    except OSError:
        return descriptor
    os.close(descriptor)
    return high


def _get_start_ticks() -> str:
    """Return the start time of this process in clock ticks since boot, or "0" if it is unknown."""
    try:
        file = os.open("/proc/self/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return "0"
    try:
        fields = os.read(file, 4096).rpartition(b")")[2].split()
    finally:
        os.close(file)
    return fields[19].decode("ascii")
