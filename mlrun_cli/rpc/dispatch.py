"""Dispatch of requests to their handlers."""

from __future__ import annotations

from typing import Any

from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.protocol import Request, build_error_response
from mlrun_cli.rpc.registry import get_handler
from mlrun_cli.wire.framing import RESULT


def dispatch(context: RequestContext, request: Request) -> dict[str, Any]:
    """Handle a request and return the response, which is an error response if the handler raises an exception."""
    try:
        handler = get_handler(request.call)
        with context.select_workspace(request.workspace, only_reads=handler.only_reads):
            return {RESULT: handler.call_function(context, request.arguments)}
    except Exception as error:  # a request comes from outside, and none may end its server
        return build_error_response(error)
