"""Schedules of pipelines, which can be configured but not created."""

from azureml._unsupported import StoredArguments

__all__ = ["ScheduleRecurrence"]


class ScheduleRecurrence(
    StoredArguments,
    takes="frequency, interval, start_time=None, time_zone=None, hours=None, minutes=None, week_days=None, "
    "time_of_day=None",
):
    """The frequency and times of a schedule."""
