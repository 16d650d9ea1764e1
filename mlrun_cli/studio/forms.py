"""Forms posted by pages, and JSON posted by programs."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from mlrun_cli.errors import UsageError

_MAX_BYTES = 1 << 20
_MAX_FIELDS = 10_000
CSRF_FIELD = "csrf_token"


class InvalidForm(UsageError):
    """An error for a form, or JSON, that is invalid or not accepted, with the HTTP status of the response."""

    def __init__(self, message: str, status: int, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class FormFields(dict[str, str]):
    """The fields of a form, keyed by name, with the last value of repeated fields; `get_all` returns all values."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def get_all(self, name: str) -> list[str]:
        """Return all values of a field, in order."""
        return [value for key, value in self._pairs if key == name]


async def read_form(request: Request) -> FormFields:
    """Read the fields of a posted form.

    Raises:
        InvalidForm: the request is not a form, or the form is too long or malformed.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise InvalidForm("The request is not a form.", 415)
    body = await _read_body(request, "form")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise InvalidForm("The form is malformed.", 400) from error
    return FormFields(pairs)


async def read_json_object(request: Request) -> dict[str, Any]:
    """Read the JSON object that a program has posted; an empty body counts as an empty object.

    Raises:
        InvalidForm: the body is too long, cut off, or something else than a JSON object.
    """
    body = await _read_body(request, "body")
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise InvalidForm("The body is not JSON.", 400) from error
    if not isinstance(document, dict):
        raise InvalidForm("The body is JSON, but not an object.", 400)
    return document


async def _read_body(request: Request, noun: str) -> bytes:
    """Return a request's body; raise InvalidForm, which calls the body a `noun`, if the body is too long or cut off."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > _MAX_BYTES:
                raise InvalidForm(f"The {noun} is too long.", 413)
    except ClientDisconnect as error:
        raise InvalidForm(f"The {noun} was cut off.", 400) from error
    return body
