"""The writer of one run for MLflow's stores: its metrics, parameters and tags, as lines of the journal."""

from importlib import import_module
from typing import Any, Dict, Iterable, List, Set

from azureml._client.client import WorkspaceNames, get_client
from azureml._client.metric_lines import encode_name
from azureml._client.scalars import encode_scalar, escape_surrogates
from azureml._wire.journal_lines import (
    encode_parameters,
    encode_removed_tags,
    encode_scalar_with_time,
    encode_tags,
)
from azureml.mlflow._entities import NOTE, PARENT, RUN_NAME
from azureml.mlflow._errors import create_error

_REDACTED = "***"


def check_metrics(metrics: "Iterable[Any]", path: str = "") -> None:
    """Raise MlflowException if MLflow rejects the name, value, time or step of a metric.

    A path, such as "metrics", is for messages about calls with several metrics.
    """
    for place, metric in enumerate(metrics):
        _apply_mlflow_check(
            "_validate_metric", path, place, metric.key, metric.value, metric.timestamp, metric.step or 0
        )


def check_params(params: "List[Any]", path: str = "") -> None:
    """Raise MlflowException if MLflow rejects a parameter's name, or if two parameters have the same name.

    Values may be longer than in MLflow's own stores. A path is for messages about calls with several parameters.
    """
    for place, param in enumerate(params):
        _apply_mlflow_check("_validate_param_name", path, place, param.key)
    if len({param.key for param in params}) < len(params):
        import_module("mlflow.utils.validation")._validate_param_keys_unique(params)


def check_tags(tags: "Iterable[Any]", path: str = "") -> None:
    """Raise MlflowException if MLflow rejects the name of a tag.

    A path is for messages about calls with several tags.
    """
    for place, tag in enumerate(tags):
        _apply_mlflow_check("_validate_tag_name", path, place, tag.key)


def _apply_mlflow_check(check: str, path: str, place: int, *values: Any) -> None:
    """Call one of MLflow's validation functions, with the path of the value if this version of MLflow accepts it."""
    function: Any = getattr(import_module("mlflow.utils.validation"), check)
    if path and "path" in function.__code__.co_varnames:
        function(*values, path=f"{path}[{place}]" if len(values) > 1 else f"{path}[{place}].key")
    else:
        function(*values)


class RunWriter:
    """A writer to a run; written values survive a crash of this process once a call has returned."""

    def __init__(self, names: WorkspaceNames, run_id: str) -> None:
        self._names = names
        self._run_id = run_id
        self._append = get_client().create_writer(names, run_id)
        self._stepped: Set[str] = set()
        self._parameters: Dict[str, str] | None = None

    def log_metric(self, metric: Any) -> None:
        """Log an MLflow metric.

        MLflow gives metrics without a step the step 0. Here these have none, unless the metric has
        had another step: charts show values without one after another.
        """
        key, step = metric.key, int(metric.step or 0)
        if step:
            self._stepped.add(key)
        number = encode_scalar(metric.value)
        if number is None:
            raise create_error(f"The value of metric {key!r} is too large.")
        text = str(step) if step or key in self._stepped else "null"
        self._append(encode_scalar_with_time(encode_name(key), number, text, metric.timestamp / 1000))

    def log_params(self, params: Iterable[Any]) -> None:
        """Log MLflow parameters, or none of them if one of them is already logged with another value.

        Raises:
            MlflowException: One has been logged with another value.
        """
        new: Dict[str, str] = {}
        for param in params:
            key, value = escape_surrogates(str(param.key)), escape_surrogates(str(param.value))
            before = new.get(key, self._get_parameters().get(key))
            if before is not None and before != value and _REDACTED not in before:
                raise create_error(
                    f"Changing param values is not allowed. Param with key='{key}' was already logged with value="
                    f"'{before}' for run ID='{self._run_id}'. Attempted logging new value '{value}'."
                )
            new[key] = value
        if new:
            self._append(encode_parameters(new))
            self._get_parameters().update(new)

    def set_tags(self, tags: "Dict[str, Any]") -> None:
        """Set MLflow tags; the tags for the run's name and description change these fields of the run.

        A parent other than that of the run, which a run keeps, is a tag as others.
        """
        texts = {escape_surrogates(str(key)): escape_surrogates(str(value)) for key, value in tags.items()}
        name, note = texts.pop(RUN_NAME, None), texts.pop(NOTE, None)
        if PARENT in texts and texts[PARENT] == self._get_record()["parent_run_id"]:
            del texts[PARENT]
        if name is not None or note is not None:
            get_client().request(
                "runs.update", workspace=self._names, run_id=self._run_id, display_name=name, description=note
            )
        if texts:
            self._append(encode_tags({**texts}))

    def delete_tag(self, key: str) -> None:
        """Remove a tag from the run."""
        self._append(encode_removed_tags([escape_surrogates(key)]))

    def set_document(self, tag_key: str, document: str) -> None:
        """Set a tag whose value is a JSON document, given as text."""
        self._append(encode_tags({tag_key: document}))

    def _get_parameters(self) -> "Dict[str, str]":
        """Return the logged parameters of the run, cached after the first read."""
        if self._parameters is None:
            record = self._get_record()
            self._parameters = {name: record["params"][name] for name in record["logged_params"]}
        return self._parameters

    def _get_record(self) -> "Dict[str, Any]":
        record: Dict[str, Any] = get_client().request("tracking.run", workspace=self._names, run_id=self._run_id)
        return record
