"""Folders whose files are kept with a run without a script when it ends."""

import os
from typing import Any, Dict

from azureml._client.notices import warn_once
from azureml.exceptions import UserErrorException


def make_folder(wanted: Any) -> "str | None":
    """Return the path of a folder for outputs, created if missing: `./outputs` for True; None for None and False.

    Where it cannot be made it is None, and a warning says that nothing will be kept of it.

    Raises:
        UserErrorException: It is no path.
    """
    if wanted is None or wanted is False:
        return None
    try:
        folder = os.path.abspath("outputs" if wanted is True else wanted)
    except TypeError as error:
        raise UserErrorException(f"outputs= is the path of a folder, not {type(wanted).__name__}.") from error
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
    """Log the warnings in the record of an ended run."""
    for warning in record.get("warnings") or ():
        warn_once(f"run {record['run_id']} {warning['message']}", warning["message"])
