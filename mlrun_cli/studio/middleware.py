"""The access middleware, which checks host, origin and credentials, and adds security headers."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlrun_cli.errors import UsageError
from mlrun_cli.serving.studio_options import StudioOptions, is_loopback
from mlrun_cli.serving.urls import API_PATH, quote_path, unquote_path
from mlrun_cli.studio.credentials import Credentials
from mlrun_cli.studio.forms import InvalidForm, read_form
from mlrun_cli.studio.template_renderer import TemplateRenderer


class AccessDenied(UsageError):
    """An error for a program's request without the API key."""


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
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_WILDCARDS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 — compared with, not bound to


class AccessMiddleware:
    """A middleware that passes requests with valid credentials to the application, and responds to all others.

    With `own_host`, browsers that sign in under a loopback name are redirected to that host, and get the cookie there.
    """

    def __init__(
        self,
        app: ASGIApp,
        options: StudioOptions,
        own_host: str | None,
        credentials: Credentials,
        templates: TemplateRenderer,
    ) -> None:
        self._app = app
        self._credentials = credentials
        self._base = options.base_path
        self._is_secure = options.certfile is not None
        self._own_host = own_host
        self._hosts = _list_host_names(options) | ({own_host} if own_host else set())
        self._allowed_hosts = frozenset(map(_extract_host_name, options.allowed_hosts))
        self._accepts_any_address = options.host in _WILDCARDS
        self._templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request with access to the application, or respond to it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        scope = self._normalize_path(scope)
        request = Request(scope, receive)
        response = await self._respond_if_denied(request)
        await (response or self._app)(scope, receive, _add_headers(send))

    async def _respond_if_denied(self, request: Request) -> Response | None:
        """Return the response to a request that signs in or has no access, or None for a request with access."""
        rejection = self._reject_foreign_request(request)
        if rejection is not None:
            return rejection
        path = request.scope["path"]
        if path.startswith(("/static/", f"{API_PATH}/")):
            return None if path.startswith("/static/") else self._reject_unauthorized_request(request)
        if path == "/login":
            return await self._sign_in_with_form(request)
        if "token" in request.query_params:
            return self._sign_in_with_token_in_url(request)
        if not self._credentials.is_valid_session_cookie(_read_cookie(request.headers, self._credentials.cookie_name)):
            return self._render_login_page(request, _build_destination(request))
        return None

    def _reject_foreign_request(self, request: Request) -> Response | None:
        """Return the response that rejects a request for an unknown host or from another site, or else None."""
        if not self._is_known_host(request.headers.get("host", "")):
            return PlainTextResponse(
                "The studio is not served under this host name. Start it with --allow-host NAME to allow it.\n",
                421,
            )
        if request.method not in _SAFE_METHODS and not self._is_own_origin(request.headers):
            return PlainTextResponse(
                "The request comes from another site's page. "
                "Behind a proxy, start the studio with --allow-host and the host name that browsers use.\n",
                403,
            )
        return None

    def _reject_unauthorized_request(self, request: Request) -> Response | None:
        """Return the response that rejects a program's request without the API key, or None for one with it."""
        if self._credentials.is_valid_authorization(request.headers.get("authorization", "")):
            return None
        rejection = AccessDenied(
            "The request has no valid Authorization header.",
            hint="InteractiveLoginAuthentication().get_authentication_header() returns one.",
        )
        return JSONResponse({"error": rejection.to_record()}, 401, {"www-authenticate": "Bearer"})

    def _normalize_path(self, scope: Scope) -> Scope:
        """Return the scope with its path unquoted and the base path removed, unless a proxy has removed it already."""
        path = unquote_path(scope["raw_path"].decode("utf-8", "surrogateescape"))
        if self._base and (path == self._base or path.startswith(f"{self._base}/")):
            path = path[len(self._base) :] or "/"
        return {**scope, "path": path, "raw_path": quote_path(path).encode()}

    def _is_known_host(self, host_header: str) -> bool:
        # DNS rebinding needs a host name, so IP addresses are safe.
        name = _extract_host_name(host_header)
        return name in self._hosts or (self._accepts_any_address and _is_ip_address(name))

    def _is_own_origin(self, headers: Headers) -> bool:
        """Return whether a page of the studio sent the request, judging by its `Origin` or `Sec-Fetch-Site` header.

        Since a proxy may have replaced the browser's `Host`, host names of --allow-host are accepted, too.
        """
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "same-origin") == "same-origin"
        host = urlsplit(origin).netloc.lower()
        return host == headers.get("host", "").lower() or _extract_host_name(host) in self._allowed_hosts

    async def _sign_in_with_form(self, request: Request) -> Response:
        """Sign in with the token in the posted form, or show the form again."""
        if request.method != "POST":
            return RedirectResponse(f"{self._base}/", 303)
        try:
            fields = await read_form(request)
        except InvalidForm as rejection:
            return PlainTextResponse(f"{rejection}\n", rejection.status)
        destination = fields.get("next", "/")
        if not self._credentials.is_valid_token(fields.get("token", "")):
            return self._render_login_page(request, destination, "The token is not valid.")
        return self._sign_in(request, destination)

    def _sign_in_with_token_in_url(self, request: Request) -> Response:
        """Sign in with the token in the URL and redirect to the same URL without it."""
        destination = _build_destination(request)
        if not self._credentials.is_valid_token(request.query_params["token"]):
            return self._render_login_page(request, destination, "The token in the URL is not valid.")
        return self._sign_in(request, destination)

    def _sign_in(self, request: Request, destination: str) -> Response:
        """Set the session cookie and redirect to a page of the studio, or first move to the studio's own host name."""
        if self._own_host and is_loopback(_extract_host_name(request.headers["host"])):
            return self._redirect_to_own_host(request, _restrict_to_local(destination))
        response = RedirectResponse(self._base + _restrict_to_local(destination), 303)
        response.set_cookie(
            self._credentials.cookie_name,
            self._credentials.cookie,
            path=self._base or "/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )
        return response

    def _redirect_to_own_host(self, request: Request, destination: str) -> Response:
        """Return a page that makes the browser sign in under the studio's own host name.

        It is not an HTTP redirect, since the security policy forbids redirects of forms to another host.
        """
        separator = "&" if "?" in destination else "?"
        port = urlsplit(f"//{request.headers['host']}").port
        origin = f"http://{self._own_host}:{port}" if port else f"http://{self._own_host}"
        address = f"{origin}{destination}{separator}{urlencode({'token': self._credentials.token})}"
        return self._templates.render_response("templates/own_host.html", {"address": address, "host": self._own_host})

    def _render_login_page(self, request: Request, destination: str, problem: str | None = None) -> Response:
        if request.headers.get("sec-fetch-dest") in {"empty", "sharedworker", "worker"}:
            return PlainTextResponse("The cookie of a signed-in browser is missing.\n", 401)
        return self._templates.render_response(
            "templates/login.html",
            {"next": _restrict_to_local(destination), "problem": problem},
            403 if problem else 401,
        )


def _list_host_names(options: StudioOptions) -> frozenset[str]:
    names = {"localhost", "127.0.0.1", "::1", *(_extract_host_name(name) for name in options.allowed_hosts)}
    if options.host in _WILDCARDS:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    else:
        names.add(_extract_host_name(options.host))
    return frozenset(names)


def _extract_host_name(host: str) -> str:
    """Return a host in lower case without its port, and without the brackets of an IPv6 address."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0].rstrip(".")


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _read_cookie(headers: Headers, name: str) -> str | None:
    # Other servers on this machine set cookies too, some of which Python's own parser rejects.
    return cookie_parser(headers.get("cookie", "")).get(name)


def _build_destination(request: Request) -> str:
    """Return the path and query of a request's URL, without the token."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = urlencode([(name, value) for name, value in pairs if name != "token"])
    path = quote_path(request.scope["path"])
    return f"{path}?{query}" if query else path


def _restrict_to_local(destination: str) -> str:
    """Return the destination if it is a path of the studio, or else the home page; prevents open redirects."""
    parts = urlsplit(destination)
    is_local = destination.startswith("/") and not parts.scheme and not parts.netloc
    return destination if is_local and not set(destination) & set("\\\r\n") and destination[1:2] != "/" else "/"


def _add_headers(send: Send) -> Send:
    """Return a function that sends like `send`, with the security headers added to each response."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
