"""Reading of files on a network file system up to their current end instead of the end cached by this machine."""

import ctypes

_AT_EMPTY_PATH = 0x1000
_AT_STATX_FORCE_SYNC = 0x2000
_STATX_SIZE = 0x200
_libc = ctypes.CDLL(None)
_answer = ctypes.create_string_buffer(256)
"""Space for `struct statx`, which nobody reads."""


def refresh_file_size(descriptor: int) -> None:
    """Make the kernel fetch an open file's size from the file server; do nothing if that is impossible.

    NFS does so when a file is opened, and FUSE only once what it has cached is a few seconds old.
    """
    statx = getattr(_libc, "statx", None)  # glibc 2.28
    if statx is not None:
        statx(descriptor, b"", _AT_EMPTY_PATH | _AT_STATX_FORCE_SYNC, _STATX_SIZE, _answer)
