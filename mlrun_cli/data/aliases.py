"""Aliases from `MLRUN_DATASETS`, which map dataset ids of Azure to local datasets."""

from __future__ import annotations

from collections.abc import Mapping

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue

ALIASES_VARIABLE = "MLRUN_DATASETS"


class DatasetAlias(NamedTuple):
    """The registered dataset to which an alias refers; `version` is None for the latest."""

    name: str
    version: int | None


def parse_dataset_aliases(environ: Mapping[str, str]) -> dict[str, DatasetAlias]:
    """Return the aliases in `MLRUN_DATASETS` (`ID=NAME,ID=NAME:VERSION`), keyed by id in lowercase.

    Raises:
        UsageError: the variable has another format.
    """
    entries = [entry.strip() for entry in environ.get(ALIASES_VARIABLE, "").split(",")]
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
