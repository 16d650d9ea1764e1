"""The packages of an environment, in the format of a conda file."""

import copy
import json
import os
import re
import shlex
from typing import Any, Iterable, Iterator, Mapping

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml._client.client import get_client
from azureml.exceptions import UserErrorException

__all__ = ["PYTHON_PREFIX", "CondaDependencies"]

PYTHON_PREFIX = "python"


class _AzureDefault(str):
    """The type of Azure's default version, which distinguishes it from an equal version requested by the user."""

    __slots__ = ()


PYTHON_DEFAULT_VERSION: str = _AzureDefault("3.10.18")
CONDA_FILE_NAME = "auto_conda_dependencies.yml"
CHANNELS = "channels"
PACKAGES = "dependencies"
PIP = "pip"
TENSORFLOW_DEFAULT_VERSION = "2.2.0"
CNTK_DEFAULT_VERSION = "2.7"

_DEFAULT: Mapping[str, Any] = {
    "name": "project_environment",
    PACKAGES: [{PIP: ["azureml-defaults"]}],
    CHANNELS: ["anaconda", "conda-forge"],
}
_SDK_VERSION = "1.61.0"
# Packages of Azure that share the version of its SDK.
_SDK_PACKAGE = re.compile(
    r"(azureml-(?:core|sdk|defaults|mlflow|telemetry|pipeline(?:-core|-steps)?|widgets|interpret|opendatasets"
    r"|tensorboard|train(?:-core|-restclients-hyperdrive|-automl(?:-client|-runtime)?)?|automl-(?:core|runtime))"
    r"(?:\[[^\]]*\])?)\s*(?:[=<>!~].*)?"
)
_NAME = re.compile(r"\s*([^\s=<>!~\[;@]*)")
_SHORT_OPTIONS = {"-i": "--index-url", "-f": "--find-links", "-r": "--requirement", "-c": "--constraint"}
_OPTIONS_WITH_PATH = re.compile(r"(-r|-c|-e|-f|--requirement|--constraint|--editable|--find-links)(\s+|=)(.+)")
_LOCAL_PATH = re.compile(r"\.{1,2}(/.*)?")
_PLAIN_TEXT = re.compile(
    r"(?!(?i:true|false|yes|no|on|off|null|~)$)[A-Za-z_./][\w./+=<>!,\[\]@-]*(?: [\w./+=<>!,\[\]@-]+)*"
)


