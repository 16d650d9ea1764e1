"""The rendering of templates as pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from mlrun_cli import __version__
from mlrun_cli.studio.formatting import FILTERS

_STUDIO_FOLDER = Path(__file__).parent
STATIC_FOLDER = _STUDIO_FOLDER / "static"


class TemplateRenderer:
    """A renderer of templates, identified by their paths in `studio/`; undefined names are errors."""

    def __init__(self, base_path: str, create_csrf_token: Callable[[], str]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_STUDIO_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.static_root = f"{base_path}/static/{compute_static_version()}"
        self._environment.globals.update(
            root=base_path, static=self.static_root, csrf_token=create_csrf_token, version=__version__
        )
        self._environment.filters.update(FILTERS)

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """Render a template as text with escaped values."""
        return self._environment.get_template(template).render(values)

    def render_response(self, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
        """Render a template as a response, with question marks for lone surrogates, which file names may contain."""
        return HTMLResponse(self.render(template, values).encode("utf-8", "replace"), status)


def compute_static_version() -> str:
    """Return a version of the static files that changes with any of them, so that browsers can cache them."""
    digest = hashlib.sha256()
    for path in sorted(STATIC_FOLDER.rglob("*")):
        found = path.stat()
        digest.update(f"{path.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]
