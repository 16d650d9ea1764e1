"""`azureml.core.get_run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azureml._gateway.gateway import gateway
from azureml.core.run import Run

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment


def get_run(experiment: Experiment, run_id: str, rehydrate: bool = True, clean_up: bool = True) -> Run:
    """The run of this id, of the class for its type.

    Args:
        experiment: the experiment it belongs to.
        run_id: its id.
        rehydrate: with False always a plain `Run`.
        clean_up: without meaning here.

    Raises:
        UserErrorException: There is no such run in the experiment.
    """
    del clean_up
    plain = Run(experiment, run_id)
    if not rehydrate:
        return plain
    return Run._of_record(plain._names, gateway().ask("runs.get", workspace=plain._names, run_id=run_id))
