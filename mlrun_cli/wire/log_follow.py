"""The logs of a run as they grow: the installer's of its environment, then the script's."""

import os
from typing import Callable

PIECE = 1 << 16


class LogFollower:
    """Reads what has come into the two logs since it was last asked."""

    def __init__(self, environment_log: str, script_log: int) -> None:
        """Begin at the beginning of both.

        Args:
            environment_log: path of the installer's log, which need not be there.
            script_log: descriptor of the script's log, which stays the caller's.
        """
        self._environment_log = environment_log
        self._script_log = script_log
        self._offset = 0
        self._has_script = False

    def copy(self, write_installer: Callable[[bytes], object], write_script: Callable[[bytes], object]) -> bool:
        """Pass on new output, byte for byte; return whether there was any.

        The installer has ended when the script prints.

        Raises:
            OSError: the script's log cannot be read.
        """
        found = self._copy_environment_log(write_installer)
        while True:
            piece = os.read(self._script_log, PIECE)
            if not piece:
                return found
            # The installer's last words may have come since; they stand before the script's first.
            self._copy_environment_log(write_installer)
            self._has_script = found = True
            write_script(piece)

    def _copy_environment_log(self, write: Callable[[bytes], object]) -> bool:
        before = self._offset
        if self._has_script:
            return False
        try:
            with open(self._environment_log, "rb", buffering=0) as file:
                file.seek(before)
                while True:
                    piece = file.read(PIECE)
                    if not piece:
                        break
                    self._offset += len(piece)
                    write(piece)
        except FileNotFoundError:  # nothing had to be built, or not yet
            return False
        return self._offset > before
