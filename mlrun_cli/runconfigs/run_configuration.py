"""Run configurations: how to run a script, as described by a `*.runconfig`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, TypeVar

from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import MlrunError
from mlrun_cli.runconfigs.keys import is_default

PYTHON_FRAMEWORK = "Python"
NO_COMMUNICATOR = "None"

_Value = TypeVar("_Value")


class PythonSection(NamedTuple):
    """The Python of a script, from the section `environment.python` of a runconfig.

    Attributes:
        user_managed_dependencies: whether the interpreter is used unchanged.
        interpreter_path: the path as written; None if the file has none.
        conda_dependencies_file: the path as written, relative to the source folder or to the runconfig.
        conda_dependencies: conda dependencies in the runconfig itself.
        base_conda_environment: the name of a conda environment to extend.
    """

    user_managed_dependencies: bool = False
    interpreter_path: str | None = None
    conda_dependencies_file: str | None = None
    conda_dependencies: Mapping[str, object] | None = None
    base_conda_environment: str | None = None


class RunConfiguration(NamedTuple):
    """The content of a runconfig, with defaults for missing keys.

    Attributes:
        script: the path relative to the source folder; None if the command line must specify it.
        arguments: the arguments as written (`0.10`, `true`), each as text.
        command: a command to run instead of `script`, as text for a shell or as a list of words; None for none.
        target: the name of a compute target.
        framework: `Python` in this spelling, whatever its letter case in the file; others as written.
        communicator: the text `None`, as Azure writes it, or the name of a communicator as written.
        max_run_duration_seconds: the time limit; None for no limit.
        environment_variables: the variables of `environment`, overridden by those at the top level.
        environment_reference: the text in place of the section `environment`: the name of an environment, or the path
            of a file that describes one.
        rest: all other keys that have a value, keyed by key path: `{"docker.useDocker": False}`. A section without
            known keys (`data`, `spark.configuration`, …) is a single value.
        places: the file and line of each value, keyed by key path; ignored when configurations are compared.
    """

    script: str | None = None
    arguments: tuple[str, ...] = ()
    command: str | tuple[str, ...] | None = None
    target: str = LOCAL_TARGET
    framework: str = PYTHON_FRAMEWORK
    communicator: str = NO_COMMUNICATOR
    node_count: int = 1
    max_run_duration_seconds: int | None = None
    environment_variables: Mapping[str, str] = MappingProxyType({})
    environment_reference: str | None = None
    python: PythonSection = PythonSection()
    rest: Mapping[str, object] = MappingProxyType({})
    places: Mapping[str, str] = MappingProxyType({})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunConfiguration) and self[:-1] == other[:-1]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:-1])

    def replace_fields(self, **values: Any) -> RunConfiguration:
        """Return a copy with some fields replaced and without the locations of these fields in the file."""
        places = {key: place for key, place in self.places.items() if re.split(r"[.[]", key)[0] not in values}
        return self._replace(**values, places=places)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration, including its secrets, as a JSON-compatible dict for `from_json`."""
        return {name: _copy_if_mapping(value) for name, value in self._asdict().items()} | {
            "python": self.python._asdict()
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> RunConfiguration:
        """Create a configuration from a dict returned by `to_json`; unknown keys are ignored."""
        known = {name: document[name] for name in cls._fields if name in document}
        command = known.get("command")
        return cls(
            **{
                **known,
                "arguments": tuple(known.get("arguments", ())),
                "command": tuple(command) if isinstance(command, list) else command,
                "python": PythonSection(**known.get("python", {})),
            }
        )

    @contextmanager
    def locate_errors(self, key_path: str | None = None) -> Iterator[None]:
        """Add the file and line of a key, if known, to errors raised within the block.

        Args:
            key_path: the key path; None means the key with which the message starts.
        """
        try:
            yield
        except MlrunError as error:
            first_word, *_ = re.split(r"[^\w.]", error.message, maxsplit=1)
            key_path = error.key_path = key_path or first_word
            place = self._find_location(key_path)
            if place is not None and error.location is None:
                error.location = place
                names_key = re.split(r"\W", first_word)[0] == re.split(r"\W", key_path)[0]
                what = error.message if names_key else f"{key_path}: {error.message}"
                error.message = f"{place}: {what}"
                error.args = (error.message,)
            raise

    def _find_location(self, key_path: str) -> str | None:
        """Return the file and line of a key or else of its innermost section whose location is known, or None."""
        while key_path and key_path not in self.places:
            key_path = key_path[: max(key_path.rfind("."), key_path.rfind("["), 0)]
        return self.places.get(key_path)

    def get_non_default_entries(self) -> dict[str, object]:
        """Return the entries of `rest` whose values are defaults in no version of Azure's SDK."""
        return {key_path: value for key_path, value in self.rest.items() if not is_default(key_path, value)}

    @property
    def environment_name(self) -> str | None:
        """The name or file of the environment that the configuration refers to, or None."""
        python = self.python
        described = python.user_managed_dependencies or python.conda_dependencies_file or python.conda_dependencies
        if self.environment_reference is not None or described:
            return self.environment_reference
        return self.inline_environment_name

    @property
    def inline_environment_name(self) -> str | None:
        """The name in the environment section, or None if it is absent or one of Azure's default names."""
        name = self.get_non_default_entries().get("environment.name")
        return None if name is None else str(name)

    def remove_environment_name(self) -> RunConfiguration:
        """Return a copy without the name of the environment."""
        rest = {key_path: value for key_path, value in self.rest.items() if key_path != "environment.name"}
        return self._replace(environment_reference=None, rest=rest)

    def replace_environment(self, other: RunConfiguration) -> RunConfiguration:
        """Return a copy with another configuration's environment, whose variables are overridden by this one's."""
        return self._replace(
            python=other.python,
            environment_reference=None,
            environment_variables={**other.environment_variables, **self.environment_variables},
            rest=_replace_environment(self.rest, other.rest),
            places=_replace_environment(self.places, other.places),
        )


def _copy_if_mapping(value: object) -> object:
    """Return a mapping as a new dict, and any other value unchanged."""
    return dict(value) if isinstance(value, Mapping) else value


def _replace_environment(base_values: Mapping[str, _Value], values: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return a copy of `base_values`, keyed by key path, with the `environment` section taken from `values`."""
    kept = {key_path: value for key_path, value in base_values.items() if not key_path.startswith("environment.")}
    return kept | {key_path: value for key_path, value in values.items() if key_path.startswith("environment.")}
