"""az's config file, as `az configure` and `az config` write and read it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from mlrun_cli.cli.azure.defaults import get_config_file, read_config
from mlrun_cli.core.temporary import make_temporary_path
from mlrun_cli.errors import FileNotWritable, InvalidValue

DEFAULTS = "defaults"


def parse_settings(texts: Iterable[str]) -> dict[str, str]:
    """Parse `name=value` pairs; the first `=` splits.

    Raises:
        UsageError: a pair has no name or no `=`.
    """
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not name.strip() or not equals:
            raise InvalidValue(f"'{name}{equals}' is not a setting.", hint="Write it as name=value.", target=name)
    return {name.strip(): value for name, _, value in pairs}


def read_settings() -> dict[str, dict[str, str]]:
    """Return the settings of the file, by section and name.

    Raises:
        InvalidFile: it cannot be read.
    """
    parser = read_config(get_config_file())
    return {section: dict(parser.items(section)) for section in parser.sections()}


def change_settings(changes: Iterable[tuple[str, str, str]]) -> None:
    """Set `(section, name, value)`; an empty value takes a setting away. The file is replaced at once.

    Raises:
        InvalidFile: what is there cannot be read.
        MlrunError: the file cannot be written.
    """
    parser = read_config(get_config_file())
    for section, name, value in changes:
        if value and not parser.has_section(section):
            parser.add_section(section)
        if value:
            parser.set(section, name, value)
        elif parser.has_section(section):
            parser.remove_option(section, name)
    path = get_config_file()
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
    """Return the settings of a section as `az config get` shows them."""
    source = str(get_config_file())
    return [{"name": name, "source": source, "value": value} for name, value in settings.items()]
