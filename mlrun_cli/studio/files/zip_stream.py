"""A zip archive that is sent while it is made, whatever its length."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from mlrun_cli.errors import MlrunError

_PIECE = 1 << 18
_EARLIEST = (1980, 1, 1, 0, 0, 0)


class Member(NamedTuple):
    """A file of the archive: `open` gives a descriptor, or raises when the file has gone meanwhile."""

    name: str
    open: Callable[[], int]
    is_executable: bool = False


class _Sink:
    """What the archive writes to: it only ever goes forward."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def zipped(members: Iterable[Member]) -> Iterator[bytes]:
    """The archive, piece by piece; a file that has vanished by the time it is its turn is left out."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:  # type: ignore[call-overload]
        for member in members:
            with suppress(MlrunError, OSError):
                descriptor = member.open()
                try:
                    yield from _written(archive, sink, member, descriptor)
                finally:
                    os.close(descriptor)
    yield sink.take()


def _written(archive: zipfile.ZipFile, sink: _Sink, member: Member, descriptor: int) -> Iterator[bytes]:
    info = zipfile.ZipInfo(_safe(member.name), _EARLIEST)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = (0o100755 if member.is_executable else 0o100644) << 16
    rest = os.fstat(descriptor).st_size  # what is written to it meanwhile is left out: a log may grow for ever
    with archive.open(info, "w", force_zip64=True) as destination:
        while piece := os.read(descriptor, min(_PIECE, rest)):
            destination.write(piece)
            rest -= len(piece)
            yield sink.take()
    yield sink.take()


def _safe(name: str) -> str:
    """Bytes that are no UTF-8 cannot stand in an archive's names; they are written there as in an address."""
    return "".join(f"%{ord(sign) - 0xDC00:02X}" if "\udc80" <= sign <= "\udcff" else sign for sign in name)
