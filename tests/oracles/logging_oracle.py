"""Runs in a venv with azureml-core, NumPy and pandas: prints as JSON what azureml-core stores for logged values.

It was run with Python 3.8, azureml-core 1.61, NumPy 1.24 and pandas 2.0; `tests/data/sdk/logged_facts.json` is what it
printed. Nothing is sent anywhere: what the library would send is looked at in the place of its client.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

from azureml._restclient import models
from azureml._run_impl.run_history_facade import RunHistoryFacade
from azureml.core import Run
from msrest import Serializer

sys.path.insert(0, str(Path(__file__).parents[1] / "data" / "sdk"))
logged_values: Any = import_module("logged_values")
_CLASSES = {name: kind for name, kind in vars(models).items() if isinstance(kind, type)}


class Metrics:
    """A substitute for the client of metrics, which keeps the data that would be sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def log_v2(self, metric: Any) -> None:
        batch = models.BatchMetricV2Dto(values=[metric.create_v2_dto()], report_errors=True)
        self.sent += [value for value in Serializer(_CLASSES).body(batch, "BatchMetricV2Dto")["values"] if value]


class Artifacts:
    """A substitute for the client of files."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def upload_artifact(self, stream: Any, _origin: str, _container: str, path: str, **_: object) -> None:
        self.kept[path] = json.loads(stream.read())


class Facade(RunHistoryFacade):  # type: ignore[misc]
    """The library's own facade, with these two substitutes."""

    metrics: Any = None
    artifacts: Any = None
    run: Any = None
    run_dto: Any = None
    _run_dto: Any = None
    _origin: Any = None
    _data_container_id: Any = None

    def __init__(self) -> None:
        known = SimpleNamespace(data_container_id="dcid.run")
        self.metrics, self.artifacts, self.run = Metrics(), Artifacts(), MagicMock()
        self.run_dto = self._run_dto = known
        self._origin, self._data_container_id = "ExperimentRun", "dcid.run"


def fact(call: str, expression: str) -> dict[str, Any]:
    """Return the result of a logging call: `kept`, `text` by repr, `rows`, or the class that it `raises`."""
    value = logged_values.value_of(expression)
    run = Run.__new__(Run)
    run._client = Facade()
    try:
        getattr(run, call)("name", **(value if call == "log_row" else {"value": value}))
    except Exception as error:  # any, as of the value itself
        return {"value": expression, "raises": type(error).__name__}
    if call not in ("log", "log_list", "log_row", "log_table"):
        return {"value": expression, "files": run._client.artifacts.kept}
    rows = [each["data"] for sent in run._client.metrics.sent for each in sent["value"]]
    if call != "log":
        return {"value": expression, "rows": rows}
    ((_, kept),) = rows[0].items()
    if type(value) is not str and isinstance(kept, str) and kept == repr(value):
        return {"value": expression, "text": "by repr"}
    is_too_long = isinstance(kept, int) and kept.bit_length() > 14_000  # for Python to write
    return {"value": expression, "kept": hex(kept) if is_too_long else kept}


def main() -> None:
    """Print the facts."""
    facts = {call: [fact(call, each) for each in logged_values.expressions(call)] for call in logged_values.VALUES}
    for call in logged_values.OTHERS:
        for expression in logged_values.expressions("log_confusion_matrix"):
            other, matrix = fact(call, expression), fact("log_confusion_matrix", expression)
            assert other == matrix, (call, other, matrix)
    # One fact a line, so that a change shows.
    lines = [f'"{call}": [\n' + ",\n".join(json.dumps(each) for each in some) + "\n]" for call, some in facts.items()]
    print("{\n" + ",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main()
