"""Pipelines: their parts can be configured, but creating a pipeline is refused."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
