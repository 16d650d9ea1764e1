"""Zip archives that are streamed while they are created."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import MlrunError

_PIECE = 1 << 18
_EPOCH = (1980, 1, 1, 0, 0, 0)


class ArchiveMember(NamedTuple):
    """A file for an archive; `open` returns a descriptor, or raises an error if the file no longer exists."""

    name: str
    open: Callable[[], int]
    is_executable: bool = False


class _Sink:
    """A write-only stream that collects the output of the archive."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing, since nothing is buffered."""

    def pop(self) -> bytes:
        """Return and remove the collected output."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def stream_zip(members: Iterable[ArchiveMember]) -> Iterator[bytes]:
    """Yield a zip archive of the files in chunks, omitting files that no longer exist."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:  # type: ignore[call-overload]
        for member in members:
            with suppress(MlrunError, OSError):
                descriptor = member.open()
                try:
                    yield from _write_member(archive, sink, member, descriptor)
                finally:
                    os.close(descriptor)
    yield sink.pop()


def _write_member(archive: zipfile.ZipFile, sink: _Sink, member: ArchiveMember, descriptor: int) -> Iterator[bytes]:
    info = zipfile.ZipInfo(_escape_surrogates(member.name), _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = (0o100755 if member.is_executable else 0o100644) << 16
    rest = os.fstat(descriptor).st_size  # a growing log must come to an end
    with archive.open(info, "w", force_zip64=True) as destination:
        while piece := os.read(descriptor, min(_PIECE, rest)):
            destination.write(piece)
            rest -= len(piece)
            yield sink.pop()
    yield sink.pop()


def _escape_surrogates(name: str) -> str:
    """Percent-encode surrogates, which stand for bytes that are not UTF-8 and cannot occur in zip archives."""
    return "".join(f"%{ord(sign) - 0xDC00:02X}" if "\udc80" <= sign <= "\udcff" else sign for sign in name)
