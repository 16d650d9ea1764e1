"""Open a page of the studio that is being served."""

from __future__ import annotations

import http.client
import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from mlrun_cli.cli.output.messages import Notes
from mlrun_cli.errors import MlrunError
from mlrun_cli.serving.browser import has_browser, open_in_browser
from mlrun_cli.serving.studio_folder import StudioFolder

_PATIENCE_SECONDS = 2.0
_MARK = b"mlrun studio"


def open_studio_page(home: Path, address: str, notes: Notes) -> dict[str, str]:
    """Open a page in the browser, which need not know the token; what the command prints.

    Raises:
        MlrunError: no studio answers there.
    """
    folder = StudioFolder(home)
    root = folder.find_url()
    if not _is_studio(root):
        raise MlrunError(f"No studio answers at {root}.", hint="Start it, in another terminal: mlrun studio")
    if not has_browser(os.environ) or not open_in_browser(folder.write_redirect_page(address).as_uri()):
        notes.say("There is no browser here that could be opened. The address opens in any that has shown the token.")
    return {"address": address}


def _is_studio(root: str) -> bool:
    """Whether a studio is served there: it asks for its token."""
    parts = urlsplit(root)
    # Browsers alone know where names under `.localhost` lead.
    place = f"127.0.0.1:{parts.port}" if (parts.hostname or "").endswith(".localhost") else parts.netloc
    if parts.scheme == "https":
        # It is only asked whether it is there, so that it may have made its certificate itself.
        context = ssl._create_unverified_context()  # noqa: S323
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            place, timeout=_PATIENCE_SECONDS, context=context
        )
    else:
        connection = http.client.HTTPConnection(place, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", f"{parts.path}/", headers={"Host": parts.netloc})
        answer = connection.getresponse()
        return answer.status == http.client.UNAUTHORIZED and _MARK in answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
