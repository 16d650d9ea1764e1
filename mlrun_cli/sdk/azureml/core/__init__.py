"""Azure ML's Python interface: the names that scripts import."""

from __future__ import annotations

import azureml._alone  # noqa: F401 - has to come before anything that could be the other package's
from azureml.core.run import Run

__all__ = ["VERSION", "Run"]

VERSION = "1.61.0"
"""The version of Azure's interface that this one follows; scripts print it and compare it."""

__version__ = VERSION
