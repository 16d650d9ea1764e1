"""The export of the metrics of runs to TensorBoard event files."""

import os
from time import time
from typing import Any, Dict, Iterable, Iterator, List, Tuple

from azureml._wire.event_records import EventScalar, encode_scalar, encode_version
from azureml.exceptions import UserErrorException

__all__ = ["export_to_tensorboard"]


def export_to_tensorboard(run_data: Any, logdir: str, logger: Any = None, recursive: bool = True) -> None:
    """Write the numeric metrics of runs to event files, in a subfolder of `logdir` for each run.

    Args:
        run_data: A run, a list of runs, or an experiment, which stands for its runs.
        logdir: The folder, which is made if it does not exist.
        logger: A logger that is told of each run.
        recursive: Whether child runs are exported too, each into a folder below that of its parent.

    Raises:
        UserErrorException: It is none of these.
    """
    for run in _list_runs(run_data):
        _export_run(run, os.path.join(logdir, run.id), logger, recursive)


def _list_runs(run_data: Any) -> "Iterable[Any]":
    """Return the runs to export for a run, a list of runs or an experiment."""
    if hasattr(run_data, "get_runs"):
        return list(run_data.get_runs())
    runs: List[Any] = list(run_data) if isinstance(run_data, (list, tuple)) else [run_data]
    if not all(hasattr(run, "get_metrics") for run in runs):
        raise UserErrorException("export_to_tensorboard takes a run, a list of runs or an experiment.")
    return runs


def _export_run(run: Any, folder: str, logger: Any, recursive: bool) -> None:
    if logger is not None:
        logger.info("Writing the metrics of run %s to %s", run.id, folder)
    os.makedirs(folder, exist_ok=True)
    moment = time()
    path = os.path.join(folder, f"events.out.tfevents.{int(moment)}.{os.getpid()}.{os.urandom(4).hex()}")
    with open(path, "wb") as file:
        file.write(encode_version(moment))
        for name, values in run.get_metrics().items():
            numbers = _iterate_numbers(name, values)
            file.writelines(encode_scalar(EventScalar(tag, step, moment, value)) for tag, step, value in numbers)
    for child in run.get_children() if recursive else ():
        _export_run(child, os.path.join(folder, child.id), logger, recursive)


def _iterate_numbers(metric_name: str, values: Any) -> "Iterator[Tuple[str, int, float]]":
    """Yield the tag, position and value of each number of a metric; each column of a table has its own tag."""
    columns: Dict[str, Any] = (
        {f"{metric_name}/{key}": values[key] for key in values} if isinstance(values, dict) else {}
    )
    for tag, column in (columns or {metric_name: values}).items():
        for position, value in enumerate(column if isinstance(column, list) else [column]):
            if isinstance(value, (bool, int, float)):
                yield tag, position, value
