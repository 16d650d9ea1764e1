"""A submit request: everything that a user can ask of a submit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import Redaction
from mlrun_cli.runconfigs.lookup import find_project_folder
from mlrun_cli.runconfigs.run_configuration import RunConfiguration

if TYPE_CHECKING:  # start-up: few submits repeat an earlier run or choose how their environment is met
    from mlrun_cli.environments.mode import EnvironmentChoice
    from mlrun_cli.submit.earlier_runs import EarlierRun


class SubmitRequest(NamedTuple):
    """A script to submit, and everything that replaces what its runconfig says.

    Attributes:
        path: the attached folder, or a runconfig.
        experiment_name: of the run's experiment.
        environment: the submitter's variables, which the script gets.
        runconfig_name: as after `-c`; None means the defaults.
        configuration: the content of a runconfig, from callers that have none as a file.
        source_directory: the folder that the snapshot is taken of; None means `path`.
        script: relative to the source directory; replaces the runconfig's.
        arguments: of the script; where there are any, they replace the runconfig's.
        target: replaces the runconfig's.
        conda_dependencies: a conda file that replaces the runconfig's.
        parent_run_id: of the run that this one is a child of.
        display_name: the run's name for people.
        tags, properties: those that the run has from its start.
        gpu_count: GPUs of this machine for this run alone.
        environment_mode: how closely its environment has to be met; None for what `MLRUN_ENVIRONMENT` says.
        unknown_target: `local` sends a run here whose target is not in the workspace; None for what `MLRUN_TARGETS`
            says.
        is_reading: whether the script reads this process's standard input, through `Submitted.script_input`.
        earlier: a run whose snapshot and environment are reused, whatever its folder and runconfig say now; script,
            with all of its arguments, and target may be others.
        ends_with_stream: whether the run is canceled when this process, which goes on to stream it, is killed.
    """

    path: Path
    experiment_name: str
    environment: Mapping[str, str]
    runconfig_name: str | None = None
    configuration: RunConfiguration | None = None
    source_directory: Path | None = None
    script: str | None = None
    arguments: Sequence[str] = ()
    target: str | None = None
    conda_dependencies: Path | None = None
    parent_run_id: str | None = None
    display_name: str | None = None
    tags: Mapping[str, str | None] = MappingProxyType({})
    properties: Mapping[str, str] = MappingProxyType({})
    gpu_count: int = 0
    environment_mode: EnvironmentChoice | None = None
    unknown_target: str | None = None
    is_reading: bool = False
    earlier: EarlierRun | None = None
    ends_with_stream: bool = False

    @property
    def redaction(self) -> Redaction:
        """The redactor of the run, which knows the secrets among the submitter's variables."""
        return Redaction.from_environment(self.environment)

    def find_project_folder(self) -> Path:
        """Return the absolute project folder; that of an earlier run may be gone."""
        is_folder = self.earlier is not None or self.path.is_dir()
        return self.path.absolute() if is_folder else find_project_folder(self.path)
