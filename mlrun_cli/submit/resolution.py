"""A resolved submit request: everything that is known about a run before it is created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.data.placeholders import has_placeholder
from mlrun_cli.environments.mode import EnvironmentChoice
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.processes.launch import Launch
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.submit.script import build_argv

if TYPE_CHECKING:  # start-up: few runs have data, or arguments of Docker
    from mlrun_cli.data.dataset import Dataset
    from mlrun_cli.environments.docker_arguments import Volume
    from mlrun_cli.submit.request import SubmitRequest
    from mlrun_cli.submit.run_data import RunData

_STORED_TEXTS = ("display_name", "description", "tags", "properties")
_DATA_SECTIONS = ("data", "dataReferences", "outputData")


class Resolution(NamedTuple):
    """A request without problems, resolved as far as possible before its run is created.

    Attributes:
        configuration: the runconfig's configuration with the request's replacements.
        runconfig: the runconfig file, if any.
        source: the folder that the snapshot is taken of.
        argv: the command line, as in a submission.
        environment: the plan of the environment.
        launch: the processes.
        choice: how exactly the environment must be matched.
        redactor: the redactor of the run's secrets, including those in the variables of the submitter and the run.
        notes: lines about settings that are skipped or handled differently.
        volumes: the volumes of a container that is not started.
        data: `data`, `outputData` and `dataReferences` of the run's definition.
        datasets: new datasets, which are stored with the run.
        data_links: as in a submission.
    """

    configuration: RunConfiguration
    runconfig: Path | None
    source: Path
    argv: tuple[str, ...]
    environment: PlannedEnvironment
    launch: Launch
    choice: EnvironmentChoice
    redactor: Redactor
    notes: tuple[str, ...]
    volumes: tuple[Volume, ...] = ()
    data: Mapping[str, Any] = MappingProxyType({})
    datasets: Sequence[Dataset] = ()
    data_links: Mapping[str, str] = MappingProxyType({})

    def redact_request(self, request: SubmitRequest) -> SubmitRequest:
        """Return the request with secrets, including those on the command line, redacted in its tags and texts."""
        secrets = self.redactor.list_distinctive_secrets(self.argv)
        texts = {name: self.redactor.redact_with_secrets(getattr(request, name), secrets) for name in _STORED_TEXTS}
        return request._replace(**texts)

    @property
    def has_data(self) -> bool:
        """True if the run has volumes, or its configuration has data sections or placeholders for data."""
        return bool(self.volumes) or uses_data(self.configuration)

    def replace_data_placeholders(self, data: RunData) -> Resolution:
        """Return a copy of the resolution with the paths of the data in place of placeholders."""
        configuration = self.configuration._replace(
            arguments=data.arguments,
            command=data.command,
            environment_variables=data.variables,
        )
        return self._replace(
            configuration=configuration,
            argv=(self.argv[0], *data.arguments) if data.command is None else build_argv(configuration),
            data=data.build_definition_sections(),
            datasets=data.datasets,
            data_links=data.links,
            notes=(*self.notes, *data.notes),
        )


def uses_data(configuration: RunConfiguration) -> bool:
    """Return whether a configuration has data sections or placeholders for data."""
    if any(configuration.rest.get(section) for section in _DATA_SECTIONS):
        return True
    command = configuration.command or ()
    words = (*configuration.arguments, *((command,) if isinstance(command, str) else command))
    return any(map(has_placeholder, words))


def build_run_redactor(environment: Mapping[str, str], configuration: RunConfiguration) -> Redactor:
    """Return a redactor for the secrets among the variables of a run and of the process that submits it."""
    return Redactor.from_environment({**environment, **configuration.environment_variables})
