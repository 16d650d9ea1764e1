"""Datasets: their files, how to read them as a table, and steps that select some of them.

    {"kind": "file" | "tabular",
     "paths": [{"path": ABSOLUTE_OR_GLOB} | {"datastore": NAME, "path": RELATIVE_OR_GLOB} | {"url": URL}, …],
     "options": {…},
     "steps": [["take", COUNT], ["skip", COUNT], ["part", SEED, LOW, HIGH], ["keep", COLUMNS], ["drop", COLUMNS],
               ["time", COLUMNS, FIRST_OR_EMPTY, LAST_OR_EMPTY, WITH_BOUNDS]]}

Only the paths and, for files, the steps are interpreted here; tables are read by the script.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import format_iso
from mlrun_cli.errors import InvalidName, InvalidValue

FILE_KIND = "file"
TABULAR_KIND = "tabular"
MAX_NAME_LENGTH = 255

Definition = Mapping[str, Any]

_Item = TypeVar("_Item")


class Dataset(NamedTuple):
    """A dataset; `name` and `version` (from 1) are None until it is registered; `created_at` is in microseconds."""

    key: int
    dataset_id: str
    name: str | None
    version: int | None
    definition: Definition
    description: str | None
    tags: Mapping[str, str | None]
    created_at: int


def build_dataset_record(dataset: Dataset) -> dict[str, Any]:
    """Return the record of a dataset for `azureml.core`."""
    return {
        "id": dataset.dataset_id,
        "name": dataset.name,
        "version": dataset.version,
        "definition": dataset.definition,
        "description": dataset.description,
        "tags": dict(dataset.tags),
        "created": format_iso(dataset.created_at),
    }


def normalize_definition(document: object) -> dict[str, Any]:
    """Validate a dataset definition and return it with missing keys set to their defaults.

    Raises:
        UsageError: it is not valid.
    """
    if not isinstance(document, Mapping) or document.get("kind") not in {FILE_KIND, TABULAR_KIND}:
        raise InvalidValue("A dataset is defined by its kind, 'file' or 'tabular', and its paths.")
    paths, options, steps = document.get("paths"), document.get("options") or {}, document.get("steps") or []
    if not isinstance(paths, list) or not paths:
        raise InvalidValue("A dataset needs at least one path.", hint="Name a file, a folder, a pattern or a URL.")
    if not isinstance(options, Mapping) or not isinstance(steps, list):
        raise InvalidValue("The options of a dataset are a mapping, and its steps a list.")
    return {
        "kind": document["kind"],
        "paths": [_check_path(path) for path in paths],
        "options": dict(options),
        "steps": [_check_step(step) for step in steps],
    }


def serialize_definition(definition: Definition) -> str:
    """Serialize a definition as JSON; equal definitions yield equal text."""
    return json.dumps(definition, sort_keys=True, separators=(",", ":"))


def check_dataset_name(name: object) -> str:
    """Return a dataset name unchanged; raise UsageError if it is invalid.

    Raises:
        UsageError: it is not text, is empty, is longer than 255 characters, or contains a control character.
    """
    is_good = isinstance(name, str) and name.strip() and len(name) <= MAX_NAME_LENGTH
    if not isinstance(name, str) or not is_good or any(unicodedata.category(c) in {"Cc", "Cs"} for c in name):
        raise InvalidName(
            f"{name!r} is not a name for a dataset.",
            hint=f"Use at most {MAX_NAME_LENGTH} characters on one line.",
            target=name,
        )
    return name


def apply_steps(items: Sequence[_Item], steps: Sequence[Sequence[Any]]) -> list[_Item]:
    """Return the items that remain after the steps of a dataset have been applied.

    Raises:
        UsageError: a step is for tables only.
    """
    from random import Random  # noqa: PLC0415 - slow to import, for every submission

    left = list(items)
    for name, *values in steps:
        if name == "take":
            left = left[: values[0]]
        elif name == "skip":
            left = left[values[0] :]
        elif name == "part":
            seed, low, high = values
            dice = Random(seed)  # noqa: S311 - a split of data is not secret
            left = [item for item in left if low <= dice.random() < high]
        else:
            raise InvalidValue(f"'{name}' is a step for tables, and these are files.")
    return left


def _check_path(path: object) -> dict[str, str]:
    shapes = ({"path"}, {"datastore", "path"}, {"url"})
    if (
        not isinstance(path, Mapping)
        or set(path) not in shapes
        or not all(isinstance(text, str) for text in path.values())
    ):
        raise InvalidValue(f"{path!r} is not a path of a dataset.")
    if set(path) == {"path"} and not os.path.isabs(path["path"]):
        raise InvalidValue(
            f"'{path['path']}' is a relative path, and there is no folder that it is relative to.",
            hint="Use an absolute path.",
        )
    if "url" in path and not path["url"].startswith(("http://", "https://")):
        raise InvalidValue(
            f"'{path['url'].partition(':')[0]}' is not a kind of URL that can be read; http and https are."
        )
    return dict(path)


_STEPS: Mapping[str, tuple[tuple[type, ...], ...]] = {
    "take": ((int,),),
    "skip": ((int,),),
    "part": ((int,), (int, float), (int, float)),
    "keep": ((list,),),
    "drop": ((list,),),
    "time": ((list,), (str,), (str,), (bool,)),
}


def _check_step(step: object) -> list[Any]:
    if isinstance(step, list) and step and isinstance(step[0], str) and step[0] in _STEPS:
        kinds = _STEPS[step[0]]
        if len(step) == len(kinds) + 1 and all(map(isinstance, step[1:], kinds)):
            return step
    raise InvalidValue(f"{step!r} is not a step of a dataset that this version knows.")
