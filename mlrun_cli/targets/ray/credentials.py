"""The credentials that identify the user to Ray's head, from the environment variables that Ray documents.

They are read anew for each request, and stored nowhere: a target's row has only the paths of files that contain them.
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from mlrun_cli.errors import InvalidValue

TOKEN_VARIABLE = "RAY_AUTH_TOKEN"  # noqa: S105 - its name
_MODE = "RAY_AUTH_MODE"
_TOKEN_PATH = "RAY_AUTH_TOKEN_PATH"  # noqa: S105 - its name
_HEADERS = "RAY_JOB_HEADERS"
_USE_TLS = "RAY_USE_TLS"
_AUTHORITIES = "RAY_TLS_CA_CERT"
_CERTIFICATE, _KEY = "RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY"
_DEFAULT_TOKEN_PATH = "~/.ray/auth_token"  # noqa: S105 - a path
_AUTHORIZATION = "Authorization"

CLIENT_VARIABLES = frozenset(
    {
        *(TOKEN_VARIABLE, _MODE, _TOKEN_PATH, _HEADERS, _USE_TLS, _AUTHORITIES, _CERTIFICATE, _KEY),
        *("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS"),
    }
)
"""The variables by which a client reaches a cluster; on a node, Ray sets those that a job needs."""

_STORED = (_MODE, _TOKEN_PATH, _USE_TLS, _AUTHORITIES, _CERTIFICATE, _KEY)
_PATHS = frozenset({_TOKEN_PATH, _AUTHORITIES, _CERTIFICATE, _KEY})


def select_stored_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to store in a target's row: file paths and modes, none of them secret.

    Processes that are started without the variables of the user, such as after a reboot, go by these.
    """
    found = {name: environ[name] for name in _STORED if environ.get(name)}
    return {name: os.path.abspath(value) if name in _PATHS else value for name, value in found.items()}


def build_headers(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the HTTP headers in `RAY_JOB_HEADERS`, with the token added unless they include `Authorization`.

    Raises:
        InvalidValue: a variable cannot be understood, or the file with the token cannot be read.
    """
    headers = _parse_headers(variables.get(_HEADERS, ""))
    token = _find_token(variables)
    if token is not None and _AUTHORIZATION.lower() not in {name.lower() for name in headers}:
        headers[_AUTHORIZATION] = f"Bearer {token}"
    return headers


def build_tls_context(variables: Mapping[str, str]) -> ssl.SSLContext:
    """Return the TLS context, which trusts the system's and Ray's authorities and presents Ray's certificate.

    Raises:
        InvalidValue: a file cannot be read, or has no certificate.
    """
    context = ssl.create_default_context()
    authorities, certificate, key = (variables.get(name) for name in (_AUTHORITIES, _CERTIFICATE, _KEY))
    try:
        if authorities:
            context.load_verify_locations(authorities)
        if certificate and key and variables.get(_USE_TLS, "").lower() in {"1", "true"}:
            context.load_cert_chain(certificate, key)
    except OSError as error:  # an SSLError is one
        named = ", ".join(name for name in (_AUTHORITIES, _CERTIFICATE, _KEY) if variables.get(name))
        raise InvalidValue(f"{named}: {error.strerror or error}.", hint="Name files in PEM format.") from None
    return context


def _find_token(variables: Mapping[str, str]) -> str | None:
    """Return the token from the first source that has one, in Ray's order; None if there is none, or none is needed."""
    if variables.get(_MODE, "").lower() == "disabled":
        return None
    typed = variables.get(TOKEN_VARIABLE, "").strip()
    if typed:
        return _check_token(typed, TOKEN_VARIABLE)
    named = variables.get(_TOKEN_PATH)
    path = Path(os.path.expanduser(named or _DEFAULT_TOKEN_PATH))
    try:
        token = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        if not named and isinstance(error, FileNotFoundError):
            return None
        raise InvalidValue(f"Ray's token in '{path}' cannot be read: {error.strerror}.", target=path) from None
    if not token and named:
        raise InvalidValue(f"'{path}' contains no token.", hint=f"See {_TOKEN_PATH}.", target=path)
    return _check_token(token, str(path)) if token else None


def _check_token(token: str, source: str) -> str:
    if not (token.isascii() and token.isprintable()):
        raise InvalidValue(f"What {source} contains is not a token of Ray.", target=source)
    return token


def _parse_headers(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        raise InvalidValue(f"{_HEADERS} is not a JSON object of texts.", target=_HEADERS)
    if not all(f"{name}{value}".isprintable() for name, value in document.items()):
        raise InvalidValue(f"{_HEADERS} has a character that headers cannot have.", target=_HEADERS)
    return document
