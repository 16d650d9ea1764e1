"""Opening pages of the running studio."""

from __future__ import annotations

import http.client
import os
import ssl
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from mlrun_cli.cli.output.messages import Messages
from mlrun_cli.errors import StudioNotRunning
from mlrun_cli.processes.host_lease import find_lease
from mlrun_cli.serving.browser import has_browser, open_in_browser
from mlrun_cli.serving.studio_folder import StudioFolder

_TIMEOUT_SECONDS = 2.0
_MARK = b"mlrun studio"


def open_studio_page(home: Path, url: str, messages: Messages) -> dict[str, str]:
    """Open a page of the studio in the browser, signed in; return the command's result.

    Raises:
        MlrunError: no studio responds.
    """
    elsewhere = describe_studio_elsewhere(home)
    folder = StudioFolder(home, creates=elsewhere is None)
    root = folder.get_url()
    if not _is_studio(root):
        raise StudioNotRunning(
            f"No studio answers at {root}.",
            hint=elsewhere or "Start it in another terminal: mlrun studio",
            target=root,
        )
    if not has_browser(os.environ) or not open_in_browser(folder.write_redirect_page(url).as_uri()):
        messages.info("No browser can be opened here. The address opens in any browser that is signed in.")
    return {"address": url}


def describe_studio_elsewhere(home: Path) -> str | None:
    """Return a text that says where the studio runs if another host uses the home, otherwise None."""
    lease = find_lease(home)
    if lease is None or lease.refusal is None:
        return None
    host, _ = lease.describe_use()
    url = None
    with suppress(OSError):
        url = StudioFolder(home, creates=False).find_url_elsewhere(lease)
    if url is None:
        return f"The studio runs on {host}, which uses the home, or not at all. Start it there: mlrun studio"
    port = urlsplit(url).port
    return f"The studio runs on {host}, at {url} there; from here: ssh -L {port}:127.0.0.1:{port} {host}"


def _is_studio(root_url: str) -> bool:
    """Return whether a studio responds at a URL with its sign-in page."""
    parts = urlsplit(root_url)
    # Only browsers resolve names below `.localhost`.
    address = f"127.0.0.1:{parts.port}" if (parts.hostname or "").endswith(".localhost") else parts.netloc
    if parts.scheme == "https":
        # The answer is not trusted, so that the certificate may be self-signed.
        context = ssl._create_unverified_context()  # noqa: S323
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            address, timeout=_TIMEOUT_SECONDS, context=context
        )
    else:
        connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"{parts.path}/", headers={"Host": parts.netloc})
        answer = connection.getresponse()
        return answer.status == http.client.UNAUTHORIZED and _MARK in answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
