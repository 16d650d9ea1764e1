"""Collection of what a deployed model is asked: importable, and refused on use."""

import azureml._alone  # noqa: F401 - has to come before anything that could be the other package's
from azureml._refused import refuse_package

__getattr__ = refuse_package(__name__, "Write it with the logging of the server that serves the model")
