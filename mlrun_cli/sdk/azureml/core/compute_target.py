"""The legacy module of compute targets, from which most scripts import `ComputeTargetException`."""

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
    """Base class of legacy compute targets, with a type and a name."""

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
    """The legacy compute target for this machine."""

    def __init__(self) -> None:
        super().__init__("local", "local")


def is_compute_target_prepared(experiment: Any, source_directory: str, run_config: Any) -> bool:
    """Return True, since a run creates a missing environment when it starts."""
    return True


def prepare_compute_target(experiment: Any, source_directory: str, run_config: Any) -> Any:
    """Raise UserErrorException with a message that explains the alternative."""
    raise UserErrorException(
        "prepare_compute_target(…) has nothing to do here: the first run makes its environment when it starts. Leave "
        "the call out and submit."
    )


def attach_legacy_compute_target(experiment: Any, source_directory: str, compute_target: Any) -> None:
    """Raise UserErrorException with a message that explains the alternative."""
    raise UserErrorException(
        "attach_legacy_compute_target(…) belongs to a version of Azure that is gone. Make a target by "
        "ComputeTarget.create(workspace, name, AmlCompute.provisioning_configuration(…)): it runs on this machine."
    )


def remove_legacy_compute_target(experiment: Any, source_directory: str, compute_target_name: str) -> None:
    """Raise UserErrorException with a message that explains the alternative."""
    raise UserErrorException(
        "remove_legacy_compute_target(…) belongs to a version of Azure that is gone. Delete a target by "
        "ComputeTarget(workspace, name).delete()."
    )
