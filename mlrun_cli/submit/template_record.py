"""The part of a run template that is kept for reruns after its secrets are removed: configuration and git commit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runconfigs.run_configuration import RunConfiguration

_FILE = "configuration.json"


class TemplateRecord(NamedTuple):
    """The resolved configuration of a template, with placeholders for data and without secrets.

    Attributes:
        configuration: the configuration.
        git_properties: the properties that describe the git commit of the source.
    """

    configuration: RunConfiguration
    git_properties: Mapping[str, str]

    def write(self, folder: Path, redactor: Redactor) -> None:
        """Write the record with secrets redacted to a template's folder, and wait until it is on disk.

        Raises:
            OSError: it cannot be written.
        """
        configuration = _redact_configuration(self.configuration, redactor)
        document = {"configuration": configuration.to_json(), "git": dict(self.git_properties)}
        write_json(folder / _FILE, document, durable=True)


def find_template_record(folder: Path) -> TemplateRecord | None:
    """Return the record in a template's folder, or None if it is missing or damaged.

    Raises:
        OSError: it cannot be read.
    """
    document = read_json(folder / _FILE)
    if document is None:
        return None
    return TemplateRecord(RunConfiguration.from_json(document["configuration"]), document["git"])


def _redact_configuration(configuration: RunConfiguration, redactor: Redactor) -> RunConfiguration:
    command = configuration.command
    document: Any = redactor.redact_document(configuration.rest)
    return configuration._replace(
        arguments=tuple(redactor.redact_arguments(configuration.arguments)),
        command=None if command is None else redactor.redact_command(command),
        environment_variables=redactor.redact_variables(configuration.environment_variables),
        rest=document,
        places={},
    )