class CondaDependencies:
    """The conda packages, pip packages, channels and pip options of an environment.

    A Python version is written only if one is requested: few machines have Azure's default version,
    so without a pin a run uses the Python of this machine.
    """

    def __init__(self, conda_dependencies_file_path: Any = None, _underlying_structure: Any = None) -> None:
        self._folder: str | None = None
        if conda_dependencies_file_path is not None:
            path = os.path.abspath(conda_dependencies_file_path)
            if not os.path.isfile(path):
                raise FileNotFoundError(f"There is no conda file {path}.")
            _underlying_structure = get_client().request("documents.read", path=path)
            self._folder = os.path.dirname(path)
        elif _underlying_structure is None:
            _underlying_structure = _DEFAULT
        _check_structure(_underlying_structure, conda_dependencies_file_path)
        self._structure: dict[str, Any] = copy.deepcopy(dict(_underlying_structure))

    @staticmethod
    def create(
        pip_indexurl: "str | None" = None,
        pip_packages: "Iterable[str] | None" = None,
        conda_packages: "Iterable[str] | None" = None,
        python_version: "str | None" = PYTHON_DEFAULT_VERSION,
        pin_sdk_version: bool = True,
    ) -> "CondaDependencies":
        """Return dependencies with the given packages, with Azure's SDK packages pinned to one version by default."""
        created = CondaDependencies()
        if python_version is not None and not isinstance(python_version, _AzureDefault):
            created.set_python_version(python_version)
        if pip_packages is not None:
            created.set_pip_requirements([])
        for package in _to_strings(pip_packages):
            created.add_pip_package(package)
        if pin_sdk_version:
            created.set_pip_requirements([_pin_sdk_version(line) for line in created._list_pip_lines()])
        if pip_indexurl is not None:
            created.set_pip_option(f"--extra-index-url {pip_indexurl}")
        for package in _to_strings(conda_packages):
            created.add_conda_package(package)
        return created

    @staticmethod
    def merge_requirements(requirements: Iterable[str]) -> "list[str]":
        """Return the requirements merged into a single line per package."""
        merged: dict[str, list[str]] = {}
        for requirement in requirements:
            name = re.split(r"[=<>!~]", requirement, maxsplit=1)[0]
            conditions = merged.setdefault(name, [])
            if len(name) < len(requirement):
                conditions.append(requirement[len(name) :])
        return [name + ",".join(conditions) for name, conditions in merged.items()]

    @staticmethod
    def sdk_origin_url() -> str:
        """Return the URL of the package index of Azure's SDK."""
        return "https://pypi.python.org/simple/index.html"

    @property
    def conda_channels(self) -> Iterator[str]:
        """An iterator over the conda channels."""
        return iter(list(self._structure.get(CHANNELS) or []))

    @property
    def conda_packages(self) -> Iterator[str]:
        """An iterator over the conda packages, including Python."""
        return iter([entry for entry in self._get_or_create_entries() if not isinstance(entry, Mapping)])

    @property
    def pip_packages(self) -> Iterator[str]:
        """An iterator over the pip requirements, without options."""
        return iter([line for line in self._list_pip_lines() if not line.startswith("-")])

    @property
    def pip_options(self) -> Iterator[str]:
        """An iterator over the pip options."""
        return iter([line for line in self._list_pip_lines() if line.startswith("-")])

    def get_default_number_of_packages(self) -> "tuple[int, int]":
        """Return the number of default conda packages and the number of default pip packages."""
        return 1, 1

    def get_python_version(self) -> "str | None":
        """Return the pinned Python version, or None if there is none."""
        for entry in self.conda_packages:
            found = re.fullmatch(r"python\s*=+\s*(\S+)", entry)
            if found:
                return found[1]
        return None

    def set_python_version(self, version: str) -> None:
        """Pin the Python version."""
        self.add_conda_package("python=" + version)

    def add_channel(self, channel: str) -> None:
        """Add a conda channel unless it is already listed."""
        channels = self._structure.setdefault(CHANNELS, [])
        if channel not in channels:
            channels.append(channel)

    def remove_channel(self, channel: str) -> None:
        """Remove a conda channel if it is listed."""
        if channel in self.conda_channels:
            self._structure[CHANNELS].remove(channel)

    def add_conda_package(self, conda_package: str) -> None:
        """Add a conda package, replacing an entry with the same package name."""
        entries = self._get_or_create_entries()
        name = _get_package_name(conda_package)
        for index, entry in enumerate(entries):
            if not isinstance(entry, Mapping) and _get_package_name(entry) == name:
                entries[index] = conda_package
                return
        entries.insert(0 if name == PYTHON_PREFIX else len(entries), conda_package)

    def remove_conda_package(self, conda_package: str) -> None:
        """Remove a conda package, identified by its name or by its full entry."""
        self._structure[PACKAGES] = [
            entry
            for entry in self._get_or_create_entries()
            if isinstance(entry, Mapping) or conda_package not in (entry, _get_package_name(entry))
        ]

    def add_pip_package(self, pip_package: str) -> None:
        """Add a pip requirement, replacing entries with the same package name.

        Raises:
            UserErrorException: The value is a pip option.
        """
        if pip_package.startswith("-"):
            raise UserErrorException(f"{pip_package!r} is an option for pip and no package. Use set_pip_option for it.")
        self.remove_pip_package(_get_package_name(pip_package) or pip_package)
        self._get_or_create_pip_lines().append(pip_package)

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove a pip requirement, identified by its package name or by its full line."""
        if self._has_pip():
            self.set_pip_requirements(
                [
                    line
                    for line in self._list_pip_lines()
                    if line.startswith("-") or pip_package not in (line, _get_package_name(line))
                ]
            )

    def set_pip_option(self, pip_option: str) -> None:
        """Set a pip option, replacing an earlier value.

        Raises:
            UserErrorException: The value does not start with a dash.
        """
        if not pip_option.startswith("-"):
            raise UserErrorException(f"{pip_option!r} is not an option of pip: options begin with a dash.")
        self.remove_pip_option(pip_option)
        self._get_or_create_pip_lines().append(pip_option)

    def remove_pip_option(self, pip_option: str) -> None:
        """Remove a pip option, whatever its value."""
        if self._has_pip():
            self.set_pip_requirements(
                [
                    line
                    for line in self._list_pip_lines()
                    if not line.startswith("-") or _get_option_name(line) != _get_option_name(pip_option)
                ]
            )

    def set_pip_index_url(self, index_url: str) -> None:
        """Set pip's index, given as a URL or as `--index-url URL`."""
        self.set_pip_option(index_url if index_url.startswith("-") else f"--index-url {index_url}")

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        """Replace all pip requirements and options."""
        is_text = isinstance(pip_requirements, str)
        requirements = [*(str(pip_requirements).splitlines() if is_text else pip_requirements)]
        for entry in self._get_or_create_entries():
            if isinstance(entry, dict):
                entry[PIP] = requirements
                return
        self._get_or_create_entries().append({PIP: requirements})

    def add_tensorflow_conda_package(self, core_type: str = "cpu", version: "str | None" = None) -> None:
        """Add TensorFlow for `cpu` or `gpu` from conda."""
        self.add_conda_package(f"{_add_core_suffix('tensorflow', core_type)}={version or TENSORFLOW_DEFAULT_VERSION}")

    def add_tensorflow_pip_package(self, core_type: str = "cpu", version: "str | None" = None) -> None:
        """Add TensorFlow for `cpu` or `gpu` from PyPI."""
        self.add_pip_package(f"{_add_core_suffix('tensorflow', core_type)}=={version or TENSORFLOW_DEFAULT_VERSION}")

    def add_cntk_package(self, core_type: str = "cpu") -> None:
        """Add CNTK for `cpu` or `gpu`."""
        self.add_pip_package(f"{_add_core_suffix('cntk', core_type)}=={CNTK_DEFAULT_VERSION}")

    def as_dict(self) -> Any:
        """Return the content of the conda file as dicts, lists and strings."""
        return copy.deepcopy(self._structure)

    def serialize_to_string(self) -> str:
        """Return the text of the conda file."""
        return "".join(_format_yaml_lines(self._structure))

    def save(self, path: Any = None) -> Any:
        """Write the conda file to the given path and return the path.

        Raises:
            UserErrorException: The path is missing or a folder, or its parent folder does not exist.
        """
        if path is None or os.path.isdir(path):
            raise UserErrorException(f"Conda dependencies are saved to a file, and {path!r} is none. Name one.")
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder):
            raise UserErrorException(f"Conda dependencies cannot be saved to {path}: there is no folder {folder}.")
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(self.serialize_to_string())
        return path

    def save_to_file(self, base_directory: Any, conda_file_path: "str | None" = None) -> str:
        """Write the conda file below a folder and return its path relative to that folder."""
        name = conda_file_path or f"{get_configuration_folder_name(base_directory)}/{CONDA_FILE_NAME}"
        path = os.path.join(base_directory, name)
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        self.save(path)
        return name

    def _to_mapping(self) -> "dict[str, Any]":
        """Return the content of the conda file as a dict, with paths in the pip section made absolute."""
        mapping: dict[str, Any] = self.as_dict()
        for entry in mapping.get(PACKAGES) or []:
            if isinstance(entry, dict) and self._folder is not None:
                entry[PIP] = [make_path_absolute(line, self._folder) for line in entry.get(PIP) or []]
        return mapping

    def _is_default(self) -> bool:
        """Return whether the dependencies equal the defaults."""
        return self._structure == _DEFAULT

    def _get_or_create_entries(self) -> "list[Any]":
        """Return the mutable list of conda entries, creating it if needed."""
        if self._structure.get(PACKAGES) is None:
            self._structure[PACKAGES] = []
        entries: list[Any] = self._structure[PACKAGES]
        return entries

    def _has_pip(self) -> bool:
        return any(isinstance(entry, Mapping) for entry in self._get_or_create_entries())

    def _list_pip_lines(self) -> "list[str]":
        """Return the lines of the pip section: requirements and options."""
        return [
            line
            for entry in self._get_or_create_entries()
            if isinstance(entry, Mapping)
            for line in entry.get(PIP) or []
        ]

    def _get_or_create_pip_lines(self) -> "list[str]":
        """Return the mutable list of pip lines, creating the pip section if needed."""
        self.set_pip_requirements(self._list_pip_lines())
        found: list[str] = next(entry[PIP] for entry in self._get_or_create_entries() if isinstance(entry, Mapping))
        return found


