"""The names of CI systems, for the option `--ci`."""

from __future__ import annotations

from enum import Enum


class CiName(str, Enum):
    """The values of `--ci`."""

    AUTO = "auto"
    GITHUB = "github"
    AZURE = "azure"
    GITLAB = "gitlab"
    NONE = "none"
