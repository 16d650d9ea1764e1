"""Handle of a run: what `Run.get_context()` gives to a script."""

from __future__ import annotations

from typing import Any

from azureml._gateway import lines
from azureml._gateway.gateway import Gateway, RecordedGateway, submitted_run
from azureml._gateway.scalars import encodable
from azureml.core._offline_run import _OfflineRun
from azureml.core._to_come import RUN_ATTRIBUTES, RUN_CALLS, to_come
from azureml.core.experiment import Experiment
from azureml.exceptions import RunEnvironmentException, UserErrorException

__all__ = ["Run", "_OfflineRun"]


class Run:
    """A run: its metrics, tags, properties and status.

    What is logged or tagged is kept for good when the call returns, whatever then happens to the script. What
    is asked includes all that this process has said before. All processes and threads of a run may use it. As
    a context manager it calls `complete()`, or `fail()` with the exception that leaves the block.
    """

    def __init__(self, experiment: Experiment, run_id: str, *, _gateway: Gateway) -> None:
        self._experiment = experiment
        self._run_id = run_id
        self._gateway = _gateway

    @classmethod
    def get_context(
        cls,
        allow_offline: bool = True,
        used_for_context_manager: bool = False,  # noqa: ARG003 - Azure's signature
        **kwargs: object,  # noqa: ARG003 - Azure's signature
    ) -> Run | _OfflineRun:
        """The run that this script belongs to.

        Outside a run a stand-in that prints what it is told, whose id begins with `OfflineRun`; with
        `allow_offline=False` a RunEnvironmentException.
        """
        gateway = submitted_run()
        if gateway is not None:
            return cls._of(gateway)
        if allow_offline:
            return _OfflineRun()
        raise RunEnvironmentException(
            "This process belongs to no run. Start the script by 'mlrun run submit-script', or let it do "
            "without one by Run.get_context()."
        )

    @classmethod
    def get_submitted_run(cls, **kwargs: Any) -> Run | _OfflineRun:
        """Older name of `get_context(allow_offline=False)`."""
        return cls.get_context(allow_offline=False, **kwargs)

    @classmethod
    def _of(cls, gateway: Gateway) -> Run:
        return cls(Experiment(gateway.experiment_name), gateway.run_id, _gateway=gateway)

    def __repr__(self) -> str:
        return f"Run(Experiment: {self._experiment.name}, Id: {self._run_id})"

    def __enter__(self) -> Run:
        return self

    def __exit__(self, exit_type: type[BaseException] | None, value: BaseException | None, traceback: object) -> None:
        if value is None or (isinstance(value, SystemExit) and not value.code):
            self.complete()
        else:
            self.fail(value)

    def __getattr__(self, name: str) -> Any:
        if name in RUN_ATTRIBUTES:
            raise to_come(f"run.{name}")
        if name in RUN_CALLS:
            return _call_to_come(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # Who it is

    @property
    def id(self) -> str:
        """Its id."""
        return self._run_id

    @property
    def experiment(self) -> Experiment:
        """The experiment it belongs to."""
        return self._experiment

    @property
    def number(self) -> int:
        """Its place in the experiment, from 1."""
        return int(self._record()["run_number"])

    @property
    def display_name(self) -> str | None:
        """The name that people gave it, or that was made for them."""
        name: str | None = self._record().get("display_name")
        return name

    @property
    def name(self) -> str | None:
        """Older name of `display_name`."""
        return self.display_name

    @property
    def type(self) -> str:
        """`azureml.scriptrun` for a submitted script."""
        return str(self._record()["run_type"])

    @property
    def parent(self) -> Run | None:
        """The run that started it; None when nothing did."""
        record = self._gateway.ask("get_parent")
        return None if record is None else Run._of(RecordedGateway(record, self._experiment.name))

    # How it stands

    @property
    def status(self) -> str:
        """Where it stands, asked anew each time."""
        return self.get_status()

    def get_status(self) -> str:
        """Where it stands, in Azure's words, such as `Running`."""
        return str(self._record()["status"])

    def get_details(self) -> dict[str, Any]:
        """Its record under Azure's camelCase keys, such as `runId`, `status` and `startTimeUtc`."""
        details: dict[str, Any] = self._gateway.ask("get_details")
        return details

    def complete(self, _set_status: bool = True) -> None:
        """Say that the script has done its work. The run is Completed when its process has ended well."""
        if _set_status:
            self._gateway.append(lines.end_line("Completed", None))

    def fail(
        self,
        error_details: str | BaseException | None = None,
        error_code: str | None = None,
        _set_status: bool = True,
    ) -> None:
        """Say that the script has failed, and with what. The run is Failed when its process has ended."""
        if isinstance(error_details, BaseException):
            error_details = f"{type(error_details).__name__}: {error_details}"
        error = {}
        if error_details:
            error["message"] = encodable(str(error_details))
        if error_code:
            error["code"] = encodable(str(error_code))
        if _set_status:
            self._gateway.append(lines.end_line("Failed", error or None))

    def flush(self, timeout_seconds: float = 300) -> None:
        """Wait until all that this process has logged is in the store, where other programs see it."""
        self._gateway.ask("flush", patience_seconds=timeout_seconds)

    # Metrics

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """Add one value to a metric: a number, text or boolean; `step` orders the values of one name."""
        self._gateway.append(lines.log_line(name, value, description, step))

    def log_list(self, name: str, value: Any, description: str = "") -> None:
        """Add a list of values: any iterable of numbers, texts or booleans."""
        self._gateway.append(lines.log_list_line(name, value, description))

    def log_row(self, name: str, description: str | None = None, **kwargs: Any) -> None:
        """Add a row: one value for each named column. Rows of one name make a table."""
        self._gateway.append(lines.log_row_line(name, kwargs, description))

    def log_table(self, name: str, value: dict[str, Any], description: str = "") -> None:
        """Add a whole table: a list of values for each column."""
        self._gateway.append(lines.log_table_line(name, value, description))

    def get_metrics(
        self,
        name: str | None = None,
        recursive: bool = False,
        run_type: str | None = None,  # noqa: ARG002 - chooses among children, of which there are none
        populate: bool = False,  # noqa: ARG002 - fetches images, of which there are none
    ) -> dict[str, Any]:
        """All metrics by name, or the one that is named; with `recursive`, by run id and then by name.

        A metric logged once is its value; one logged several times a list, rows a dict of lists.
        """
        if name is not None and not isinstance(name, str):
            raise UserErrorException(f"The name of a metric is text, not {name!r}.")
        metrics: dict[str, Any] = self._gateway.ask("get_metrics", name=name)
        return {self._run_id: metrics} if recursive else metrics

    # Tags and properties

    @property
    def tags(self) -> dict[str, str | None]:
        """Its tags, asked anew each time."""
        return self.get_tags()

    def get_tags(self) -> dict[str, str | None]:
        """Its tags; None is the value of a bare one."""
        tags: dict[str, str | None] = self._gateway.ask("get_tags")
        return tags

    def tag(self, key: str, value: object = None) -> None:
        """Set one tag; without a value a bare one. What is not text becomes so."""
        self.set_tags({key: value})

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Set several tags; others stay as they are."""
        self._gateway.append(lines.tags_line(_texts(tags, "tags")))

    def remove_tags(self, tags: list[str]) -> None:
        """Remove the tags with these keys; one that is not there is no error."""
        keys = [tags] if isinstance(tags, str) else list(tags)
        self._gateway.append(lines.remove_tags_line(list(_texts(dict.fromkeys(keys), "tags"))))

    @property
    def properties(self) -> dict[str, str]:
        """Its properties, asked anew each time."""
        return self.get_properties()

    def get_properties(self) -> dict[str, str]:
        """Its properties: texts that are written once."""
        properties: dict[str, str] = self._gateway.ask("get_properties")
        return properties

    def add_properties(self, properties: dict[str, Any]) -> None:
        """Add properties; UserErrorException when one exists with another value."""
        texts = _texts(properties, "properties")
        for key, value in texts.items():
            if value is None:
                raise UserErrorException(f"Property {key!r} has no value; a property is a text, written once.")
        self._gateway.ask("add_properties", properties=texts)

    def _record(self) -> dict[str, Any]:
        record: dict[str, Any] = self._gateway.ask("get_run")
        return record


def _texts(pairs: dict[str, Any], what: str) -> dict[str, str | None]:
    """Keys and values of tags or properties as text; None stays None."""
    if not isinstance(pairs, dict):
        raise UserErrorException(f"The {what} are a dict, as in {{'key': 'value'}}, not {type(pairs).__name__}.")
    for key in pairs:
        if not isinstance(key, str) or not key:
            raise UserErrorException(f"The keys of {what} are texts that are not empty, not {key!r}.")
    return {encodable(key): None if value is None else encodable(str(value)) for key, value in pairs.items()}


def _call_to_come(name: str) -> Any:
    def call(*_args: object, **_kwargs: object) -> None:
        raise to_come(f"run.{name}()")

    return call
