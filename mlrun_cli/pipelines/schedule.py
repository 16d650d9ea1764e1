"""Schedules: published pipelines that are submitted at certain times, or when files change."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS, format_iso
from mlrun_cli.pipelines.json_reader import JsonReader
from mlrun_cli.pipelines.published import ACTIVE
from mlrun_cli.pipelines.recurrence import Recurrence

POLLING_MINUTES = 5
"""The minutes between two looks at watched files if nothing else is asked for."""


class ScheduleSettings(NamedTuple):
    """The settings of a schedule, which its creator chooses.

    Attributes:
        name: the name for people, which need not be unique.
        experiment_name: the experiment of the runs.
        description: text for people.
        pipeline_id, endpoint_id: the published pipeline, or the endpoint whose default version is submitted.
        recurrence: the times; None for a schedule that watches files.
        parameters: values of the pipeline's parameters, as JSON.
        datastore: the datastore whose files are watched; None for a schedule with a recurrence.
        path_on_datastore: the folder that is watched, without its subfolders; None means all files.
        polling_minutes: the minutes between two looks at the files.
        data_path_parameter: the parameter of type datapath that gets the path of the changed file.
        continue_on_step_failure: whether steps that do not need a failed step go on; None means as published.
        secrets_id: names the file with those values of parameters that are redacted here; None if there are none.
    """

    name: str
    experiment_name: str
    description: str | None = None
    pipeline_id: str | None = None
    endpoint_id: str | None = None
    recurrence: Recurrence | None = None
    parameters: Mapping[str, Any] = MappingProxyType({})
    datastore: str | None = None
    path_on_datastore: str | None = None
    polling_minutes: int = POLLING_MINUTES
    data_path_parameter: str | None = None
    continue_on_step_failure: bool | None = None
    secrets_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the settings as a JSON-compatible dict."""
        recurrence = None if self.recurrence is None else self.recurrence.to_json()
        document = {**self._asdict(), "recurrence": recurrence, "parameters": dict(self.parameters)}
        if self.secrets_id is None:  # stored settings of older versions, which are compared, have no such key
            del document["secrets_id"]
        return document

    @classmethod
    def from_json(cls, reader: JsonReader) -> ScheduleSettings:
        """Create schedule settings from a JSON object.

        Raises:
            InvalidValue: a value is of another kind, or two values exclude each other.
        """
        minutes = reader.find_integer("polling_minutes")
        if minutes is not None and minutes < 1:
            raise reader.build_error("expected a whole number above 0", "polling_minutes")
        found = cls(
            name=reader.get_text("name"),
            experiment_name=reader.get_text("experiment_name"),
            description=reader.find_text("description"),
            pipeline_id=reader.find_text("pipeline_id"),
            endpoint_id=reader.find_text("endpoint_id"),
            recurrence=None
            if reader.find("recurrence") is None
            else Recurrence.from_json(reader.get_object("recurrence")),
            parameters=dict(reader.find_mapping("parameters")),
            datastore=reader.find_text("datastore"),
            path_on_datastore=reader.find_text("path_on_datastore"),
            polling_minutes=minutes or POLLING_MINUTES,
            data_path_parameter=reader.find_text("data_path_parameter"),
            continue_on_step_failure=reader.find("continue_on_step_failure"),
            secrets_id=reader.find_text("secrets_id"),
        )
        if (found.pipeline_id is None) == (found.endpoint_id is None):
            raise reader.build_error("a schedule has a pipeline or an endpoint")
        if (found.recurrence is None) == (found.datastore is None):
            raise reader.build_error("a schedule has either a recurrence, or a datastore whose files are watched")
        return found

    def compute_first_time(self, created_at: int) -> int:
        """Return the time of the first start, or of the first check of watched files."""
        return created_at if self.recurrence is None else self.recurrence.compute_first_time(created_at)

    def compute_time_after_enabling(self, enabled_at: int) -> int:
        """Return the time of the first start or check of watched files after the schedule is enabled again."""
        return enabled_at if self.recurrence is None else self.recurrence.compute_time_after_enabling(enabled_at)

    def compute_next_time(self, after: int, created_at: int) -> int:
        """Return the time of the first start or check of watched files that is later than `after`."""
        if self.recurrence is not None:
            return self.recurrence.compute_next_time(after, created_at)
        return after + self.polling_minutes * 60 * MICROSECONDS

    def describe_times(self) -> str:
        """Return a description of when the pipeline is submitted."""
        if self.recurrence is not None:
            return self.recurrence.describe()
        where = f"{self.datastore}/{self.path_on_datastore}" if self.path_on_datastore else str(self.datastore)
        return f"when files of {where} change, seen every {self.polling_minutes} min"


class Schedule(NamedTuple):
    """A schedule.

    Attributes:
        schedule_id: a GUID.
        status: `Active` or `Disabled`.
        settings: what its creator has chosen.
        created_at: in microseconds.
        anchor_at: when it was created or last enabled or changed, from which times are counted.
        next_at: the time of the next start or look; None for a disabled schedule.
        unreadable: why its stored settings cannot be read; its settings are then only its name and ids. None if they
            can be.
    """

    schedule_id: str
    status: str
    settings: ScheduleSettings
    created_at: int
    anchor_at: int
    next_at: int | None
    unreadable: str | None = None

    @property
    def is_active(self) -> bool:
        """True if the schedule is enabled."""
        return self.status == ACTIVE

    def describe_times(self) -> str:
        """Return a description of when the pipeline is submitted."""
        return self.settings.describe_times() if self.unreadable is None else "never, since it cannot be read"

    def build_record(self) -> dict[str, Any]:
        """Return the schedule's record as a JSON-compatible dict, as commands print it."""
        settings = self.settings
        recurrence = settings.recurrence
        return {
            "continueOnStepFailure": settings.continue_on_step_failure,
            "dataPathParameterName": settings.data_path_parameter,
            "datastoreName": settings.datastore,
            "dateCreated": format_iso(self.created_at),
            "description": settings.description,
            "experimentName": settings.experiment_name,
            "id": self.schedule_id,
            "name": settings.name,
            "nextTime": None if self.next_at is None else format_iso(self.next_at),
            "pathOnDatastore": settings.path_on_datastore,
            "pipelineEndpointId": settings.endpoint_id,
            "pipelineId": settings.pipeline_id,
            "pipelineParameters": dict(settings.parameters),
            "pollingInterval": None if settings.datastore is None else settings.polling_minutes,
            "recurrence": None if recurrence is None else recurrence.to_json(),
            "status": self.status,
            "times": self.describe_times(),
        }


class ScheduledRun(NamedTuple):
    """A run that a schedule is to submit, or has submitted.

    Attributes:
        run_id: the id of the run, which is chosen before its submission, so that no time is submitted twice.
        schedule_id: the schedule.
        due_at: the time for which it is.
        parameters: values of the pipeline's parameters besides those of the schedule, as JSON; None if they cannot be
            read.
        error: why it could not be submitted, or waits; None if it was, or is yet to be.
    """

    run_id: str
    schedule_id: str
    due_at: int
    parameters: Mapping[str, Any] | None
    error: str | None = None
