"""The metrics of a run."""

from typing import Any, Dict

from azureml._client import metric_lines
from azureml._wire import journal_lines
from azureml.core._run_files import RunFiles
from azureml.exceptions import UserErrorException


class RunMetrics(RunFiles):
    """Base class of `Run` with the methods for metrics."""

    def log(self, name: str, value: Any, description: str = "", step: "int | None" = None) -> None:
        """Log a number, string or boolean as a value of a metric; the values are ordered by `step`.

        Other values, except lists, are stored as their `repr`, with a warning.

        Raises:
            UserErrorException: The value is a list, a range or a generator, or the disk is full.
        """
        self._append(metric_lines.encode_value(name, value, description, step))

    def log_list(self, name: str, value: Any, description: str = "") -> None:
        """Log the items of an iterable as values of a metric.

        Raises:
            TypeError: The value is not iterable.
            AzureMLException: An item is not a number, string or boolean.
        """
        self._append(metric_lines.encode_list(name, value, description))

    def log_row(self, name: str, description: "str | None" = None, **kwargs: Any) -> None:
        """Log a row of named columns to a metric; the rows form a table.

        Raises:
            AzureMLException: A column value is not a number, string or boolean.
        """
        self._append(metric_lines.encode_row(name, kwargs, description))

    def log_table(self, name: str, value: Dict[str, Any], description: str = "") -> None:
        """Log a table to a metric, given as a dict of columns, each a list of equal length or a single value.

        Raises:
            AttributeError: The value has no named columns.
            AzureMLException: Columns differ in length, or an item is not a number, string or boolean.
        """
        self._append(metric_lines.encode_table(name, value, description))

    def log_image(self, name: str, path: Any = None, plot: Any = None, description: str = "") -> None:
        """Store an image file, a matplotlib figure or the current pyplot figure, and log its URI."""
        from azureml.core._images import prepare_image

        file_name, content = prepare_image(name, path, plot)
        self.upload_file(file_name, content)
        self._log_artifact(journal_lines.IMAGE, name, file_name, description)

    def log_accuracy_table(self, name: str, value: Any, description: str = "") -> None:
        """Store an accuracy table, given in Azure's schema, and log its URI."""
        self._log_document(journal_lines.ACCURACY_TABLE, name, value, description)

    def log_confusion_matrix(self, name: str, value: Any, description: str = "") -> None:
        """Store a confusion matrix, given in Azure's schema, and log its URI."""
        self._log_document(journal_lines.CONFUSION_MATRIX, name, value, description)

    def log_predictions(self, name: str, value: Any, description: str = "") -> None:
        """Store predictions, given in Azure's schema, and log their URI."""
        self._log_document(journal_lines.PREDICTIONS, name, value, description)

    def log_residuals(self, name: str, value: Any, description: str = "") -> None:
        """Store residuals, given in Azure's schema, and log their URI."""
        self._log_document(journal_lines.RESIDUALS, name, value, description)

    def _log_document(self, kind: str, name: str, document: Any, description: str) -> None:
        """Store a JSON document as a file named after the metric, and log its URI."""
        from io import BytesIO

        from azureml.core._images import create_unique_file_name, encode_document

        content = encode_document(name, document)
        file_name = str(name)
        try:
            self.upload_file(file_name, BytesIO(content))
        except UserErrorException:
            file_name = create_unique_file_name(name, ".json")
            self.upload_file(file_name, BytesIO(content))
        self._log_artifact(kind, name, file_name, description)

    def _log_artifact(self, kind: str, name: str, file_name: str, description: str) -> None:
        uri = f"aml://artifactId/ExperimentRun/dcid.{self._run_id}/{file_name}"
        self._append(metric_lines.encode_artifact(kind, name, uri, description))

    def get_metrics(
        self,
        name: "str | None" = None,
        recursive: bool = False,
        run_type: "str | None" = None,
        populate: bool = False,
    ) -> Dict[str, Any]:
        """Return logged values keyed by metric name or, with `recursive`, by run id, including the run's descendants.

        A single value is returned as such, several as an ordered list, rows as a dict of columns. A metric stored as a
        file is returned as its URI or, with `populate`, as an `Artifact` with the content.
        """
        if name is not None and not isinstance(name, str):
            raise UserErrorException(f"The name of a metric is text, not {type(name).__name__}.")
        wanted: Dict[str, Any] = {"name": name, "recursive": recursive, "run_type": run_type}
        metrics: Dict[str, Any] = self._request("runs.metrics", **wanted)
        if not populate:
            return metrics
        from azureml.core._metric_artifacts import replace_artifact_uris

        shapes: Dict[str, Any] = self._request("runs.metric_shapes", **wanted)
        if not recursive:
            return replace_artifact_uris(self._names, metrics, shapes)
        return {
            run_id: replace_artifact_uris(self._names, each, shapes.get(run_id, {})) for run_id, each in metrics.items()
        }

    @property
    def metrics(self) -> Dict[str, Any]:
        """Alias of `get_metrics()`."""
        return self.get_metrics()
