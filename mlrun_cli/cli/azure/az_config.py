"""az's config file, read and written as `az configure` and `az config` do it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from mlrun_cli.cli.azure.defaults import get_config_path, read_config
from mlrun_cli.core.temporary import make_temporary_path
from mlrun_cli.errors import FileNotWritable, InvalidValue

DEFAULTS = "defaults"


def parse_settings(texts: Iterable[str]) -> dict[str, str]:
    """Parse `name=value` pairs into a mapping, splitting each at its first `=`.

    Raises:
        UsageError: a pair has no name or no `=`.
    """
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not name.strip() or not equals:
            raise InvalidValue(f"'{name}{equals}' is not a setting.", hint="Write it as name=value.", target=name)
    return {name.strip(): value for name, _, value in pairs}


def read_settings() -> dict[str, dict[str, str]]:
    """Return the settings of az's config file, keyed by section and then by name.

    Raises:
        InvalidFile: the file cannot be read.
    """
    parser = read_config(get_config_path())
    return {section: dict(parser.items(section)) for section in parser.sections()}


def change_settings(changes: Iterable[tuple[str, str, str]]) -> None:
    """Apply `(section, name, value)` changes to az's config file atomically; an empty value removes a setting.

    Raises:
        InvalidFile: the existing file cannot be read.
        MlrunError: the file cannot be written.
    """
    parser = read_config(get_config_path())
    for section, name, value in changes:
        if value and not parser.has_section(section):
            parser.add_section(section)
        if value:
            parser.set(section, name, value)
        elif parser.has_section(section):
            parser.remove_option(section, name)
    path = get_config_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with make_temporary_path(path) as temporary:
            with os.fdopen(
                os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                parser.write(file)
            temporary.replace(path)
    except OSError as error:
        raise FileNotWritable(path, error, hint="Set AZURE_CONFIG_DIR to another folder for it.") from error


def build_setting_records(settings: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a record for each setting of a section, in the format of `az config get`."""
    source = str(get_config_path())
    return [{"name": name, "source": source, "value": value} for name, value in settings.items()]
