"""Sends files of runs: as what they are where that is harmless, else to be kept; no script in them ever runs here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import quote

from starlette.responses import FileResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from mlrun_cli.studio.files.zip_stream import Member, zipped

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_UNKNOWN = "application/octet-stream"


class OpenFileResponse(FileResponse):
    """An open file, or the range of it that was asked for; the descriptor is closed when it has been sent."""

    def __init__(self, descriptor: int, name: str, *, shown_as: str | None = None) -> None:
        """Without `shown_as`, its media type, the browser is told to keep the file."""
        self._descriptor = descriptor
        super().__init__(
            f"/dev/fd/{descriptor}",
            headers={
                "content-security-policy": _POLICY,
                "content-disposition": _disposition(name, is_kept=shown_as is None),
            },
            media_type=shown_as or _UNKNOWN,
            stat_result=os.fstat(descriptor),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            os.close(self._descriptor)


def zip_response(members: Iterable[Member], name: str) -> StreamingResponse:
    """The files as one archive."""
    return StreamingResponse(
        zipped(members),
        headers={"content-disposition": _disposition(name, is_kept=True)},
        media_type="application/zip",
    )


def _disposition(name: str, *, is_kept: bool) -> str:
    last = name.rpartition("/")[2]
    kind = "attachment" if is_kept else "inline"
    return f"{kind}; filename*=utf-8''{quote(last.encode('utf-8', 'surrogateescape'), safe='')}"
