"""The data sections of a run configuration: `data`, `dataReferences` and `outputData`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidName, InvalidValue, Unsupported

DIRECT = "direct"
DOWNLOAD = "download"
MOUNT = "mount"
UPLOAD = "upload"

_MAX_NAME_BYTES = 200

_INPUT_MECHANISMS = (DIRECT, DOWNLOAD, MOUNT)
_OUTPUT_MECHANISMS = (MOUNT, UPLOAD)
_REFERENCE_MODES = (DOWNLOAD, MOUNT, UPLOAD)


class InputBinding(NamedTuple):
    """An entry of `data`: the source of the data and the way in which the script receives it.

    Attributes:
        name: the key of the entry.
        dataset_id: the id of a dataset.
        dataset_name: the name of a registered dataset, in `dataset_version` or, if that is None, its latest version.
        definition: the definition of a dataset that need not be stored yet.
        datastore, path: a path in a datastore.
        uri: a local path or a URL.
        mechanism: `direct`, `download` or `mount`.
        path_on_compute: the path where the script expects the data; None if it uses the path it is given.
        variable: the environment variable that contains the path.
    """

    name: str
    mechanism: str
    variable: str
    path_on_compute: str | None = None
    dataset_id: str | None = None
    dataset_name: str | None = None
    dataset_version: int | None = None
    definition: Mapping[str, Any] | None = None
    datastore: str | None = None
    path: str | None = None
    uri: str | None = None


class ReferenceBinding(NamedTuple):
    """An entry of `dataReferences`: a path in a datastore, or in the default one if `datastore` is None.

    `path_on_compute` is the path where the script expects the data; None if it uses the path it is given. If
    `is_output` is set, the script makes the file or folder itself (the key `isOutput`, of steps of pipelines only). If
    `may_be_written_before` is set, an earlier step may still write it (the key `mayBeWrittenBefore`, likewise).
    """

    name: str
    datastore: str | None
    path: str | None
    mode: str
    path_on_compute: str | None
    is_output: bool = False
    may_be_written_before: bool = False


class OutputBinding(NamedTuple):
    """An entry of `outputData`: a path in a datastore, and the dataset to register, `{"name", …}` or None."""

    name: str
    datastore: str | None
    path: str | None
    mechanism: str
    registration: Mapping[str, Any] | None


def parse_inputs(section: object) -> list[InputBinding]:
    """Return the bindings in the section `data` of a runconfig.

    Raises:
        UsageError: an entry is invalid; the message contains its key path.
    """
    return [_parse_input(name, entry) for name, entry in _list_entries("data", section)]


def parse_references(section: object) -> list[ReferenceBinding]:
    """Return the bindings in the section `dataReferences` of a runconfig; raise UsageError if an entry is invalid."""
    found = []
    for name, entry in _list_entries("dataReferences", section):
        where = f"dataReferences.{name}"
        found.append(
            ReferenceBinding(
                name=name,
                datastore=_get_text(where, entry, "dataStoreName"),
                path=_get_text(where, entry, "pathOnDataStore"),
                mode=_parse_mode(where, entry, "mode", _REFERENCE_MODES),
                path_on_compute=_get_text(where, entry, "pathOnCompute"),
                is_output=entry.get("isOutput") is True,
                may_be_written_before=entry.get("mayBeWrittenBefore") is True,
            )
        )
    return found


def parse_outputs(section: object) -> list[OutputBinding]:
    """Return the bindings in the section `outputData` of a runconfig; raise UsageError if an entry is invalid."""
    return [_parse_output(name, entry) for name, entry in _list_entries("outputData", section)]


def _parse_input(name: str, entry: Mapping[str, Any]) -> InputBinding:
    where = f"data.{name}"
    location = _get_mapping(where, entry, "dataLocation")
    dataset = _get_mapping(f"{where}.dataLocation", location, "dataset")
    place = _get_mapping(f"{where}.dataLocation", location, "dataPath", "datapath")
    uri = _get_mapping(f"{where}.dataLocation", location, "uri")
    version = dataset.get("version")
    binding = InputBinding(
        name=name,
        mechanism=_parse_mode(where, entry, "mechanism", _INPUT_MECHANISMS, DIRECT),
        variable=_get_text(where, entry, "environmentVariableName") or name,
        path_on_compute=_get_text(where, entry, "pathOnCompute"),
        dataset_id=_get_text(where, dataset, "id"),
        dataset_name=_get_text(where, dataset, "name"),
        dataset_version=None if version in (None, "", "latest") else _parse_version(where, version),
        definition=dataset.get("definition"),
        datastore=_get_text(where, place, "datastoreName"),
        path=_get_text(where, place, "relativePath"),
        uri=_get_text(where, uri, "path"),
    )
    sources = (binding.dataset_id, binding.dataset_name, binding.definition, binding.datastore, binding.uri)
    if not any(sources):
        raise InvalidValue(
            f"{where} does not say which data it is.",
            hint="Write dataLocation with the id or the name of a dataset, a dataPath or a uri.",
        )
    return binding


def _parse_output(name: str, entry: Mapping[str, Any]) -> OutputBinding:
    where = f"outputData.{name}"
    place = _get_mapping(where, _get_mapping(where, entry, "outputLocation"), "dataPath", "datapath")
    options = _get_mapping(where, entry, "additionalOptions")
    if _get_text(where, options, "pathOnCompute"):
        raise Unsupported(
            f"{where}: output from a path that the script chooses is not supported.",
            hint=f"Take out 'source' (pathOnCompute), and let the script write to DatasetOutputConfig:{name}.",
        )
    globs = _get_mapping(where, options, "uploadOptions").get("sourceGlobs")
    if globs and not (isinstance(globs, Mapping) and not globs.get("patterns")):
        raise Unsupported(
            f"{where}: output of only some files is not supported.", hint="Remove 'source_globs' (sourceGlobs)."
        )
    registration = _get_mapping(where, options, "registrationOptions")
    return OutputBinding(
        name=name,
        datastore=_get_text(where, place, "datastoreName"),
        path=_get_text(where, place, "relativePath"),
        mechanism=_parse_mode(where, entry, "mechanism", _OUTPUT_MECHANISMS),
        registration=registration if registration.get("name") else None,
    )


def _list_entries(section_name: str, section: object) -> list[tuple[str, Mapping[str, Any]]]:
    if section is None:
        return []
    if not isinstance(section, Mapping) or not all(isinstance(entry, Mapping) for entry in section.values()):
        raise InvalidValue(
            f"{section_name} is a mapping from names to mappings.", hint="'mlrun runconfig schema' has their keys."
        )
    for name in section:
        _check_name(section_name, str(name))
    return [(str(name), entry) for name, entry in section.items()]


def _check_name(section_name: str, name: str) -> None:
    """Raise if a name cannot be the name of an environment variable or a folder."""
    if not name or re.search(r"[=\0]", name):
        raise InvalidName(
            f"{section_name}: {name!r} is not a name for data: an environment variable is named after it.",
            hint="Use letters, digits and underscores.",
        )
    if len(name.encode("utf-8", "replace")) > _MAX_NAME_BYTES:
        raise InvalidName(
            f"{section_name}: the name '{name[:20]}…' is too long: a folder is named after it.",
            hint=f"Use at most {_MAX_NAME_BYTES} letters.",
        )


def _get_mapping(location: str, entry: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return the mapping under the first of the keys that has a value; empty if none has."""
    for key in keys:
        found = entry.get(key)
        if found is not None:
            if not isinstance(found, Mapping):
                raise InvalidValue(
                    f"{location}.{key} is a mapping, not {_describe_type(found)}.",
                    hint="'mlrun runconfig schema' has its keys.",
                )
            return found
    return {}


def _get_text(location: str, entry: Mapping[str, Any], key: str) -> str | None:
    found = entry.get(key)
    if found is not None and not isinstance(found, str):
        raise InvalidValue(
            f"{location}: {key} is a text, not {_describe_type(found)}.", hint="Write it in quotes, on one line."
        )
    return found or None


def _describe_type(value: object) -> str:
    """Return a description of a value's type, for errors that must not show the possibly secret value."""
    return {str: "a text", bool: "true or false", list: "a list", tuple: "a list", dict: "a mapping"}.get(
        type(value), "a number"
    )


def _parse_mode(
    location: str, entry: Mapping[str, Any], key: str, known_modes: tuple[str, ...], default: str = MOUNT
) -> str:
    mode = (_get_text(location, entry, key) or default).lower()
    if mode not in known_modes:
        raise InvalidValue(f"{location}: {key}: '{mode}' is not supported here.", hint=f"Use {', '.join(known_modes)}.")
    return mode


def _parse_version(location: str, version: object) -> int:
    if isinstance(version, int) or (isinstance(version, str) and version.isdecimal()):
        return int(version)
    raise InvalidValue(
        f"{location}: the version of a dataset is a number or 'latest', not {version!r}.",
        hint="Leave it out for the latest one.",
    )
