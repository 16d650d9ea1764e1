"""Aliases of datasets: ids of Azure that stand for datasets here, from `MLRUN_DATASETS`."""

from __future__ import annotations

from collections.abc import Mapping

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue

ALIASES_VARIABLE = "MLRUN_DATASETS"


class DatasetAlias(NamedTuple):
    """A registered dataset; `version` is None for the latest."""

    name: str
    version: int | None


def read_dataset_aliases(environment: Mapping[str, str]) -> dict[str, DatasetAlias]:
    """Return the aliases in `MLRUN_DATASETS`, `ID=NAME,ID=NAME:VERSION`, by id in small letters.

    Raises:
        UsageError: it cannot be read so.
    """
    entries = [entry.strip() for entry in environment.get(ALIASES_VARIABLE, "").split(",")]
    return dict(_parse_alias(entry) for entry in entries if entry)


def _parse_alias(entry: str) -> tuple[str, DatasetAlias]:
    dataset_id, _, target = (part.strip() for part in entry.partition("="))
    name, has_version, version = target.rpartition(":")
    if not has_version or not version.isdecimal():
        name, version = target, ""
    if not dataset_id or not name:
        raise InvalidValue(
            f"{ALIASES_VARIABLE}: '{entry}' does not say which dataset stands for which id.",
            hint=f"Set it as in {ALIASES_VARIABLE}=ID=NAME,ID=NAME:VERSION, with names of 'mlrun dataset list'.",
            target=ALIASES_VARIABLE,
        )
    return dataset_id.casefold(), DatasetAlias(name, int(version) if version else None)
