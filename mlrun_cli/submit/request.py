"""A submit request: everything that a user can specify for a submission."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlrun_cli.core.named_tuple import NamedTuple

if TYPE_CHECKING:  # start-up: a supervisor may load meanwhile
    from mlrun_cli.environments.mode import EnvironmentChoice
    from mlrun_cli.runconfigs.run_configuration import RunConfiguration
    from mlrun_cli.runs.retry_policy import RetryPolicy
    from mlrun_cli.runs.run import Run
    from mlrun_cli.submit.earlier_runs import EarlierRun


class SubmitRequest(NamedTuple):
    """A request to submit a script, with the values that override its runconfig.

    Attributes:
        path: the attached folder, or a runconfig.
        experiment_name: the name of the run's experiment.
        environment: the submitter's variables, which the script gets.
        runconfig_name: the value of `-c`; None means the defaults.
        configuration: the content of a runconfig, from callers without a runconfig file.
        adapt: a change of the configuration after the file was read; None leaves it as it is.
        source_directory: the folder that the snapshot is taken of; None means `path`.
        script: the script, relative to the source directory; replaces the runconfig's script or command.
        arguments: the script's arguments; if there are any, they replace the runconfig's arguments.
        absent_flags: flags of the script, such as `--fp16`, that are false, and that the arguments leave out.
        command: a command to start instead of a script, as words or as text for a shell.
        target: the compute target; replaces the runconfig's target.
        conda_dependencies: a conda file that replaces the runconfig's.
        parent_run_id: the id of the parent run.
        display_name: the run's name for people.
        description: the run's description.
        tags, properties: the initial tags and properties of the run.
        variables: environment variables of the script, which replace those of the runconfig.
        time_limit_seconds: the time limit of the script; replaces the runconfig's.
        keeps_outputs_only: whether only `outputs` and `logs` are kept of what the script writes to its working folder.
        predecessor: the run that must have completed before this one starts.
        begin_at: the time before which the run does not start, in microseconds.
        priority: the rank of the run in its queue; 0 is normal, and a higher one comes first.
        retry: the policy by which a failed script is started again; None if it is not.
        gpu_count: the number of GPUs of this machine for the run's exclusive use.
        environment_mode: how exactly the environment must be matched; None uses `MLRUN_ENVIRONMENT`.
        unknown_target: `local` runs a run with an unknown target on this machine; None uses `MLRUN_TARGETS`.
        is_reading: whether the script reads this process's standard input, through `Submitted.script_input`.
        earlier: a run whose snapshot and environment are reused instead of the current folder and runconfig; the
            script with its arguments and the target may still be replaced.
        rerun_of: the id of the run that this one repeats, which becomes a tag.
        first_rerun_of: the id of a run; this one is refused if another repeats that already.
        resumed_run: a run whose `outputs` the script finds in its own.
        notify: the addresses that are notified of the end of the run.
        ends_with_stream: whether the run is canceled when this process, which goes on to stream it, is killed.
    """

    path: Path
    experiment_name: str
    environment: Mapping[str, str]
    runconfig_name: str | None = None
    configuration: RunConfiguration | None = None
    adapt: Callable[[RunConfiguration], RunConfiguration] | None = None
    source_directory: Path | None = None
    script: str | None = None
    arguments: Sequence[str] = ()
    absent_flags: Sequence[str] = ()
    command: tuple[str, ...] | str | None = None
    target: str | None = None
    conda_dependencies: Path | None = None
    parent_run_id: str | None = None
    display_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = MappingProxyType({})
    properties: Mapping[str, str] = MappingProxyType({})
    variables: Mapping[str, str] = MappingProxyType({})
    time_limit_seconds: float | None = None
    retry: RetryPolicy | None = None
    keeps_outputs_only: bool = False
    predecessor: Run | None = None
    begin_at: int | None = None
    priority: int = 0
    gpu_count: int = 0
    environment_mode: EnvironmentChoice | None = None
    unknown_target: str | None = None
    is_reading: bool = False
    earlier: EarlierRun | None = None
    rerun_of: str | None = None
    first_rerun_of: str | None = None
    resumed_run: Run | None = None
    notify: Sequence[str] = ()
    ends_with_stream: bool = False

    def get_project_folder(self) -> Path:
        """Return the absolute path of the project folder, which may no longer exist if an earlier run is repeated."""
        from mlrun_cli.runconfigs.lookup import get_project_folder  # noqa: PLC0415 - start-up, as above

        is_folder = self.earlier is not None or self.path.is_dir()
        return self.path.absolute() if is_folder else get_project_folder(self.path)
