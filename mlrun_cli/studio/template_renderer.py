"""Turns templates into pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from mlrun_cli import __version__
from mlrun_cli.studio.formatting import FILTERS

_HERE = Path(__file__).parent
STATIC_FOLDER = _HERE / "static"


class Templates:
    """The templates; what they are given is escaped, and a name they misspell is an error."""

    def __init__(self, base_path: str, form_word: Callable[[], str]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_HERE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.static_root = f"{base_path}/static/{static_version()}"
        self._environment.globals.update(
            root=base_path, static=self.static_root, form_word=form_word, version=__version__
        )
        self._environment.filters.update(FILTERS)

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """The page as text."""
        return self._environment.get_template(template).render(values)

    def respond(self, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
        """The page as a response; half a character, as JSON and names of files may have, becomes a question mark."""
        return HTMLResponse(self.render(template, values).encode("utf-8", "replace"), status)


def static_version() -> str:
    """Changes whenever one of the static files does, so that browsers may keep them for good."""
    digest = hashlib.sha256()
    for path in sorted(STATIC_FOLDER.rglob("*")):
        found = path.stat()
        digest.update(f"{path.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]
