"""Schedules: published pipelines that are submitted at certain times, or when files of a datastore change."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Dict, List

from azureml._client.notices import warn_once
from azureml.pipeline.core._time_zones import TimeZone
from azureml.pipeline.core.pipeline import to_parameter_values
from azureml.pipeline.core.run import PipelineRun

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["Schedule", "ScheduleRecurrence", "TimeZone"]

_FREQUENCIES = ("Minute", "Hour", "Day", "Week", "Month")
_WEEK_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class ScheduleRecurrence:
    """The recurrence of a schedule: the frequency and the times at which it submits its pipeline."""

    def __init__(
        self,
        frequency: str,
        interval: int,
        start_time: Any = None,
        time_zone: Any = None,
        hours: "List[int] | None" = None,
        minutes: "List[int] | None" = None,
        week_days: "List[str] | None" = None,
        time_of_day: "str | None" = None,
    ) -> None:
        """Initialize a recurrence.

        Args:
            frequency: `Minute`, `Hour`, `Day`, `Week` or `Month`.
            interval: How many of these lie between two runs.
            start_time: The time of the first run, as a datetime without a zone or as ISO text; by default now, and then
                at the times.
            time_zone: The zone of all times, a TimeZone; by default UTC.
            hours: The hours of the runs, for the frequencies Day and Week.
            minutes: The minutes of the runs, for the frequencies Day and Week.
            week_days: The names of the days, for the frequency Week.
            time_of_day: A time as `hh:mm`, instead of hours and minutes.

        Raises:
            ValueError: `time_of_day` is not of that form, or given together with hours or minutes.
        """
        self.frequency = frequency
        self.interval = interval
        self.start_time = start_time.strftime("%Y-%m-%dT%H:%M:%S") if isinstance(start_time, datetime) else start_time
        self.time_zone = TimeZone.UTC if time_zone is None and start_time is not None else time_zone  # type: ignore[attr-defined]
        self.hours = hours
        self.minutes = minutes
        self.week_days = week_days
        if time_of_day is not None:
            if hours is not None or minutes is not None:
                raise ValueError("A recurrence has time_of_day, or hours and minutes, not both.")
            found = re.fullmatch(r"(\d{1,2}):(\d{2})", str(time_of_day))
            if found is None:
                raise ValueError(f"time_of_day is a time as hh:mm, not {time_of_day!r}.")
            self.hours, self.minutes = [int(found[1])], [int(found[2])]

    def validate(self) -> None:
        """Raise ValueError if a value is out of range or does not apply to the frequency."""
        if self.frequency not in _FREQUENCIES:
            raise ValueError(f"The frequency is {', '.join(_FREQUENCIES)}, not {self.frequency!r}.")
        if isinstance(self.interval, bool) or not isinstance(self.interval, int) or self.interval < 1:
            raise ValueError(f"The interval is a whole number above 0, not {self.interval!r}.")
        if self.time_zone is not None and not isinstance(self.time_zone, TimeZone):
            raise ValueError(f"The time zone is a TimeZone, such as TimeZone.UTC, not {self.time_zone!r}.")
        if self.week_days and self.frequency != "Week":
            raise ValueError("Only the frequency Week has week_days.")
        self._check_numbers("hours", self.hours, 23)
        self._check_numbers("minutes", self.minutes, 59)
        if not all(day in _WEEK_DAYS for day in _to_list("week_days", self.week_days)):
            raise ValueError(f"The week_days are a list of {', '.join(_WEEK_DAYS)}, not {self.week_days!r}.")
        _check_time(self.start_time)

    def _check_numbers(self, argument_name: str, values: Any, maximum: int) -> None:
        """Raise ValueError if a list such as `hours` does not apply to the frequency or contains an invalid number."""
        for value in _to_list(argument_name, values):
            if self.frequency not in ("Day", "Week"):
                raise ValueError(f"Only the frequencies Day and Week have {argument_name}.")
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
                raise ValueError(f"The {argument_name} are numbers from 0 to {maximum}, not {value!r}.")

    def _to_document(self) -> Dict[str, Any]:
        self.validate()
        return {
            "frequency": self.frequency,
            "interval": self.interval,
            "start_time": self.start_time,
            "time_zone": None if self.time_zone is None else self.time_zone.value,
            "hours": _to_list("hours", self.hours),
            "minutes": _to_list("minutes", self.minutes),
            "week_days": _to_list("week_days", self.week_days),
        }

    def _describe(self) -> str:
        """Return the recurrence in the words of azureml-pipeline-core: `Runs at 22:30 on Monday every 2 Weeks`."""
        text = "Runs"
        if self.hours or self.minutes:
            hours: List[Any] = self.hours or ["00"]
            times = [f"{hour}:{minute:02}" for hour in hours for minute in self.minutes or [0]]
            text += f" at {', '.join(times)}"
        if self.week_days:
            text += f" on {', '.join(self.week_days)}"
        return (
            f"{text} every {self.frequency}"
            if self.interval == 1
            else f"{text} every {self.interval} {self.frequency}s"
        )

    @classmethod
    def _from_document(cls, document: Dict[str, Any]) -> "ScheduleRecurrence":
        zone = document["time_zone"]
        return cls(
            document["frequency"],
            document["interval"],
            document["start_time"],
            next((one for one in TimeZone if one.value == zone), zone),
            document["hours"] or None,
            document["minutes"] or None,
            document["week_days"] or None,
        )


class Schedule:
    """A published pipeline that is submitted at certain times, or when files of a datastore change."""

    def __init__(self, workspace: "Workspace", id: str, **kwargs: Any) -> None:
        """Initialize the handle of a schedule; raise ErrorResponseException if there is none."""
        self._workspace = workspace
        self._load_record(workspace._request("schedules.get", schedule_id=id))

    @classmethod
    def _from_record(cls, workspace: "Workspace", record: Dict[str, Any]) -> "Schedule":
        schedule = cls.__new__(cls)
        schedule._workspace = workspace
        schedule._load_record(record)
        return schedule

    def _load_record(self, record: Dict[str, Any]) -> None:
        self.id = record["id"]
        self.name = record["name"]
        self.description = record["description"]
        self.pipeline_id = record["pipelineId"]
        self.pipeline_endpoint_id = record["pipelineEndpointId"]
        self.status = record["status"]
        self.recurrence = (
            None if record["recurrence"] is None else ScheduleRecurrence._from_document(record["recurrence"])
        )
        self.datastore_name = record["datastoreName"]
        self.path_on_datastore = record["pathOnDatastore"]
        self.polling_interval = record["pollingInterval"]
        self.data_path_parameter_name = record["dataPathParameterName"]
        self.continue_on_step_failure = record["continueOnStepFailure"]

    def __repr__(self) -> str:
        from azureml.core._tables import format_text_table

        return format_text_table("Pipeline", self._build_table_cells())

    def _repr_html_(self) -> str:
        from azureml.core._tables import format_html_table

        return format_html_table(self._build_table_cells(), self._workspace._request("pipelines.address"), "Pipelines")

    def _build_table_cells(self) -> Dict[str, str]:
        when = "Every change of files" if self.recurrence is None else self.recurrence._describe()
        return {
            "Name": self.name,
            "Id": self.id,
            "Status": self.status,
            "Pipeline Id": self.pipeline_id or "",
            "Recurrence Details": when,
        }

    @staticmethod
    def create(
        workspace: "Workspace",
        name: str,
        pipeline_id: str,
        experiment_name: str,
        recurrence: "ScheduleRecurrence | None" = None,
        description: "str | None" = None,
        pipeline_parameters: "Dict[str, Any] | None" = None,
        wait_for_provisioning: bool = False,
        wait_timeout: int = 3600,
        datastore: Any = None,
        polling_interval: int = 5,
        data_path_parameter_name: "str | None" = None,
        continue_on_step_failure: "bool | None" = None,
        path_on_datastore: "str | None" = None,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
    ) -> "Schedule":
        """Create an enabled schedule and return it.

        Args:
            workspace: The workspace.
            name: The name of the schedule.
            pipeline_id: The id of a published pipeline.
            experiment_name: The experiment of the runs.
            recurrence: The times of the runs; without it, files are watched.
            description: A description for people.
            pipeline_parameters: Values of the pipeline's parameters.
            wait_for_provisioning: Accepted and ignored, since a schedule is there at once.
            wait_timeout: Accepted and ignored.
            datastore: The datastore whose files are watched.
            polling_interval: The minutes between two looks at the files.
            data_path_parameter_name: The parameter of type datapath that gets the path of a changed file.
            continue_on_step_failure: Whether steps that do not need a failed step go on.
            path_on_datastore: The folder whose files are watched, without its subfolders; by default all files.

        Raises:
            UserErrorException: There is no such pipeline, or a value is wrong.
        """
        return _create_schedule(workspace, {"pipeline_id": pipeline_id}, {**locals()})

    @staticmethod
    def create_for_pipeline_endpoint(
        workspace: "Workspace",
        name: str,
        pipeline_endpoint_id: str,
        experiment_name: str,
        recurrence: "ScheduleRecurrence | None" = None,
        description: "str | None" = None,
        pipeline_parameters: "Dict[str, Any] | None" = None,
        wait_for_provisioning: bool = False,
        wait_timeout: int = 3600,
        datastore: Any = None,
        polling_interval: int = 5,
        data_path_parameter_name: "str | None" = None,
        continue_on_step_failure: "bool | None" = None,
        path_on_datastore: "str | None" = None,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
    ) -> "Schedule":
        """Create a schedule for the default version of a pipeline endpoint; see `create` for the other arguments."""
        return _create_schedule(workspace, {"endpoint_id": pipeline_endpoint_id}, {**locals()})

    @staticmethod
    def get(
        workspace: "Workspace", id: str, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> "Schedule":
        """Return the schedule with this id; raise ErrorResponseException if there is none."""
        return Schedule(workspace, id)

    @staticmethod
    def get_schedule(
        workspace: "Workspace", id: str, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> "Schedule":
        """Return the schedule with this id; older alias of `get`."""
        return Schedule.get(workspace, id)

    @staticmethod
    def list(
        workspace: "Workspace",
        active_only: bool = True,
        pipeline_id: "str | None" = None,
        pipeline_endpoint_id: "str | None" = None,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
    ) -> "List[Schedule]":
        """Return the schedules, newest first, by default without disabled ones."""
        records = workspace._request(
            "schedules.list",
            active_only=active_only,
            pipeline_id=pipeline_id,
            pipeline_endpoint_id=pipeline_endpoint_id,
        )
        return [Schedule._from_record(workspace, record) for record in records]

    @staticmethod
    def get_all(
        workspace: "Workspace",
        active_only: bool = True,
        pipeline_id: "str | None" = None,
        pipeline_endpoint_id: "str | None" = None,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
    ) -> "List[Schedule]":
        """Return the schedules; older alias of `list`."""
        return Schedule.list(workspace, active_only, pipeline_id, pipeline_endpoint_id)

    @staticmethod
    def get_schedules_for_pipeline_id(
        workspace: "Workspace", pipeline_id: str, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> "List[Schedule]":
        """Return the schedules of a published pipeline, including disabled ones."""
        return Schedule.list(workspace, active_only=False, pipeline_id=pipeline_id)

    @staticmethod
    def get_schedules_for_pipeline_endpoint_id(
        workspace: "Workspace", pipeline_endpoint_id: str, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> "List[Schedule]":
        """Return the schedules of a pipeline endpoint, including disabled ones."""
        return Schedule.list(workspace, active_only=False, pipeline_endpoint_id=pipeline_endpoint_id)

    @staticmethod
    def load_yaml(
        workspace: "Workspace", filename: Any, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> Dict[str, Any]:
        """Return the settings in a schedule file as keyword arguments of `create` and `update`."""
        import os

        values: Dict[str, Any] = workspace._request("schedules.load", path=os.path.abspath(filename))
        if values.get("recurrence") is not None:
            values["recurrence"] = ScheduleRecurrence._from_document(values["recurrence"])
        return values

    def update(
        self,
        name: "str | None" = None,
        description: "str | None" = None,
        recurrence: "ScheduleRecurrence | None" = None,
        pipeline_parameters: "Dict[str, Any] | None" = None,
        status: "str | None" = None,
        wait_for_provisioning: bool = False,
        wait_timeout: int = 3600,
        datastore: Any = None,
        polling_interval: "int | None" = None,
        data_path_parameter_name: "str | None" = None,
        continue_on_step_failure: "bool | None" = None,
        path_on_datastore: "str | None" = None,
    ) -> None:
        """Update the schedule's values that are not None; `status` is `Active` or `Disabled`."""
        changes = _build_schedule_values(self._workspace, {**locals()})
        self._update_record({name: value for name, value in {**changes, "status": status}.items() if value is not None})

    def enable(self, wait_for_provisioning: bool = False, wait_timeout: int = 3600) -> None:
        """Enable the schedule; runs missed while the schedule was disabled are not submitted later."""
        self._update_record({"status": "Active"})

    def activate(self, wait_for_provisioning: bool = False, wait_timeout: int = 3600) -> None:
        """Enable the schedule; older alias of `enable`."""
        self.enable()

    def disable(self, wait_for_provisioning: bool = False, wait_timeout: int = 3600) -> None:
        """Disable the schedule, so that it submits no more runs."""
        self._update_record({"status": "Disabled"})

    def get_last_pipeline_run(self) -> "PipelineRun | None":
        """Return the newest run that the schedule has submitted, or None if there is none."""
        runs = self.get_pipeline_runs()
        return runs[0] if runs else None

    def get_pipeline_runs(self) -> "List[PipelineRun]":
        """Return the runs that the schedule has submitted, newest first."""
        records = self._workspace._request("schedules.list_runs", schedule_id=self.id)
        names = self._workspace._names
        return [PipelineRun._from_names(names, one["_experiment_name"], one["run_id"]) for one in records]

    def _update_record(self, changes: Dict[str, Any]) -> None:
        response = self._workspace._request("schedules.update", schedule_id=self.id, changes=changes)
        _log_notes(response)
        self._load_record(response["schedule"])


