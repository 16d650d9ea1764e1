"""Automated machine learning: importable, and refused on use."""

import azureml._alone  # noqa: F401 - has to come before anything that could be the other package's
from azureml._refused import refuse_package

__getattr__ = refuse_package(__name__, "Train in a script of your own, and submit it with ScriptRunConfig")
