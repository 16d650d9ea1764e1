"""Values of placeholders for data, and their substitution in arguments, commands and variables."""

from __future__ import annotations

from collections.abc import Iterator

from mlrun_cli.core.problems import Problems
from mlrun_cli.data.placeholders import DATASET, OUTPUT, PATH_ON_COMPUTE, REFERENCE, Placeholders
from mlrun_cli.errors import UsageError
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.submit.run_data import RunData
from mlrun_cli.wire.camel_case import to_camel_case

SECTIONS = {DATASET: "data", OUTPUT: "outputData", REFERENCE: "dataReferences"}
"""The section of a configuration by the kind of placeholders for its entries."""


class DataValues:
    """The values of placeholders, keyed by kind and name; the matching environment variables are added to `data`."""

    def __init__(self, data: RunData) -> None:
        self._data = data
        self._values: dict[tuple[str, str], str] = {}
        self._shell_variables: dict[str, str] = {}
        self._placeholders = Placeholders()

    def set(self, kind: str, name: str, value: str) -> None:
        """Set the value of a data entry for placeholders of its kind and of the kind `dataReferences`."""
        self._values[kind, name] = self._values[REFERENCE, name] = value
        self._data.variables[f"{REFERENCE}_{name}"] = value

    def set_path(self, path_on_compute: str, value: str) -> None:
        """Set the local path that replaces a path on Azure's machines or in a container."""
        self._values[PATH_ON_COMPUTE, path_on_compute.rstrip("/") or "/"] = value

    def set_empty(self, kind: str, name: str) -> None:
        """Set an empty value for a data entry that could not be bound, to avoid more errors about its placeholders."""
        self._values.setdefault((kind, name), "")
        self._values.setdefault((REFERENCE, name), "")

    def substitute(self, configuration: RunConfiguration, problems: Problems) -> None:
        """Replace placeholders in a configuration's variables, arguments and command; store these in the run's data."""
        self._add_azure_names()
        self._placeholders = Placeholders(name for kind, name in self._values if kind == PATH_ON_COMPUTE)
        for name, text in configuration.environment_variables.items():
            self._data.variables[name] = self._placeholders.fill_paths(
                text, lambda kind, name: self._get_value("environmentVariables", kind, name)
            )
        self._data.arguments = tuple(self._fill_arguments(configuration, problems))
        command = configuration.command
        with problems.collect_errors(), configuration.locate_errors("command"):
            if isinstance(command, str):
                self._data.command = self._placeholders.fill_shell_command(command, self._find_shell_variable)
            elif command is not None:
                self._data.command = tuple(self._fill_placeholders("command", word) for word in command)

    def _add_azure_names(self) -> None:
        """Add the names of the data in Azure's spelling, which scripts and arguments may use."""
        for (kind, name), value in [*self._values.items()]:
            self._values.setdefault((kind, to_camel_case(name)), value)
            if kind == REFERENCE:
                self._data.variables.setdefault(f"{REFERENCE}_{to_camel_case(name)}", value)

    def _fill_arguments(self, configuration: RunConfiguration, problems: Problems) -> Iterator[str]:
        for index, text in enumerate(configuration.arguments):
            where = f"arguments[{index}]"
            with problems.collect_errors(), configuration.locate_errors(where):
                yield self._fill_placeholders(where, text)

    def _fill_placeholders(self, location: str, text: str) -> str:
        return self._placeholders.fill(text, lambda kind, name: self._get_value(location, kind, name))

    def _get_value(self, location: str, kind: str, name: str) -> str:
        value = self._values.get((kind, name))
        if value is not None:
            return value
        known = sorted(name for known_kind, name in self._values if known_kind == kind)
        there_are = f"There are: {', '.join(known)}." if known else "There is none."
        section = SECTIONS[kind]
        raise UsageError(
            f"{location}: '{name}' is not in the section {section}. {there_are}",
            hint=f"Add it to {section}, or write a path instead.",
        )

    def _find_shell_variable(self, kind: str, name: str) -> str | None:
        """Return the shell variable with a placeholder's path, or None if the placeholder is a shell expression."""
        if kind == REFERENCE and (kind, name) not in self._values and not _is_shell_name_suffix(name):
            return None  # `${AZUREML_DATAREFERENCE_x:-/data}`
        value = self._get_value("command", kind, name)
        variable = f"{REFERENCE}_{name}"
        if not _is_shell_name_suffix(name) or self._data.variables.get(variable) != value:
            variable = self._shell_variables.setdefault(value, f"MLRUN_DATA_{len(self._shell_variables) + 1}")
            self._data.variables[variable] = value
        return variable


def _is_shell_name_suffix(name: str) -> bool:
    return name.isascii() and f"_{name}".isidentifier()
