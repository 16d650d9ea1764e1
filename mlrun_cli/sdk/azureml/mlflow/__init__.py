"""Azure's side of MLflow: importable, and refused on use."""

import azureml._alone  # noqa: F401 - has to come before anything that could be the other package's
from azureml._refused import refuse_package

__getattr__ = refuse_package(
    __name__, "Log with Run.get_context(), or let MLflow keep its own folder by mlflow.set_tracking_uri('file:mlruns')"
)
