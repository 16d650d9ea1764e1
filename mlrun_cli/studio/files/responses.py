"""Responses with files of runs, sandboxed so that scripts in them do not run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import quote

from starlette.responses import FileResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from mlrun_cli.studio.files.zip_stream import ArchiveMember, stream_zip

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_UNKNOWN = "application/octet-stream"


class OpenFileResponse(FileResponse):
    """A response that sends an open file, or the requested range of it, and then closes its descriptor."""

    def __init__(self, descriptor: int, name: str, *, inline_type: str | None = None) -> None:
        """Create a response that displays the file inline with this media type, or downloads it if it is None."""
        self._descriptor = descriptor
        super().__init__(
            f"/dev/fd/{descriptor}",
            headers={
                "content-security-policy": _POLICY,
                "content-disposition": _build_content_disposition(name, is_attachment=inline_type is None),
            },
            media_type=inline_type or _UNKNOWN,
            stat_result=os.fstat(descriptor),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, and close its descriptor."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            os.close(self._descriptor)


def create_zip_response(members: Iterable[ArchiveMember], name: str) -> StreamingResponse:
    """Create a response that sends files as a zip archive."""
    return StreamingResponse(
        stream_zip(members),
        headers={"content-disposition": _build_content_disposition(name, is_attachment=True)},
        media_type="application/zip",
    )


def _build_content_disposition(name: str, *, is_attachment: bool) -> str:
    last = name.rpartition("/")[2]
    kind = "attachment" if is_attachment else "inline"
    return f"{kind}; filename*=utf-8''{quote(last.encode('utf-8', 'surrogateescape'), safe='')}"
