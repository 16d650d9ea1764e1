"""Following of the growing logs of a run: first that of its environment installer, then that of its script."""

import errno
from typing import Callable, Optional

PIECE = 1 << 16
_AWAY = {errno.ENOENT, errno.ESTALE}


class LogFollower:
    """A reader of new output in the two logs of a run.

    Each look opens the logs anew: on a network file system an open file may be as old as the client's cache.
    """

    def __init__(
        self,
        environment_log: str,
        script_log: str,
        refresh: "Optional[Callable[[int], object]]" = None,
        offset: int = 0,
        script_offset: int = 0,
    ) -> None:
        """Initialize a reader that starts at the given offsets, by default at the beginning of both logs.

        Args:
            environment_log: The path of the installer's log, which may not exist.
            script_log: The path of the script's log, which may not exist.
            refresh: Called with the descriptor of each opened log before it is read; None if the logs are on a disk
                of this machine.
            offset: Where to start in the installer's log.
            script_offset: Where to start in the script's log.
        """
        self._refresh = refresh
        self._environment_log = environment_log
        self._script_log = script_log
        self._offset = offset
        self._script_offset = script_offset
        self._has_script = False

    def copy_new_output(
        self, write_installer_output: Callable[[bytes], object], write_script_output: Callable[[bytes], object]
    ) -> bool:
        """Pass new output of both logs to the given functions as bytes, and return whether there was any.

        The installer has ended by the time the script prints.

        Raises:
            OSError: The script's log cannot be read.
        """
        found = self._copy_environment_log(write_installer_output)
        try:
            file = open(self._script_log, "rb", buffering=0)  # noqa: SIM115 - only its own errors mean that it is away
        except OSError as error:
            if error.errno not in _AWAY:
                raise
            return found
        with file:
            if self._refresh is not None:
                self._refresh(file.fileno())
            file.seek(self._script_offset)
            while True:
                piece = file.read(PIECE)
                if not piece:
                    return found
                # The installer's last output may be newer than the check above; it comes before the script's first.
                self._copy_environment_log(write_installer_output)
                self._has_script = found = True
                self._script_offset += len(piece)
                write_script_output(piece)

    def _copy_environment_log(self, write: Callable[[bytes], object]) -> bool:
        """Pass new installer output to `write` unless the script has had output; return whether any was passed."""
        before = self._offset
        if self._has_script:
            return False
        try:
            with open(self._environment_log, "rb", buffering=0) as file:
                if self._refresh is not None:
                    self._refresh(file.fileno())
                file.seek(before)
                while True:
                    piece = file.read(PIECE)
                    if not piece:
                        break
                    self._offset += len(piece)
                    write(piece)
        except FileNotFoundError:  # nothing was installed, or not yet
            return False
        return self._offset > before
