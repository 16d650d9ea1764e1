"""Placeholders for data in arguments, commands and variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from mlrun_cli.core.shell_text import insert_variables

DATASET = "DatasetConsumptionConfig"
OUTPUT = "DatasetOutputConfig"
REFERENCE = "AZUREML_DATAREFERENCE"
PATH_ON_COMPUTE = "pathOnCompute"

_PLACEHOLDER = (
    r"(?P<kind>DatasetConsumptionConfig|DatasetOutputConfig):(?P<name>\w+)"
    r"|\$\{AZUREML_DATAREFERENCE_(?P<braced>[^{}]+)\}"
    r"|\$AZUREML_DATAREFERENCE_(?P<bare>\w+)"
)
_BEFORE_PATH, _AFTER_PATH = r"""(?<![^\s=:,;|&<>()'"])""", r"""(?![^\s:,;|&<>()'"/])"""


def has_placeholder(text: str) -> bool:
    """Return whether a string contains a placeholder for data."""
    return re.search(_PLACEHOLDER, text) is not None


class Placeholders:
    """Placeholders for data in texts: Azure's placeholders, and the paths of data on Azure's machines.

    Replacements are looked up by kind and name: `DATASET`, `OUTPUT` or `REFERENCE` with the name of an entry,
    `PATH_ON_COMPUTE` with the path.
    """

    def __init__(self, paths_on_compute: Iterable[str] = ()) -> None:
        paths = "|".join(map(re.escape, sorted(paths_on_compute, key=len, reverse=True)))
        self._paths = re.compile(rf"{_BEFORE_PATH}(?P<path>{paths}){_AFTER_PATH}") if paths else None
        self._all = re.compile(f"{_PLACEHOLDER}|{self._paths.pattern}" if self._paths else _PLACEHOLDER)

    def fill(self, text: str, get_value: Callable[[str, str], str]) -> str:
        """Return text with each placeholder and each path on an Azure machine replaced with `get_value(kind, name)`."""
        return self._all.sub(lambda found: get_value(*_get_kind_and_name(found)), text)

    def fill_paths(self, text: str, get_value: Callable[[str, str], str]) -> str:
        """Return text with each path replaced with `get_value(PATH_ON_COMPUTE, path)`, but placeholders unchanged."""
        return (
            text if self._paths is None else self._paths.sub(lambda found: get_value(PATH_ON_COMPUTE, found[0]), text)
        )

    def fill_shell_command(self, text: str, get_variable: Callable[[str, str], str | None]) -> str:
        """Return a shell command with placeholders and paths replaced with references to variables from `get_variable`.

        Text that the shell already reads as that variable is kept, and so is a placeholder for which it returns None.
        """

        def find_variable(match: re.Match[str]) -> str | None:
            given = get_variable(*_get_kind_and_name(match))
            return None if match[0] in {f"${given}", f"${{{given}}}"} else given

        return insert_variables(text, self._all, find_variable)


def _get_kind_and_name(match: re.Match[str]) -> tuple[str, str]:
    parts = match.groupdict()
    if parts.get("path"):
        return PATH_ON_COMPUTE, parts["path"]
    return parts["kind"] or REFERENCE, parts["name"] or parts["braced"] or parts["bare"]
