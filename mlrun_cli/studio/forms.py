"""What a form of a page sends."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

_MOST_BYTES = 1 << 20
_MOST_FIELDS = 10_000
FORM_WORD = "form_word"


class FormRefused(Exception):
    """A form that cannot be read; `status` is the HTTP status that says so."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Fields(dict[str, str]):
    """The fields of a form by their names; of several of one name the last, and `every` has all of them."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def every(self, name: str) -> list[str]:
        """All values of a name, in their order."""
        return [value for key, value in self._pairs if key == name]


async def read_fields(request: Request) -> Fields:
    """The fields of a form.

    Raises:
        FormRefused: it is longer than a form of the studio can be, or none.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormRefused("The studio takes forms only.", 415)
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST_BYTES:
                raise FormRefused("The form is too long.", 413)
    except ClientDisconnect as error:
        raise FormRefused("The form was cut off.", 400) from error
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise FormRefused("The form cannot be read.", 400) from error
    return Fields(pairs)
