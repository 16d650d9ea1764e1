"""Output folders of runs without a script, whose files are stored when the run ends."""

import os
from typing import Any, Dict

from azureml._client.notices import warn_once
from azureml.exceptions import UserErrorException


def create_output_folder(output: Any) -> "str | None":
    """Create an output folder if it is missing and return its path, or None if outputs are disabled or creation fails.

    True selects `./outputs`; None and False disable outputs. A failed creation logs a warning.

    Raises:
        UserErrorException: The value is not a path.
    """
    if output is None or output is False:
        return None
    try:
        folder = os.path.abspath("outputs" if output is True else output)
    except TypeError as error:
        raise UserErrorException(f"outputs= is the path of a folder, not {type(output).__name__}.") from error
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        warn_once(
            f"outputs {folder}",
            f"The folder {folder} cannot be made ({error.strerror}): no files of it will be kept with the run.",
        )
        return None
    return folder


def log_warnings(record: Dict[str, Any]) -> None:
    """Log each distinct warning in the record of an ended run."""
    for warning in record.get("warnings") or ():
        warn_once(f"run {record['run_id']} {warning['message']}", warning["message"])
