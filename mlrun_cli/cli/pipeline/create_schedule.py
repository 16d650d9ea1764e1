"""`pipeline create-schedule`."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.actions.published_pipelines import resolve_pipeline_id
from mlrun_cli.actions.schedules import create_schedule
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import PipelineId, ScheduleFile, report_changed_schedule
from mlrun_cli.errors import MissingOption
from mlrun_cli.pipelines.schedule_file import read_schedule_file


@command(
    app,
    "create-schedule",
    examples=[
        (
            "Run a published pipeline as a file says",
            "mlrun pipeline create-schedule -n nightly -i ID -e forecast -y schedule.yml",
        ),
        (
            "Run one when files change that a file names",
            "mlrun pipeline create-schedule -n new-data -i ID -e forecast -y files.yml",
        ),
    ],
)
def create(
    global_options: GlobalOptions,
    name: Annotated[str, Option("--name", "-n", metavar="NAME", help="Name of the schedule.")],
    pipeline_id: PipelineId,
    experiment_name: Annotated[str, Option("--experiment-name", "-e", metavar="NAME", help="Experiment of its runs.")],
    schedule_file: ScheduleFile = None,
) -> object:
    """Create a schedule that submits a published pipeline at certain times or when files of a datastore change.

    A process of its own keeps the time, and 'mlrun service install' starts it after a reboot. Times that have passed
    meanwhile give one run together.
    """
    if schedule_file is None:
        raise MissingOption(
            "A schedule needs the file that says when.",
            hint="Write a 'recurrence' or a 'datastore_name' below 'Schedule:', and name the file by -y.",
            target="--schedule-yaml",
        )
    values = {**read_schedule_file(schedule_file), "name": name, "experiment_name": experiment_name}
    with open_context(global_options).workspace as workspace:
        values["pipeline_id"] = resolve_pipeline_id(workspace, pipeline_id)
        return report_changed_schedule(global_options, workspace, create_schedule(workspace, values))
