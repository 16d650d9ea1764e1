"""The substitute for a run in scripts that are executed outside of a run."""

import os
from typing import Any

from azureml._client.scalars import format_fallback


class _OfflineRun:
    """A run that prints logged values instead of storing them, so that scripts also work outside of a run.

    Scripts recognize it by its id, which starts with `OfflineRun`, and by the missing attribute `experiment`.
    """

    def __init__(self, parent_logger: object = None, run_id: "str | None" = None, **kwargs: object) -> None:
        self._run_id = f"OfflineRun_{_create_guid()}" if run_id is None else run_id

    def __enter__(self) -> "_OfflineRun":
        _print_safely(f"[START] Run {self._run_id} context")
        return self

    def __exit__(self, exit_type: object, value: object, traceback: object) -> None:
        _print_safely(f"[STOP] Run {self._run_id} context")

    @property
    def id(self) -> str:
        """The run's id, `OfflineRun_<guid>`."""
        return self._run_id

    @property
    def identity(self) -> str:
        """Alias of `id`."""
        return self._run_id

    def log(self, name: str, value: Any, description: str = "", step: "int | None" = None) -> None:
        """Print a single metric value."""
        self._print_metric("scalar", name, value)

    def log_list(self, name: str, value: Any, description: str = "") -> None:
        """Print a list of metric values."""
        self._print_metric("list", name, value)

    def log_row(self, name: str, description: "str | None" = None, **kwargs: Any) -> None:
        """Print a row of named metric values."""
        self._print_metric("row", name, kwargs)

    def log_table(self, name: str, value: Any, description: str = "") -> None:
        """Print a table of metric values."""
        self._print_metric("table", name, value)

    def log_image(self, name: str, path: Any = None, plot: Any = None, description: str = "") -> None:
        """Print the path of an image or the text of a figure."""
        self._print_metric("image", name, plot if path is None else path)

    def log_accuracy_table(self, name: str, value: Any, description: "str | None" = None) -> None:
        """Print an accuracy table."""
        self._print_metric("accuracy_table", name, value)

    def log_confusion_matrix(self, name: str, value: Any, description: "str | None" = None) -> None:
        """Print a confusion matrix."""
        self._print_metric("confusion_matrix", name, value)

    def log_predictions(self, name: str, value: Any, description: "str | None" = None) -> None:
        """Print predictions."""
        self._print_metric("predictions", name, value)

    def log_residuals(self, name: str, value: Any, description: "str | None" = None) -> None:
        """Print residuals."""
        self._print_metric("residual", name, value)

    def tag(self, name: str, value: Any = None) -> None:
        """Print the tag that would be set."""
        _print_safely(f"Attempted to add tag {name} with value {value}")

    def set_tags(self, tags: "dict[str, Any]") -> None:
        """Print the tags that would be set."""
        _print_safely(f"Attempted to set tags {tags}")

    def add_properties(self, properties: "dict[str, Any]") -> None:
        """Print the properties that would be added."""
        _print_safely(f"Attempted to add properties {properties}")

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: "str | None" = None) -> None:
        """Print the name of the file that would be uploaded."""
        _print_safely(f"Attempted to track file {name} at {path_or_stream}")

    def upload_files(
        self,
        name: "list[str]",
        paths: "list[str]",
        return_artifacts: bool = False,
        timeout_seconds: "int | None" = None,
        datastore_name: "str | None" = None,
    ) -> None:
        """Print the names of the files that would be uploaded."""
        _print_safely(f"Attempted to track files {name} at {paths} with timeout {timeout_seconds}s")

    def upload_folder(self, name: str, path: str, datastore_name: "str | None" = None) -> None:
        """Print the name of the folder that would be uploaded."""
        _print_safely(f"Attempted to track folder {name} at {path}")

    def child_run(self, name: "str | None" = None, run_id: "str | None" = None, outputs: Any = None) -> "_OfflineRun":
        """Return an offline run whose id starts with the id of this run."""
        return _OfflineRun(run_id=f"{self._run_id}.{run_id or name or _create_guid()}")

    def flush(self) -> None:
        """Print that a flush was requested; offline runs store nothing."""
        _print_safely(f"Attempted to flush run with id {self._run_id}")

    def complete(self) -> None:
        """Do nothing, since there is no run to end."""

    def fail(self, error_details: Any = None, error_code: "str | None" = None) -> None:
        """Print the error."""
        _print_safely(f"Run failed with error code {error_code}:\n{error_details}")

    def cancel(self) -> None:
        """Do nothing, since there is no run to cancel."""

    def _print_metric(self, kind: str, metric_name: str, value: Any) -> None:
        try:
            text = str(value)
        except Exception:  # raised by the value's `__str__`
            text = format_fallback(value)
        _print_safely(f"Attempted to log {kind} metric {metric_name}:\n{text}")


def _print_safely(text: str) -> None:
    """Print text, escaping all non-ASCII characters if standard output cannot encode it."""
    try:
        print(text)
    except UnicodeEncodeError:  # characters that the encoding of standard output lacks
        print(text.encode("ascii", "backslashreplace").decode("ascii"))


def _create_guid() -> str:
    digits = os.urandom(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
