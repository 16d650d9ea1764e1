"""Pipelines: their parts can be described, and making one is refused."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
