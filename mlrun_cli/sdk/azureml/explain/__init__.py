"""Explanations of models, by their older name: importable, and refused on use."""

import azureml._alone  # noqa: F401 - has to come before anything that could be the other package's
from azureml._refused import EXPLAIN_INSTEAD, refuse_package

__getattr__ = refuse_package(__name__, EXPLAIN_INSTEAD)
