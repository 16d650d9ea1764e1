"""Requests to a head of Ray behind TLS, by the variables that Ray has for this."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlrun_cli.targets.errors import EngineUnavailable
from mlrun_cli.targets.ray.client import RayClient
from mlrun_cli.targets.ray.credentials import CLIENT_VARIABLES, select_stored_variables

TOKEN = "t0ken-4711"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave out what this machine says of Ray."""
    for name in CLIENT_VARIABLES & os.environ.keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `cert.pem`, which only its owner trusts, and `key.pem`, for both ends of a connection."""
    folder = tmp_path_factory.mktemp("identity")
    kind = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")
    names = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    words = ["openssl", "req", *kind, *names, "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def address(identity: Path) -> Iterator[str]:
    """The address of a server that asks for a certificate and a token, and once tells to go elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            body = json.dumps({"version": "4"} if is_known else {"result": False}).encode()
            self.send_response(302 if self.path == "/elsewhere" else 200 if is_known else 401)
            self.send_header("Location", "/api/version")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity / "cert.pem", identity / "key.pem")
    context.load_verify_locations(identity / "cert.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def build_variables(identity: Path) -> dict[str, str]:
    files = {"RAY_TLS_SERVER_CERT": "cert.pem", "RAY_TLS_SERVER_KEY": "key.pem", "RAY_TLS_CA_CERT": "cert.pem"}
    return {"RAY_USE_TLS": "1", **{name: str(identity / file) for name, file in files.items()}}


def test_a_head_behind_tls_gets_certificate_and_token(
    address: str, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = build_variables(identity)
    client = RayClient(address, variables)
    with pytest.raises(EngineUnavailable, match="refuses this user"):
        client.request("GET", "/api/version")
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    assert client.request("GET", "/api/version").parse_json() == {"version": "4"}
    assert client.request("GET", "/elsewhere").status == 302
    for lacking in ("RAY_TLS_CA_CERT", "RAY_USE_TLS", "RAY_TLS_SERVER_KEY"):
        others = {name: text for name, text in variables.items() if name != lacking}
        with pytest.raises(EngineUnavailable, match="does not answer"):
            RayClient(address, others).request("GET", "/api/version")


def test_a_target_keeps_the_paths_of_files_and_no_token(identity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(identity)
    typed = {**build_variables(identity), "RAY_TLS_CA_CERT": "cert.pem", "RAY_AUTH_TOKEN": TOKEN}
    assert select_stored_variables(typed) == build_variables(identity)


def test_a_file_that_is_no_certificate_is_named(address: str, identity: Path) -> None:
    (identity / "none.pem").write_text("nothing", encoding="ascii")
    variables = {**build_variables(identity), "RAY_TLS_CA_CERT": str(identity / "none.pem")}
    with pytest.raises(EngineUnavailable, match="RAY_TLS_CA_CERT"):
        RayClient(address, variables).request("GET", "/api/version")


def test_the_port_of_another_protocol_is_told_as_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"\0\0\x18\4\0\0\0\0\0\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(EngineUnavailable) as caught:
            RayClient(f"http://127.0.0.1:{server.getsockname()[1]}", {}).request("GET", "/api/version")
    assert "HTTP" in caught.value.message
    assert caught.value.message.isprintable()
    assert "8265" in (caught.value.hint or "")