def _create_schedule(workspace: "Workspace", pipeline: Dict[str, Any], arguments: Dict[str, Any]) -> Schedule:
    values = {
        **_build_schedule_values(workspace, arguments),
        **pipeline,
        "experiment_name": arguments["experiment_name"],
    }
    response = workspace._request("schedules.create", values=values)
    _log_notes(response)
    return Schedule._from_record(workspace, response["schedule"])


def _build_schedule_values(workspace: "Workspace", arguments: Dict[str, Any]) -> Dict[str, Any]:
    """Convert the arguments of `create` or `update` to a JSON-compatible dict of a schedule's values."""
    recurrence, datastore = arguments["recurrence"], arguments["datastore"]
    if recurrence is not None and not isinstance(recurrence, ScheduleRecurrence):
        raise ValueError(f"The recurrence of a schedule is a ScheduleRecurrence, not {recurrence!r}.")
    parameters = arguments["pipeline_parameters"]
    return {
        "name": arguments["name"],
        "description": arguments["description"],
        "recurrence": None if recurrence is None else recurrence._to_document(),
        "parameters": None if parameters is None else to_parameter_values(workspace, parameters),
        "datastore": getattr(datastore, "name", datastore),
        "path_on_datastore": arguments["path_on_datastore"],
        "polling_minutes": arguments["polling_interval"],
        "data_path_parameter": arguments["data_path_parameter_name"],
        "continue_on_step_failure": arguments["continue_on_step_failure"],
    }


def _log_notes(response: Dict[str, Any]) -> None:
    for note in response["notes"]:
        warn_once(note, note)


def _to_list(argument_name: str, values: Any) -> "List[Any]":
    """Return a list argument, empty for None; raise ValueError for anything but a list or tuple."""
    if values is not None and not isinstance(values, (list, tuple)):
        raise ValueError(f"The {argument_name} are a list, not {values!r}.")
    return list(values or ())


def _check_time(time_text: "str | None") -> None:
    """Raise ValueError if a start time is not in ISO 8601 format."""
    if time_text is None:
        return
    for form in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"):
        try:
            datetime.strptime(time_text, form)
        except (TypeError, ValueError):
            continue
        return
    raise ValueError(f"The start_time is a datetime, or a text as 2026-01-31T15:30:00, not {time_text!r}.")
