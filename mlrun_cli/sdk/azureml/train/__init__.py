"""Training: estimators, sweeps and automated machine learning."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
