"""The older module about compute targets, from which most scripts import `ComputeTargetException`."""

# ruff: noqa: ARG001 - the signatures are Azure's

from typing import Any

from azureml.exceptions import ComputeTargetException, UserErrorException

__all__ = [
    "AbstractComputeTarget",
    "ComputeTargetException",
    "LocalTarget",
    "UserErrorException",
    "attach_legacy_compute_target",
    "is_compute_target_prepared",
    "prepare_compute_target",
    "remove_legacy_compute_target",
]


class AbstractComputeTarget:
    """A target by type and name."""

    def __init__(self, compute_target_type: str, name: str) -> None:
        self._type = compute_target_type
        self._name = name

    @property
    def name(self) -> str:
        """The compute target's name."""
        return self._name

    @property
    def type(self) -> str:
        """The compute target's type."""
        return self._type


class LocalTarget(AbstractComputeTarget):
    """This machine."""

    def __init__(self) -> None:
        super().__init__("local", "local")


def is_compute_target_prepared(experiment: Any, source_directory: str, run_config: Any) -> bool:
    """Return True: a run builds its environment when it starts, unless it exists."""
    return True


def prepare_compute_target(experiment: Any, source_directory: str, run_config: Any) -> Any:
    """Not supported: raises UserErrorException."""
    raise UserErrorException(
        "prepare_compute_target(…) has nothing to do here: the first run makes its environment when it starts. Leave "
        "the call out and submit."
    )


def attach_legacy_compute_target(experiment: Any, source_directory: str, compute_target: Any) -> None:
    """Not supported: raises UserErrorException."""
    raise UserErrorException(
        "attach_legacy_compute_target(…) belongs to a version of Azure that is gone. Make a target by "
        "ComputeTarget.create(workspace, name, AmlCompute.provisioning_configuration(…)): it runs on this machine."
    )


def remove_legacy_compute_target(experiment: Any, source_directory: str, compute_target_name: str) -> None:
    """Not supported: raises UserErrorException."""
    raise UserErrorException(
        "remove_legacy_compute_target(…) belongs to a version of Azure that is gone. Delete a target by "
        "ComputeTarget(workspace, name).delete()."
    )
