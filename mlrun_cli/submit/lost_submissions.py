"""Submissions of runs whose folders are gone, restored from the records of the runs in the store."""

from __future__ import annotations

import os

from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.runconfigs.run_configuration import NO_COMMUNICATOR
from mlrun_cli.runs.run import RERUN_TAG, Run
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runs.submit_options import SubmitOptions
from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY
from mlrun_cli.submit.script import SHELL
from mlrun_cli.workspace import Workspace


def restore_submission(workspace: Workspace, run: Run) -> Submission | None:
    """Return the submission of a run, rebuilt from its record in the store, or None if the record is insufficient.

    It is for one process in an environment that is still there. An environment that was built is used as it is.
    """
    definition, snapshot_id = run.definition or {}, run.properties.get(SNAPSHOT_PROPERTY)
    environment = definition.get("environment", {})
    interpreter = environment.get("python", {}).get("interpreterPath") or ""
    is_alone = definition.get("nodeCount") == 1 and definition.get("communicator") == NO_COMMUNICATOR
    if snapshot_id is None or not is_alone or "docker" in environment or not os.access(interpreter, os.X_OK):
        return None
    command, script = definition.get("command"), definition.get("script")
    arguments = tuple(definition.get("arguments") or ())
    if script is not None:
        argv = (script, *arguments)
    elif command:
        argv = (*SHELL, command) if isinstance(command, str) else tuple(command)
    else:
        return None
    identity = workspace.identity
    tags = {name: value for name, value in run.tags.items() if name != RERUN_TAG}
    return Submission(
        run_id=run.run_id,
        experiment_name=run.experiment_name,
        workspace_name=identity.name,
        resource_group=identity.resource_group,
        subscription_id=identity.subscription_id,
        snapshot_id=snapshot_id,
        is_command=script is None,
        argv=argv,
        environment=EnvironmentPlan(interpreter),
        sdk_folder="",
        target=definition["target"],
        max_run_duration_seconds=definition.get("maxRunDurationSeconds"),
        options=SubmitOptions(
            script=script, arguments=arguments, command=None if script else command, tags=tags, is_whole=False
        ),
    )
