"""Defaults of az: `AZURE_*` variables and `~/.azure/config`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun_cli.errors import InvalidFile

if TYPE_CHECKING:
    from configparser import RawConfigParser

_TRUE = frozenset({"1", "yes", "true", "on"})


def read_azure_default(section: str, key: str) -> str | None:
    """Return the value of `AZURE_<SECTION>_<KEY>`, or else of the key in az's config file; None if both are unset.

    Raises:
        InvalidFile: the config file exists but cannot be read.
    """
    from_variable = os.environ.get(f"AZURE_{section}_{key}".upper())
    if from_variable:
        return from_variable
    return _read_config_value(get_config_path(), section, key)


def read_azure_switch(section: str, key: str) -> bool:
    """Return whether a boolean default of az is on, that is, set to 1, yes, true or on, ignoring case."""
    return (read_azure_default(section, key) or "").lower() in _TRUE


def get_config_path() -> Path:
    """Return the path of az's config file, whether or not it exists."""
    folder = os.environ.get("AZURE_CONFIG_DIR")
    return Path(folder or "~/.azure").expanduser() / "config"


def _read_config_value(path: Path, section: str, key: str) -> str | None:
    """Return a value from az's config file, or None if it is missing or empty."""
    return read_config(path).get(section, key, fallback=None) or None if path.is_file() else None


def read_config(path: Path) -> RawConfigParser:
    """Return the parsed content of az's config file, empty if the file does not exist.

    Raises:
        InvalidFile: the file exists but cannot be read.
    """
    import configparser  # most users have no such file  # noqa: PLC0415

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(path, encoding="utf-8")
    except (OSError, configparser.Error, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidFile(path, reason, hint="Correct it, or remove it: az can write it again.") from error
    return parser
