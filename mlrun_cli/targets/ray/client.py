"""Requests to the HTTP server of Ray's head, its dashboard, each with a time limit."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.targets.errors import EngineUnavailable
from mlrun_cli.targets.ray.credentials import build_headers, build_tls_context

TIMEOUT_SECONDS = 10.0
_CHUNK_BYTES = 1 << 18
_UNAUTHORIZED = frozenset({401, 403})
_OK = 200


class Response(NamedTuple):
    """A response of the server, which may be an error."""

    status: int
    text: str

    @property
    def is_ok(self) -> bool:
        """True if the request succeeded."""
        return self.status == _OK

    def parse_json(self) -> Any:
        """Parse the body of the response as JSON.

        Raises:
            EngineUnavailable: it is an error, or not JSON.
        """
        if not self.is_ok:
            raise EngineUnavailable(f"Ray does not answer: {self.reason}")
        try:
            return json.loads(self.text)
        except ValueError:
            raise EngineUnavailable(f"What answers is not Ray: {self.text[:100]!r}.") from None

    @property
    def reason(self) -> str:
        """The last non-empty line of an error response, where a traceback states the error, or else its HTTP status."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip(" .")]
        return lines[-1][:500] if lines else f"HTTP status {self.status}"


class RayClient:
    """A client of the HTTP server of a Ray head, at an address such as `http://head:8265`.

    Attributes:
        address: the address, without a slash at its end.
        variables: the variables of a target's row, which those of this process override.
    """

    def __init__(self, address: str, variables: Mapping[str, str]) -> None:
        self.address = address
        self.variables = variables

    def request(self, method: str, path: str, body: object = None, *, timeout: float = TIMEOUT_SECONDS) -> Response:
        """Send a request and return the response; `timeout` limits each network operation and the total time.

        Raises:
            EngineUnavailable: there is no answer, or it is that this user is unknown.
        """
        data = None if body is None else json.dumps(body).encode()
        variables = {**self.variables, **os.environ}
        try:
            headers = {"Content-Type": "application/json", **build_headers(variables)}
            opener = self._build_opener(variables)
        except InvalidValue as error:
            raise EngineUnavailable(error.message, hint=error.hint, target=self.address) from error
        request = Request(f"{self.address}{path}", data, headers, method=method)  # noqa: S310 - http or https
        try:
            answer = _send_request(opener, request, timeout)
        except (OSError, HTTPException) as error:
            raise self._build_error(error) from None
        if answer.status in _UNAUTHORIZED:
            raise EngineUnavailable(
                f"Ray at {self.address} refuses this user: {answer.reason}",
                hint="Set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH, or keep the token in ~/.ray/auth_token.",
                target=self.address,
            )
        return answer

    def _build_opener(self, variables: Mapping[str, str]) -> OpenerDirector:
        if self.address.startswith("https:"):
            return build_opener(_NoRedirectHandler, HTTPSHandler(context=build_tls_context(variables)))
        return build_opener(_NoRedirectHandler)

    def _build_error(self, error: Exception) -> EngineUnavailable:
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, BadStatusLine) and not isinstance(cause, RemoteDisconnected):
            return EngineUnavailable(
                f"What answers at {self.address} does not speak HTTP.",
                hint="Name the address of the head's dashboard; its port is 8265 unless Ray was told another.",
                target=self.address,
            )
        words = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        return EngineUnavailable(
            f"Ray at {self.address} does not answer: {words or type(cause).__name__}.",
            hint="See whether its head runs and is reached from here, and try again later.",
            target=self.address,
        )


class _NoRedirectHandler(HTTPRedirectHandler):
    """A handler that follows no redirects, so that the token is only sent to the configured address."""

    def redirect_request(self, *_: object) -> None:
        return None


def _send_request(opener: OpenerDirector, request: Request, timeout: float) -> Response:
    deadline = time.monotonic() + 2 * timeout
    try:
        response = opener.open(request, timeout=timeout)
    except HTTPError as error:
        response = error
    with response:
        chunks = []
        while chunk := response.read(_CHUNK_BYTES):
            chunks.append(chunk)
            if time.monotonic() > deadline:
                raise TimeoutError("its answer takes too long")
        return Response(response.status, b"".join(chunks).decode("utf-8", "replace"))
