"""Options of several commands about pipelines, and their results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from mlrun_cli.actions import schedules
from mlrun_cli.cli.command import Result
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import TIME_WIDTH, Field, build_record_result, build_time_formatter
from mlrun_cli.core.atomic_files import open_atomically
from mlrun_cli.pipelines.published import PublishedPipeline
from mlrun_cli.pipelines.schedule import Schedule
from mlrun_cli.workspace import Workspace

_R = TypeVar("_R")

OutputFile = Annotated[
    Path | None, Option("--output-file", "-f", metavar="FILE", help="Also write the result as JSON to this file.")
]
PipelineId = Annotated[
    str, Option("--pipeline-id", "-i", metavar="ID", help="Id of the published pipeline, or its unique beginning.")
]
DefinitionFile = Annotated[Path, Option("--path", "-p", metavar="FILE", help="YAML file to write.")]
SourcesFolder = Annotated[
    Path | None,
    Option("--sources", metavar="FOLDER", help="Copy the steps' source folders to this new folder, for the file."),
]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace a file with other content.")]
ScheduleId = Annotated[
    str, Option("--schedule-id", "-s", metavar="ID", help="Id of the schedule, or its unique beginning.")
]
ScheduleFile = Annotated[
    Path | None, Option("--schedule-yaml", "-y", metavar="FILE", help="YAML file that says when, below 'Schedule:'.")
]
PIPELINE_FIELDS = (
    Field("Id", "id", 8, is_id=True),
    Field("Name", "name"),
    Field("Version", "version"),
    Field("Status", "status"),
    Field("Steps", "stepCount"),
    Field("Created", build_time_formatter("dateCreated"), TIME_WIDTH),
    Field("Schedules", lambda record: ", ".join(one["times"] for one in record["schedules"]), 12),
)
SCHEDULE_FIELDS = (
    Field("Id", "id", 8, is_id=True),
    Field("Name", "name"),
    Field("Status", "status"),
    Field("Next", build_time_formatter("nextTime"), TIME_WIDTH),
    Field("Times", "times", 12),
    Field("Experiment", "experimentName"),
    Field("Pipeline", "pipelineId", 8),
    Field("Problem", "problem", 12),
)


def build_pipeline_record(workspace: Workspace, pipeline: PublishedPipeline) -> dict[str, Any]:
    """Return the record of a published pipeline, including the records of its schedules."""
    found = schedules.list_schedules(workspace, active_only=False, pipeline_id=pipeline.pipeline_id)
    return {
        **pipeline.build_record(),
        "schedules": [schedules.build_schedule_record(workspace, schedule) for schedule in found],
    }


def build_pipeline_result(workspace: Workspace, pipeline: PublishedPipeline, output_file: Path | None) -> Result:
    """Return a published pipeline as a command's result; also write its record to `output_file`, if it is given."""
    record = write_output_file(output_file, build_pipeline_record(workspace, pipeline))
    return build_record_result(record, PIPELINE_FIELDS)


def report_changed_schedule(global_options: GlobalOptions, workspace: Workspace, schedule: Schedule) -> Result:
    """Return a changed schedule as a command's result; note what has no effect and what triggers it."""
    for note in schedules.list_ignored_setting_notes(schedule.settings):
        global_options.notes.warning(note)
    if schedule.is_active:
        for note in schedules.list_trigger_notes(workspace):
            global_options.notes.info(note)
    return build_schedule_result(workspace, schedule)


def build_schedule_result(workspace: Workspace, schedule: Schedule) -> Result:
    """Return a schedule as a command's result."""
    record = schedules.build_schedule_record(workspace, schedule)
    return build_record_result(record, SCHEDULE_FIELDS)


def write_output_file(path: Path | None, result: _R) -> _R:
    """Write a result as JSON to the file of `--output-file`, if it is given; return the result."""
    if path is not None:
        with open_atomically(path, overwrite=True) as file:
            file.write(f"{json.dumps(result, indent=2, sort_keys=True, ensure_ascii=False)}\n".encode())
    return result
