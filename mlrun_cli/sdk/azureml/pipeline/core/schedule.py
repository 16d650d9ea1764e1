"""When pipelines are run."""

from azureml._refused import Described, Refused

__all__ = ["Schedule", "ScheduleRecurrence", "TimeZone"]

_CRON = "Let cron or a CI job start the driver script"


class ScheduleRecurrence(
    Described,
    takes="frequency, interval, start_time=None, time_zone=None, hours=None, minutes=None, week_days=None, "
    "time_of_day=None",
):
    """How often something happens."""


class Schedule(metaclass=Refused, instead=_CRON):
    """A pipeline that is started again and again."""


class TimeZone(metaclass=Refused, instead=_CRON):
    """The time zones of schedules."""