def get_configuration_folder_name(folder: Any) -> str:
    """Return the name of a project's runconfig folder: `aml_config` if it exists, or else `.azureml`."""
    return "aml_config" if os.path.isdir(os.path.join(folder, "aml_config")) else ".azureml"


def read_requirement_lines(path: str) -> "list[str]":
    """Return the lines of a requirements file without comments and with absolute paths."""
    with open(path, encoding="utf-8-sig") as file:
        text = re.sub(r"\\\r?\n", " ", file.read())
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return [make_path_absolute(line, os.path.dirname(os.path.abspath(path))) for line in lines if line]


def make_path_absolute(requirement_line: str, folder: str) -> str:
    """Return a requirements line with its local path, if one exists relative to `folder`, made absolute."""
    option = _OPTIONS_WITH_PATH.fullmatch(requirement_line)
    if option:
        path = os.path.join(folder, option[3].strip())
        return (
            f"{option[1]}{option[2]}{shlex.quote(os.path.normpath(path))}" if os.path.exists(path) else requirement_line
        )
    path = os.path.join(folder, requirement_line)
    return (
        os.path.normpath(path) if _LOCAL_PATH.fullmatch(requirement_line) and os.path.exists(path) else requirement_line
    )


def _check_structure(structure: Any, path: Any) -> None:
    """Raise UserErrorException if the content of a conda file is not valid."""
    where = "" if path is None else f"{path}: "
    if not isinstance(structure, Mapping):
        raise UserErrorException(f"{where}a conda file is a mapping with 'dependencies'.")
    known = {"name", PACKAGES, CHANNELS, "prefix", "variables", "platforms"}
    unknown = [str(key) for key in structure if key not in known]
    if unknown:
        raise UserErrorException(
            f"{where}a conda file has no key {', '.join(unknown)}; it has name, channels and dependencies."
        )
    for key in (PACKAGES, CHANNELS):
        if not isinstance(structure.get(key), (list, tuple, type(None))):
            raise UserErrorException(f"{where}{key}: expected a list.")


