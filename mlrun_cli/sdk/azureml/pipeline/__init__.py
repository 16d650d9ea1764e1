"""Pipelines, whose parts can be configured, but which cannot be created."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
