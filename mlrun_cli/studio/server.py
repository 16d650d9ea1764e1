"""Serves the studio until a signal ends it."""

from __future__ import annotations

import errno
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path
from threading import Thread
from types import FrameType

import uvicorn

from mlrun_cli.errors import UsageError
from mlrun_cli.serving.browser import open_in_browser
from mlrun_cli.serving.studio_folder import StudioFolder
from mlrun_cli.serving.studio_options import StudioOptions
from mlrun_cli.serving.urls import WorkspaceUrls
from mlrun_cli.studio.app import create_app
from mlrun_cli.studio.page_request import Studio

_MOST_PORTS = 50
_BACKLOG = 256
_GRACE_SECONDS = 3
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 — what a browser here can open


class _Server(uvicorn.Server):
    """Ends its streams of news first: uvicorn waits for those who listen.

    Attributes:
        ended_by: the signal that ends it.
    """

    def __init__(self, config: uvicorn.Config, studio: Studio) -> None:
        super().__init__(config)
        self._studio = studio
        self.ended_by: int | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.ended_by = sig
        self._studio.news.close()
        super().handle_exit(sig, frame)


def serve(options: StudioOptions) -> int | None:
    """Serve until a signal ends it; that signal.

    Raises:
        MlrunError: no port is free, the certificate cannot be used, or the token cannot be kept.
    """
    folder = StudioFolder(Path(options.home))
    token = folder.read_or_create_token()
    own_host = folder.read_or_create_host() if options.has_own_host else None
    app, studio = create_app(options, token, own_host)
    listener = _bound(options)
    port = listener.getsockname()[1]
    if options.port not in {0, port}:
        say(f"Port {options.port} is taken; this is {port}.")
    address = _address(options, own_host, port)
    first_page = _first_page(options, address)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=False,
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ssl_certfile=options.certfile,
        ssl_keyfile=options.keyfile,
    )
    _load(config)
    server = _Server(config, studio)
    with closing(studio.workspaces), folder.register_url(address):
        for number in (signal.SIGINT, signal.SIGTERM):  # from now on: whoever reads the address may end it
            signal.signal(number, server.handle_exit)
        say(f"Studio: {first_page}?token={token}", "Ctrl-C ends it.")
        if options.open_browser:
            Thread(target=open_in_browser, args=(folder.write_redirect_page(first_page).as_uri(),), daemon=True).start()
        server.run(sockets=[listener])
    return server.ended_by


def _bound(options: StudioOptions) -> socket.socket:
    """A socket on the port, or on the next one that is free."""
    last: OSError | None = None
    for port in range(options.port, min(options.port + _MOST_PORTS, 1 << 16) if options.port else 1):
        try:
            kind, _, _, _, place = socket.getaddrinfo(options.host or None, port, type=socket.SOCK_STREAM)[0]
        except OSError as error:
            raise UsageError(f"--host {options.host}: there is no such address here: {error.strerror}.") from error
        listener = socket.socket(kind, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            last = error
            if error.errno != errno.EADDRINUSE:
                break
            continue
        return listener
    reason = "no port is free" if last is None else last.strerror
    raise UsageError(
        f"The studio cannot be served on {options.host}, port {options.port}: {reason}.",
        hint="Name another with --port N; --port 0 takes any that is free.",
    )


def _address(options: StudioOptions, own_host: str | None, port: int) -> str:
    scheme = "http" if options.certfile is None else "https"
    host = own_host or _EVERYWHERE.get(options.host, f"[{options.host}]" if ":" in options.host else options.host)
    return f"{scheme}://{host}:{port}{options.base_path}"


def _first_page(options: StudioOptions, address: str) -> str:
    return f"{address}/" if options.identity is None else WorkspaceUrls(address, *options.identity).experiments()


def say(*lines: str) -> None:
    """Write lines to the terminal."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()


def _load(config: uvicorn.Config) -> None:
    """Read what has to be read before anybody can be served, the certificate among it."""
    try:
        config.load()
    except OSError as error:  # those of TLS are among them
        raise UsageError(
            f"--certfile {config.ssl_certfile} cannot be used: {error.strerror or error}.",
            hint="It takes a PEM file with the certificate, and --keyfile one with its key.",
        ) from error
