"""Packages created for tests, and an index on loopback that serves them."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.planned_environment import PlannedEnvironment

_JSON = "application/vnd.pypi.simple.v1+json"


def make_wheel(folder: Path, name: str, version: str, *, requires_python: str = "") -> bytes:
    """Write a wheel with one module, `NAME.py`, that knows its version, and return its content."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    limit = f"Requires-Python: {requires_python}\n" if requires_python else ""
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", f"version = {version!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{limit}")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path.read_bytes()


@contextmanager
def package_index(
    folder: Path,
    *,
    login: str | None = None,
    uploaded: Mapping[str, str] | None = None,
    certificate: Path | None = None,
) -> Iterator[str]:
    """Serve the wheels of a folder under `/simple/`, and yield the index's address without `http://`.

    Args:
        folder: of wheels.
        login: `USER:PASSWORD` that it asks for.
        uploaded: when each file was, such as `2019-01-01T00:00:00Z`; without it, the index does not tell.
        certificate: a PEM file with certificate and key, for an index behind TLS.
    """
    expected = None if login is None else "Basic " + base64.b64encode(login.encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, kind = _answer(folder, self.path, uploaded)
            is_let_in = expected is None or self.headers.get("Authorization") == expected
            if not is_let_in:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="index"')
                body = b""
            else:
                self.send_response(404 if kind is None else 200)
                self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the base class's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(folder: Path, address: str, uploaded: Mapping[str, str] | None) -> tuple[bytes, str | None]:
    """Return the content at a path and its content type, or None if there is none."""
    *_, name, last = address.rstrip("/").split("/")
    if last.endswith(".whl"):
        wheel = folder / last
        return (wheel.read_bytes(), "application/octet-stream") if wheel.exists() else (b"", None)
    files = sorted(path.name for path in folder.glob(f"{last}-*.whl"))
    if name != "simple" or not files:
        return b"", None
    times = uploaded or {}
    document = {
        "meta": {"api-version": "1.1"},
        "name": last,
        "files": [
            {"filename": file, "url": file, "hashes": {}, **({"upload-time": times[file]} if file in times else {})}
            for file in files
        ],
    }
    return json.dumps(document).encode(), _JSON


def build_environment(
    folder: Path, planned: PlannedEnvironment, environ: Mapping[str, str], command: Sequence[str] = ()
) -> tuple[EnvironmentFolder, str]:
    """Build a planned environment as a supervisor does; return its folder and the output."""
    assert planned.plan.build is not None
    (folder / "plan.json").write_text(json.dumps(planned.plan.to_json()), encoding="utf-8")
    done = subprocess.run(
        [*command, sys.executable, "-m", "mlrun_cli.environments", str(folder / "plan.json")],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return EnvironmentFolder(Path(planned.plan.build.folder)), done.stdout