def _to_strings(strings: "Iterable[str] | None") -> Iterable[str]:
    """Return the strings as an iterable; a single string counts as one item, and None as no items."""
    return [strings] if isinstance(strings, str) else strings or ()


def _get_package_name(requirement: str) -> str:
    """Return the package name of a conda or pip requirement."""
    found = _NAME.match(requirement.rsplit("::", maxsplit=1)[-1])
    return found[1] if found else requirement


def _get_option_name(line: str) -> str:
    """Return the name of the option in a line of pip options."""
    word = re.split(r"[\s=]", line, maxsplit=1)[0]
    return _SHORT_OPTIONS.get(word, word)


def _pin_sdk_version(requirement: str) -> str:
    """Return a requirement pinned to the SDK's version if it is one of Azure's SDK packages, or else unchanged."""
    found = _SDK_PACKAGE.fullmatch(requirement)
    return f"{found[1]}~={_SDK_VERSION}" if found else requirement


def _add_core_suffix(name: str, core_type: str) -> str:
    if core_type not in ("cpu", "gpu"):
        raise UserErrorException(f"{core_type!r} is not a core type. Use 'cpu' or 'gpu'.")
    return name if core_type == "cpu" else f"{name}-gpu"


def _format_yaml_lines(structure: Mapping[str, Any]) -> Iterator[str]:
    for key, value in structure.items():
        if not value or not isinstance(value, list):
            yield f"{_format_yaml_value(key)}: {_format_yaml_value(value)}\n"
            continue
        yield f"{_format_yaml_value(key)}:\n"
        for item in value:
            if isinstance(item, Mapping) and list(item) == [PIP] and item[PIP]:
                yield f"- {PIP}:\n"
                yield from (f"  - {_format_yaml_value(line)}\n" for line in item[PIP])
            else:
                yield f"- {_format_yaml_value(item)}\n"


def _format_yaml_value(value: Any) -> str:
    """Return a value as YAML: a string unquoted if that is safe, or else JSON, which is valid YAML."""
    return value if isinstance(value, str) and _PLAIN_TEXT.fullmatch(value) else json.dumps(value)
