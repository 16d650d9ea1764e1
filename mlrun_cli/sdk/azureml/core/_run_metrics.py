"""Metrics of a run."""

from typing import Any, Dict

from azureml._client import metric_lines
from azureml._wire import journal_lines
from azureml.core._run_files import RunFiles
from azureml.exceptions import UserErrorException


class RunMetrics(RunFiles):
    """The part of `Run` that logs metrics and reads them."""

    def log(self, name: str, value: Any, description: str = "", step: "int | None" = None) -> None:
        """Add one value to a metric: a number, text or boolean; `step` orders the values of one name.

        Anything else, but a list, is kept as the text that `repr` gives of it, with a warning.

        Raises:
            UserErrorException: The value is a list, a range or a generator, or the disk is full.
        """
        self._append(metric_lines.encode_value(name, value, description, step))

    def log_list(self, name: str, value: Any, description: str = "") -> None:
        """Add several values to a metric at once, from any iterable.

        Raises:
            TypeError: It is no iterable.
            AzureMLException: It holds what is no number, text or boolean.
        """
        self._append(metric_lines.encode_list(name, value, description))

    def log_row(self, name: str, description: "str | None" = None, **kwargs: Any) -> None:
        """Add a row to a metric with named columns; the rows of one name form a table.

        Raises:
            AzureMLException: A column is no number, text or boolean.
        """
        self._append(metric_lines.encode_row(name, kwargs, description))

    def log_table(self, name: str, value: Dict[str, Any], description: str = "") -> None:
        """Add rows to a table: per column a list, all of the same length, or a single value.

        Raises:
            AttributeError: It has no columns by name.
            AzureMLException: Columns differ in length, or hold what is no number, text or boolean.
        """
        self._append(metric_lines.encode_table(name, value, description))

    def log_image(self, name: str, path: Any = None, plot: Any = None, description: str = "") -> None:
        """Store an image, a file or a figure of matplotlib (or pyplot itself), and log its address."""
        from azureml.core._images import read_image

        file_name, content = read_image(name, path, plot)
        self.upload_file(file_name, content)
        self._log_artifact(journal_lines.IMAGE, name, file_name, description)

    def log_accuracy_table(self, name: str, value: Any, description: str = "") -> None:
        """Store an accuracy table, in Azure's schema, and log its address."""
        self._log_document(journal_lines.ACCURACY_TABLE, name, value, description)

    def log_confusion_matrix(self, name: str, value: Any, description: str = "") -> None:
        """Store a confusion matrix, in Azure's schema, and log its address."""
        self._log_document(journal_lines.CONFUSION_MATRIX, name, value, description)

    def log_predictions(self, name: str, value: Any, description: str = "") -> None:
        """Store predictions, in Azure's schema, and log their address."""
        self._log_document(journal_lines.PREDICTIONS, name, value, description)

    def log_residuals(self, name: str, value: Any, description: str = "") -> None:
        """Store residuals, in Azure's schema, and log their address."""
        self._log_document(journal_lines.RESIDUALS, name, value, description)

    def _log_document(self, kind: str, name: str, value: Any, description: str) -> None:
        """Store a document as a file with the metric's name, or a derived one where that is not a valid file name."""
        from io import BytesIO

        from azureml.core._images import encode_document, make_free_name

        content = encode_document(name, value)
        file_name = str(name)
        try:
            self.upload_file(file_name, BytesIO(content))
        except UserErrorException:
            file_name = make_free_name(name, ".json")
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
        """Return all logged values, by metric; with `recursive`, those of all runs below it too, by run id.

        One value comes back as itself, several as a list in their order, rows as a dict of columns. What is kept as a
        file comes back as its address, or with `populate` as an `Artifact` with its content.
        """
        if name is not None and not isinstance(name, str):
            raise UserErrorException(f"The name of a metric is text, not {type(name).__name__}.")
        wanted: Dict[str, Any] = {"name": name, "recursive": recursive, "run_type": run_type}
        metrics: Dict[str, Any] = self._request("runs.metrics", **wanted)
        if not populate:
            return metrics
        from azureml.core._metric_artifacts import populate_metrics

        shapes: Dict[str, Any] = self._request("runs.metric_shapes", **wanted)
        if not recursive:
            return populate_metrics(self._names, metrics, shapes)
        return {run_id: populate_metrics(self._names, each, shapes.get(run_id, {})) for run_id, each in metrics.items()}

    @property
    def metrics(self) -> Dict[str, Any]:
        """Alias of `get_metrics()`."""
        return self.get_metrics()
