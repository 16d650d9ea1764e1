"""The stream of news that a browser keeps open."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mlrun_cli.studio.events.hub import News, Stream
from mlrun_cli.studio.forms import FormRefused, read_fields

_RECONNECT_MILLISECONDS = 300
_HEARTBEAT_SECONDS = 15.0


async def stream(request: Request) -> Response:
    """Server-sent events, each a JSON object.

    The first, `{"stream": KEY}`, tells where the browser posts the topics it listens to. Those that follow have
    `topics` of which there are news, and `troubles` as `Notice` has them; both are empty to show that the
    connection lives.
    """
    news: News = request.app.state.studio.news
    opened = news.open()
    if opened is None:
        return PlainTextResponse("The studio serves as many browsers as it can.\n", 503)
    return _EventStream(news, opened)


async def listen(request: Request) -> Response:
    """Take the topics that a stream listens to from now on: all fields named `topic` of the form."""
    news: News = request.app.state.studio.news
    try:
        fields = await read_fields(request)
    except FormRefused as refusal:
        return PlainTextResponse(f"{refusal}\n", refusal.status)
    if not news.listen(request.path_params["stream"], fields.every("topic")):
        return PlainTextResponse("There is no such stream; open one anew.\n", 404)
    return Response(status_code=204)


class _EventStream(StreamingResponse):
    """Is forgotten by the news however it ends: by them, by the browser, or before it has begun."""

    def __init__(self, news: News, opened: Stream) -> None:
        # A proxy that buffers would hold the news back.
        super().__init__(_events(opened), media_type="text/event-stream", headers={"x-accel-buffering": "no"})
        self._news = news
        self._stream = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._news.leave(self._stream)


async def _events(opened: Stream) -> AsyncIterator[str]:
    yield f"retry: {_RECONNECT_MILLISECONDS}\n"
    yield _event({"stream": opened.key})
    while (notice := await opened.next(_HEARTBEAT_SECONDS)) is not None:
        yield _event(notice._asdict())


def _event(document: object) -> str:
    return f"data: {json.dumps(document)}\n\n"
