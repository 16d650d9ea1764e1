"""Names of Azure's interface that this version cannot honour yet, and the error that says so."""

from __future__ import annotations

from azureml.exceptions import UserErrorException

RUN_ATTRIBUTES = frozenset({"input_datasets", "metrics"})

RUN_CALLS = frozenset(
    {
        "cancel",
        "child_run",
        "create_children",
        "download_file",
        "download_files",
        "find_step_run",
        "get_children",
        "get_details_with_logs",
        "get_file_names",
        "get_output",
        "get_portal_url",
        "get_secret",
        "log_confusion_matrix",
        "log_image",
        "register_model",
        "submit_child",
        "upload_file",
        "upload_folder",
        "wait_for_completion",
    }
)


def to_come(call: str) -> UserErrorException:
    """The error for the use of `call`."""
    return UserErrorException(
        f"{call} is a part of Azure ML's interface that mlrun-cli does not have yet; the README lists what "
        "works. Files that the script writes under ./outputs and ./logs are kept with the run."
    )
