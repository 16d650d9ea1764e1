"""The routes of a browser's event stream and its subscriptions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mlrun_cli.studio.events.event_stream import EventStream
from mlrun_cli.studio.events.hub import EventHub
from mlrun_cli.studio.forms import InvalidForm, read_form

_RECONNECT_MILLISECONDS = 300
_HEARTBEAT_SECONDS = 15.0


async def stream_events(request: Request) -> Response:
    """Stream server-sent events, each of which is a JSON object.

    The first, `{"stream": KEY}`, contains the key of the stream, for which the browser then posts its topics. The
    others contain the `topics` and, as `troubles`, the problems of an `Event`; empty ones keep the connection alive.
    """
    hub: EventHub = request.app.state.studio.hub
    opened = hub.open_stream()
    if opened is None:
        return PlainTextResponse("The studio serves as many browsers as it can.\n", 503)
    return _EventStreamResponse(hub, opened)


async def set_topics(request: Request) -> Response:
    """Set the topics of a stream to those in the `topic` fields of a form."""
    hub: EventHub = request.app.state.studio.hub
    try:
        fields = await read_form(request)
    except InvalidForm as error:
        return PlainTextResponse(f"{error}\n", error.status)
    if not hub.set_topics(request.path_params["stream"], fields.get_all("topic")):
        return PlainTextResponse("There is no such stream. Open a new one.\n", 404)
    return Response(status_code=204)


class _EventStreamResponse(StreamingResponse):
    """A response that closes its event stream when it ends for any reason, even before it starts."""

    def __init__(self, hub: EventHub, opened: EventStream) -> None:
        # Keeps proxies from buffering events.
        super().__init__(_format_events(opened), media_type="text/event-stream", headers={"x-accel-buffering": "no"})
        self._hub = hub
        self._stream = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._hub.close_stream(self._stream)


async def _format_events(stream: EventStream) -> AsyncIterator[str]:
    yield f"retry: {_RECONNECT_MILLISECONDS}\n"
    yield _format_event({"stream": stream.key})
    while (event := await stream.wait_for_event(_HEARTBEAT_SECONDS)) is not None:
        yield _format_event({"topics": event.topics, "troubles": event.problems})


def _format_event(document: object) -> str:
    return f"data: {json.dumps(document)}\n\n"
