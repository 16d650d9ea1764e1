"""A package of the 2017 Azure ML Workbench, of which scripts use `data_collector`."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
