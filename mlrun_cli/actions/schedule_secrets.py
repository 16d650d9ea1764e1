"""The secrets among the parameters of schedules, which are kept in files that only their user can read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mlrun_cli.actions.published_pipelines import read_published_graph, read_publisher_variables
from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import StoredFilesLost
from mlrun_cli.pipelines.graph import ParameterValue
from mlrun_cli.pipelines.redaction import find_secret_parameters, redact_parameter_value
from mlrun_cli.pipelines.schedule import ScheduleSettings
from mlrun_cli.runtime.schedule_keepers import FOLDER
from mlrun_cli.workspace import Workspace

_SECRETS = "secrets"


def extract_secrets(
    workspace: Workspace, settings: ScheduleSettings, pipeline_id: str, values: Mapping[str, ParameterValue]
) -> ScheduleSettings:
    """Write the secrets among the parameters of a schedule to a new file; return the settings without them.

    Args:
        workspace: the workspace of the schedule.
        settings: the settings with all values.
        pipeline_id: the published pipeline, whose steps may use a parameter as a secret.
        values: the values of all its parameters.

    Raises:
        StoredFilesLost: a file of the pipeline is gone or damaged.
        OSError: the file cannot be written.
    """
    graph = read_published_graph(workspace, pipeline_id)
    shown = dict(settings.parameters)
    publishers = Redactor.from_environment(read_publisher_variables(workspace, pipeline_id))
    for redactor in (workspace.redactor, publishers):
        names = find_secret_parameters(graph, values, redactor).names
        shown = {name: redact_parameter_value(name, value, names, redactor) for name, value in shown.items()}
    secrets = {name: value for name, value in settings.parameters.items() if shown[name] != value}
    if not secrets:
        return settings._replace(secrets_id=None)
    secrets_id = generate_guid()
    path = _get_path(workspace, secrets_id)
    make_private_folder(path.parent)
    write_json(path, secrets, durable=True)
    return settings._replace(parameters=shown, secrets_id=secrets_id)


def restore_secrets(workspace: Workspace, settings: ScheduleSettings) -> ScheduleSettings:
    """Return the settings of a schedule with the secrets that `extract_secrets` has removed.

    Raises:
        StoredFilesLost: the file of the secrets is gone or damaged.
        OSError: it cannot be read.
    """
    if settings.secrets_id is None:
        return settings
    path = _get_path(workspace, settings.secrets_id)
    secrets = read_json(path)
    if secrets is None:
        raise StoredFilesLost(
            f"The file {path} with the secret parameters of the schedule '{settings.name}' is gone or damaged.",
            hint="Give all parameters again in the file of 'mlrun pipeline update-schedule -s ID -y FILE'.",
        )
    return settings._replace(parameters={**settings.parameters, **secrets}, secrets_id=None)


def remove_secrets(workspace: Workspace, settings: ScheduleSettings) -> None:
    """Remove the secrets file of schedule settings that are no longer used, if there is one."""
    if settings.secrets_id is not None:
        with suppress(OSError):
            _get_path(workspace, settings.secrets_id).unlink(missing_ok=True)


def _get_path(workspace: Workspace, secrets_id: str) -> Path:
    return workspace.folder / FOLDER / _SECRETS / f"{secrets_id}.json"
