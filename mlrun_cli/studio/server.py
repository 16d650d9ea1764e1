"""The web server of the studio."""

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
from mlrun_cli.processes.host_lease import hold_home, is_used_elsewhere, open_home
from mlrun_cli.serving.browser import open_in_browser
from mlrun_cli.serving.studio_folder import StudioFolder
from mlrun_cli.serving.studio_options import StudioOptions
from mlrun_cli.serving.urls import WorkspaceUrls
from mlrun_cli.studio.app import create_app
from mlrun_cli.studio.page_request import StudioState

_MAX_PORTS = 50
_BACKLOG = 256
_GRACE_SECONDS = 3
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 — what a browser here can open


class _Server(uvicorn.Server):
    """A uvicorn server that ends event streams when it stops, since uvicorn waits for open responses.

    Attributes:
        stop_signal: the signal that stopped the server, or None while it is running.
    """

    def __init__(self, config: uvicorn.Config, studio: StudioState) -> None:
        super().__init__(config)
        self._studio = studio
        self.stop_signal: int | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.stop_signal = sig
        self._studio.hub.close()
        super().handle_exit(sig, frame)


def serve(options: StudioOptions) -> int | None:
    """Serve the studio until a signal stops it; return the signal's number, or None if the server ended without one.

    Raises:
        MlrunError: no port is free, the certificate cannot be used, or the token cannot be stored.
    """
    home = Path(options.home)
    open_home(home, only_reads=True)
    folder = StudioFolder(home, creates=not is_used_elsewhere(home))
    token = folder.read_or_create_token()
    own_host = folder.read_or_create_host() if options.has_own_host else None
    app, studio = create_app(options, token, own_host)
    listener = _open_listening_socket(options)
    port = listener.getsockname()[1]
    if options.port not in {0, port}:
        print_to_stderr(f"Port {options.port} is taken; this is {port}.")
    url = _build_url(options, own_host, port)
    first_page_url = _build_first_page_url(options, url)
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
    _load_config(config)
    server = _Server(config, studio)
    with (
        hold_home(home, only_reads=True),
        closing(studio.workspaces),
        folder.register_urls(url, _build_url(options, None, port), are_lasting=port == options.port),
    ):
        for number in (signal.SIGINT, signal.SIGTERM):  # before the URL is printed: a caller that reads it may stop us
            signal.signal(number, server.handle_exit)
        print_to_stderr(f"Studio: {first_page_url}?token={token}", "Ctrl-C ends it.")
        if options.open_browser:
            page = folder.write_redirect_page(first_page_url)
            Thread(target=open_in_browser, args=(page.as_uri(),), daemon=True).start()
        server.run(sockets=[listener])
    return server.stop_signal


def _open_listening_socket(options: StudioOptions) -> socket.socket:
    """Return a listening socket on the requested port or, if it is in use, on the next free one."""
    last_error: OSError | None = None
    for port in range(options.port, min(options.port + _MAX_PORTS, 1 << 16) if options.port else 1):
        try:
            family, _, _, _, socket_address = socket.getaddrinfo(options.host or None, port, type=socket.SOCK_STREAM)[0]
        except OSError as error:
            raise UsageError(
                f"--host {options.host}: it is not an address of this machine: {error.strerror}."
            ) from error
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(socket_address)
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            last_error = error
            if error.errno != errno.EADDRINUSE:
                break
            continue
        return listener
    reason = "no port is free" if last_error is None else last_error.strerror
    raise UsageError(
        f"The studio cannot listen on {options.host}, port {options.port}: {reason}.",
        hint="Choose another with --port N; --port 0 takes any free port.",
    )


def _build_url(options: StudioOptions, own_host: str | None, port: int) -> str:
    scheme = "http" if options.certfile is None else "https"
    host = own_host or _WILDCARDS.get(options.host, f"[{options.host}]" if ":" in options.host else options.host)
    return f"{scheme}://{host}:{port}{options.base_path}"


def _build_first_page_url(options: StudioOptions, url: str) -> str:
    return f"{url}/" if options.identity is None else WorkspaceUrls(url, *options.identity).experiments()


def print_to_stderr(*lines: str) -> None:
    """Print lines to standard error."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()


def _load_config(config: uvicorn.Config) -> None:
    """Load the server's configuration, including its certificate.

    Raises:
        UsageError: the certificate cannot be used.
    """
    try:
        config.load()
    except OSError as error:  # includes errors of TLS
        raise UsageError(
            f"--certfile {config.ssl_certfile} cannot be used: {error.strerror or error}.",
            hint="--certfile takes a PEM file with the certificate, --keyfile one with its key.",
        ) from error
