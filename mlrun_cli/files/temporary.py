"""Files that a command has for a while in folders of the user."""

from __future__ import annotations

TEMPORARY_PREFIX = ".mlrun-temporary-"
"""How their names begin; a snapshot leaves them out."""
