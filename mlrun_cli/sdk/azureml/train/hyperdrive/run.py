"""The run of a sweep."""

from azureml._refused import Refused

__all__ = ["HyperDriveRun"]


class HyperDriveRun(
    metaclass=Refused,
    instead="Sweeps are not run yet: submit one run per combination, and compare the runs of experiment.get_runs()",
):
    """The run of a sweep; there are none."""
