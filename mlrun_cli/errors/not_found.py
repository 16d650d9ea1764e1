"""Errors of lookups, which exit with code 3."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mlrun_cli.errors.base import MlrunError


class NotFound(MlrunError):
    """A specified object does not exist."""

    exit_code = 3


class RunNotFound(NotFound):
    """No run has this id, or an id with this prefix.

    Attributes:
        is_elsewhere: whether another experiment than the specified one contains the run.
    """

    is_elsewhere = False

    def __init__(
        self, run_id: str, workspace_name: str | None = None, *, other_experiments: Sequence[str] = ()
    ) -> None:
        """Create the error and its message.

        Args:
            run_id: the id as it was typed.
            workspace_name: the workspace that was searched.
            other_experiments: the experiment that was specified, and those that contain such runs.
        """
        where = "" if workspace_name is None else f" in workspace '{workspace_name}'"
        hint = "'mlrun run list' shows the ids of runs; -w and -g choose another workspace."
        if other_experiments:
            specified, *others = (f"'{name}'" for name in other_experiments)
            where = f" in experiment {specified}; it is in {' and '.join(others)}"
            hint = (
                "Leave -e out, or name that experiment."
                if len(others) == 1
                else "Name one of these experiments with -e."
            )
            self.is_elsewhere = True
        super().__init__(f"There is no run '{run_id}'{where}.", hint=hint, target=run_id)


class NoRunsYet(RunNotFound):
    """The newest run was requested, but the experiment or workspace has no runs yet."""

    def __init__(self, location: str, hint: str = "'mlrun run submit-script' makes one.") -> None:
        NotFound.__init__(self, f"There is no run in the {location} yet.", hint=hint)


class RunFileNotFound(NotFound):
    """The run or its snapshot has no such file."""


class LogTimesNotFound(NotFound):
    """The times of the lines in a run's log were not recorded."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"The times of the lines of the run '{run_id}' are not known: an older version ran it, which kept none.",
            hint="Leave out --since and --timestamps; --tail N shows the last lines.",
            target=run_id,
        )


class MetricNotFound(NotFound):
    """The run has logged no such metric."""


class NotificationNotFound(NotFound):
    """No rule for notifications has this number."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"There is no notification {number}.", hint="'mlrun notify list' shows the numbers.", target=str(number)
        )


class SnapshotNotFound(NotFound):
    """The run has no snapshot, or the workspace does not contain it."""


class ExperimentNotFound(NotFound):
    """No experiment has this name."""

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        others = f" There are: {', '.join(known)}." if known else " There are none yet."
        super().__init__(f"There is no experiment '{name}'.{others}", target=name)


class WorkspaceNotFound(NotFound):
    """No workspace with this name has been used on this machine."""

    def __init__(
        self, name: str, resource_group: str, subscription_id: str, *, missing_home: os.PathLike[str] | None = None
    ) -> None:
        """Create the error and its message.

        Args:
            name: the name of the workspace.
            resource_group: its resource group.
            subscription_id: its subscription.
            missing_home: the folder of all workspaces, if it does not exist.
        """
        where = f"resource group '{resource_group}' of subscription '{subscription_id}'"
        why, others = "", "'mlrun workspace list' shows all workspaces"
        if missing_home is not None:
            why = f": the folder of all workspaces, {os.fspath(missing_home)}, does not exist"
            others = "If yours are elsewhere, set MLRUN_HOME to their folder"
        super().__init__(
            f"There is no workspace '{name}' in {where}{why}.",
            hint=f"{others}; 'mlrun workspace create' and 'mlrun folder attach' with the same options make one, and so"
            " does a submit from an attached folder.",
            target=name,
        )


class HomeNotFound(NotFound):
    """The folder of all workspaces does not exist."""

    def __init__(self, home: os.PathLike[str]) -> None:
        super().__init__(
            f"The folder of all workspaces, {os.fspath(home)}, does not exist.",
            hint="If yours are elsewhere, set MLRUN_HOME to their folder; 'mlrun folder attach' makes a workspace.",
            target=home,
        )


class ComputeTargetNotFound(NotFound):
    """No compute target has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"There is no compute target '{name}'. There are: {', '.join(known)}.",
            hint="'mlrun computetarget list' shows those of the workspace.",
            target=name,
        )


class TargetKindNotFound(NotFound):
    """No kind of compute target has this name, or the package that provides it is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no kind of compute target '{name}' in this installation.",
            hint="Install the package that brings it into the environment of mlrun-cli.",
        )


class ModelNotFound(NotFound):
    """No model has this name, or the model has no such version."""


class ModelFileNotFound(NotFound):
    """The run has no file or folder with this name to register as a model."""


class DataNotFound(NotFound):
    """A dataset or datastore has no such file."""


class DatasetNotFound(DataNotFound):
    """No dataset has this name or id, or the dataset has no such version."""


class DatastoreNotFound(DataNotFound):
    """No datastore has this name, or its folder no longer exists."""


class EnvironmentNotFound(NotFound):
    """No environment is registered under this name, or it has no such version."""


class ViewNotFound(NotFound):
    """No saved view has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no view '{name}'.",
            hint="It may have been renamed or deleted; save it under a new name.",
            target=name,
        )


class SettingNotFound(NotFound):
    """A setting of az that is not set."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The setting '{name}' is not set.", hint="'az config get' shows all that are.", target=name)


class PipelineNotFound(NotFound):
    """No published pipeline has this id."""

    def __init__(self, pipeline_id: str) -> None:
        super().__init__(
            f"There is no published pipeline '{pipeline_id}'.",
            hint="'mlrun pipeline list' shows the ids of those there are.",
            target=pipeline_id,
        )


class PipelineEndpointNotFound(NotFound):
    """No pipeline endpoint has this id or name."""

    def __init__(self, name: str, workspace_name: str) -> None:
        super().__init__(
            # Scripts look for Azure's words "not found in workspace".
            f"The pipeline endpoint '{name}' was not found in workspace '{workspace_name}'.",
            hint="PipelineEndpoint.list(workspace) returns those there are.",
            target=name,
        )


class ScheduleNotFound(NotFound):
    """No schedule has this id."""

    def __init__(self, schedule_id: str) -> None:
        super().__init__(
            f"There is no schedule '{schedule_id}'.",
            hint="'mlrun pipeline list' shows the schedules of each pipeline.",
            target=schedule_id,
        )
