"""HTTP downloads from URLs that may contain a user name and a password."""

import os
import shutil
from base64 import b64encode
from http.client import HTTPException
from string import punctuation
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

_SECONDS = 60.0
_AUTHORIZATION = "Authorization"


def download(url: str, path: "str | os.PathLike[str]") -> None:
    """Download an HTTP or HTTPS URL to a new file.

    Raises:
        OSError: The download fails or is incomplete, or the file exists or cannot be written.
    """
    try:
        with build_opener(_RedirectHandler).open(_build_request(url), timeout=_SECONDS) as answer, open(
            path, "xb"
        ) as file:
            shutil.copyfileobj(answer, file, 1 << 20)
            missing = getattr(answer, "length", None)  # a truncated body raises no error
    except HTTPError as error:
        error.close()
        raise
    except HTTPException as error:  # not an OSError, and its text may include the URL
        raise OSError(f"it ended too early, or is not HTTP ({type(error).__name__})") from error
    if missing:
        raise OSError(f"it ended too early, {missing} bytes are missing")


class _RedirectHandler(HTTPRedirectHandler):
    """A redirect handler that sends the password only to the original host, and never from HTTPS to HTTP."""

    def redirect_request(self, req: Request, *arguments: Any) -> "Request | None":
        request = super().redirect_request(req, *arguments)
        given = req.unredirected_hdrs.get(_AUTHORIZATION)
        if request is not None and given is not None and _can_forward_password(req, request):
            request.add_unredirected_header(_AUTHORIZATION, given)
        return request


def _can_forward_password(original: Request, redirected: Request) -> bool:
    """Return whether a redirect may receive the password: it keeps the host and does not go from HTTPS to HTTP."""
    return redirected.type in {original.type, "https"} and _get_host(original) == _get_host(redirected)


def _get_host(request: Request) -> str:
    """Return the lowercase host of a request, including its port unless that is the scheme's default."""
    host, usual = request.host.lower(), ":443" if request.type == "https" else ":80"
    return host[: -len(usual)] if host.endswith(usual) else host


def _build_request(url: str) -> Request:
    split = urlsplit(url)
    user_info, _, host = split.netloc.rpartition("@")
    path, query = (quote(part, safe=punctuation) for part in (split.path, split.query))
    request = Request(urlunsplit((split.scheme, host, path, query, "")))  # noqa: S310 - http or https
    if user_info:
        name, _, password = map(unquote, user_info.partition(":"))
        credentials = b64encode(f"{name}:{password}".encode()).decode()
        request.add_unredirected_header(_AUTHORIZATION, f"Basic {credentials}")
    return request
