"""A run configuration: how a script is run, as a `*.runconfig` describes it."""

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
    """The Python of a script: `environment.python` of a runconfig.

    Attributes:
        user_managed_dependencies: True: the interpreter is used as it is.
        interpreter_path: as written; None when the file does not say.
        conda_dependencies_file: as written, relative to the source folder or to the runconfig.
        conda_dependencies: the same content written in the runconfig itself.
        base_conda_environment: name of a conda environment to add to.
    """

    user_managed_dependencies: bool = False
    interpreter_path: str | None = None
    conda_dependencies_file: str | None = None
    conda_dependencies: Mapping[str, object] | None = None
    base_conda_environment: str | None = None


class RunConfiguration(NamedTuple):
    """The content of a runconfig, with defaults for what it leaves out.

    Attributes:
        script: relative to the source folder; None when the command line has to name it.
        arguments: as they were written (`0.10`, `true`), one text each.
        command: instead of `script`: one text for a shell, or a command's words; None when there is none.
        target: name of a compute target.
        framework: `Python` in this spelling, whatever the letter case was; others as written.
        communicator: `None` as text, as Azure writes it; others as written.
        max_run_duration_seconds: None means no limit.
        environment_variables: those of `environment`, overridden by those at the top.
        environment_reference: what stands in place of the section `environment`: the name of an environment, or of
            a file that describes one.
        rest: every other key that has a value, by key path: `{"docker.useDocker": False}`. What is not
            told apart key by key (`data`, `spark.configuration`, …) is one value.
        places: file and line of each value that a file says, by key path; two that differ in it alone are equal.
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
        """Replace fields by values that do not come from the file, and forget their lines."""
        places = {key: place for key, place in self.places.items() if re.split(r"[.[]", key)[0] not in values}
        return self._replace(**values, places=places)

    @contextmanager
    def locate_errors(self, key_path: str | None = None) -> Iterator[None]:
        """Add file and line of a key, if known, to an error about it.

        Args:
            key_path: the key; None means the one that the message begins with.
        """
        try:
            yield
        except MlrunError as error:
            first_word, *_ = re.split(r"[^\w.]", error.message, maxsplit=1)
            key_path = error.key_path = key_path or first_word
            place = self._find_place(key_path)
            if place is not None and error.location is None:
                error.location = place
                names_key = re.split(r"\W", first_word)[0] == re.split(r"\W", key_path)[0]
                what = error.message if names_key else f"{key_path}: {error.message}"
                error.message = f"{place}: {what}"
                error.args = (error.message,)
            raise

    def _find_place(self, key_path: str) -> str | None:
        """Return the file and line of a key, or else of the section or list that holds it."""
        while key_path and key_path not in self.places:
            key_path = key_path[: max(key_path.rfind("."), key_path.rfind("["), 0)]
        return self.places.get(key_path)

    def find_changed_keys(self) -> dict[str, object]:
        """Return the keys of `rest` whose values differ from the defaults of every version of Azure's SDK."""
        return {key_path: value for key_path, value in self.rest.items() if not is_default(key_path, value)}

    @property
    def environment_name(self) -> str | None:
        """The environment's name, when the configuration says no more about it than its name."""
        python = self.python
        described = python.user_managed_dependencies or python.conda_dependencies_file or python.conda_dependencies
        if self.environment_reference is not None or described:
            return self.environment_reference
        name = self.find_changed_keys().get("environment.name")
        return None if name is None else str(name)

    def remove_environment_name(self) -> RunConfiguration:
        """Remove the name of the environment."""
        rest = {key_path: value for key_path, value in self.rest.items() if key_path != "environment.name"}
        return self._replace(environment_reference=None, rest=rest)

    def replace_environment(self, other: RunConfiguration) -> RunConfiguration:
        """Replace the environment by that of another configuration; its own variables take precedence."""
        return self._replace(
            python=other.python,
            environment_reference=None,
            environment_variables={**other.environment_variables, **self.environment_variables},
            rest=_replace_environment(self.rest, other.rest),
            places=_replace_environment(self.places, other.places),
        )


def _replace_environment(own: Mapping[str, _Value], others: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return values by key path, with those of the section `environment` taken from `others`."""
    kept = {key_path: value for key_path, value in own.items() if not key_path.startswith("environment.")}
    return kept | {key_path: value for key_path, value in others.items() if key_path.startswith("environment.")}
