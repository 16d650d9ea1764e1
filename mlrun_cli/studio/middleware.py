"""What stands before every page: which hosts may be asked for, who may ask, and what browsers are told to refuse."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlrun_cli.serving.studio_options import StudioOptions, is_loopback
from mlrun_cli.serving.urls import quote_path, unquote_path
from mlrun_cli.studio.credentials import Access
from mlrun_cli.studio.forms import FormRefused, read_fields
from mlrun_cli.studio.template_renderer import Templates

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
_READING = frozenset({"GET", "HEAD"})
_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 — compared with, not bound to


class Guard:
    """The application behind a locked door.

    With `own_host`, no other name of this machine gets a cookie: whoever shows the token under one is led to it.
    """

    def __init__(
        self, app: ASGIApp, options: StudioOptions, own_host: str | None, access: Access, templates: Templates
    ) -> None:
        self._app = app
        self._access = access
        self._base = options.base_path
        self._is_secure = options.certfile is not None
        self._own_host = own_host
        self._hosts = _host_names(options) | ({own_host} if own_host else set())
        self._allowed = frozenset(map(_name_of, options.allowed_hosts))
        self._takes_addresses = options.host in _EVERYWHERE
        self._templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on that may pass, and answer the others."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        scope = self._with_own_path(scope)
        request = Request(scope, receive)
        response = await self._answer(request)
        await (response or self._app)(scope, receive, _with_headers(send))

    async def _answer(self, request: Request) -> Response | None:
        """What is said instead of the page; None lets the request pass."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        path = request.scope["path"]
        if path.startswith("/static/"):
            return None
        if path == "/login":
            return await self._log_in(request)
        if "token" in request.query_params:
            return self._take_token(request)
        if not self._access.is_cookie(_cookie(request.headers, self._access.cookie_name)):
            return self._ask(request, _destination(request))
        return None

    def _refusal(self, request: Request) -> Response | None:
        """What is said to a request for another host, or from another site's page."""
        if not self._is_host(request.headers.get("host", "")):
            return PlainTextResponse(
                "The studio does not answer to this name of the machine. "
                "Start it with --allow-host NAME to have it do so.\n",
                421,
            )
        if request.method not in _READING and not self._is_own_origin(request.headers):
            return PlainTextResponse(
                "This request comes from another site's page and is refused. "
                "Behind a proxy, start the studio with --allow-host and the name that browsers ask for.\n",
                403,
            )
        return None

    def _with_own_path(self, scope: Scope) -> Scope:
        """The path in all its bytes, and without the base path: some proxies take it away and some do not."""
        path = unquote_path(scope["raw_path"].decode("utf-8", "surrogateescape"))
        if self._base and (path == self._base or path.startswith(f"{self._base}/")):
            path = path[len(self._base) :] or "/"
        return {**scope, "path": path, "raw_path": quote_path(path).encode()}

    def _is_host(self, header: str) -> bool:
        # An address is always the machine's own; only a name can have been bent to point here.
        name = _name_of(header)
        return name in self._hosts or (self._takes_addresses and _is_address(name))

    def _is_own_origin(self, headers: Headers) -> bool:
        """Whether a page of the studio has sent it; a browser says so in one of two ways, and a page cannot lie.

        A proxy may have put another `Host` in the place of the one that the browser asked for.
        """
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "same-origin") == "same-origin"
        host = urlsplit(origin).netloc.lower()
        return host == headers.get("host", "").lower() or _name_of(host) in self._allowed

    async def _log_in(self, request: Request) -> Response:
        if request.method != "POST":
            return RedirectResponse(f"{self._base}/", 303)
        try:
            fields = await read_fields(request)
        except FormRefused as refusal:
            return PlainTextResponse(f"{refusal}\n", refusal.status)
        destination = fields.get("next", "/")
        if not self._access.is_token(fields.get("token", "")):
            return self._ask(request, destination, "This is not the studio's token.")
        return self._let_in(request, destination)

    def _take_token(self, request: Request) -> Response:
        destination = _destination(request)
        if not self._access.is_token(request.query_params["token"]):
            return self._ask(request, destination, "The token in the address is not the studio's.")
        return self._let_in(request, destination)

    def _let_in(self, request: Request, destination: str) -> Response:
        if self._own_host and is_loopback(_name_of(request.headers["host"])):
            return self._lead_home(request, _local(destination))
        response = RedirectResponse(self._base + _local(destination), 303)
        response.set_cookie(
            self._access.cookie_name,
            self._access.cookie,
            path=self._base or "/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )
        return response

    def _lead_home(self, request: Request, destination: str) -> Response:
        """Have the browser show the token under the studio's own name.

        By a page: a form of this one may not be answered by a redirect to another host.
        """
        joint = "&" if "?" in destination else "?"
        port = urlsplit(f"//{request.headers['host']}").port
        origin = f"http://{self._own_host}:{port}" if port else f"http://{self._own_host}"
        address = f"{origin}{destination}{joint}{urlencode({'token': self._access.token})}"
        return self._templates.respond("templates/own_host.html", {"address": address, "host": self._own_host})

    def _ask(self, request: Request, destination: str, problem: str | None = None) -> Response:
        if request.headers.get("sec-fetch-dest") in {"empty", "sharedworker", "worker"}:
            return PlainTextResponse("The studio's token is missing.\n", 401)
        return self._templates.respond(
            "templates/login.html", {"next": _local(destination), "problem": problem}, 403 if problem else 401
        )


def _host_names(options: StudioOptions) -> frozenset[str]:
    names = {"localhost", "127.0.0.1", "::1", *(_name_of(name) for name in options.allowed_hosts)}
    if options.host in _EVERYWHERE:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    else:
        names.add(_name_of(options.host))
    return frozenset(names)


def _name_of(host: str) -> str:
    """The host without its port, and an IPv6 address without its brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _cookie(headers: Headers, name: str) -> str | None:
    # Other programs of this machine set cookies too, some of which Python's own parser stumbles over.
    return cookie_parser(headers.get("cookie", "")).get(name)


def _destination(request: Request) -> str:
    """Where the request leads, without its token."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = urlencode([(name, value) for name, value in pairs if name != "token"])
    path = quote_path(request.scope["path"])
    return f"{path}?{query}" if query else path


def _local(destination: str) -> str:
    """The destination if it is a page of the studio, else its first page: nobody is sent elsewhere."""
    parts = urlsplit(destination)
    is_local = destination.startswith("/") and not parts.scheme and not parts.netloc
    return destination if is_local and not set(destination) & set("\\\r\n") and destination[1:2] != "/" else "/"


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return guarded
