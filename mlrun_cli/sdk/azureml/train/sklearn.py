"""The estimator for scripts that use scikit-learn."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.train._base_estimator import LIMITS, LINT, PACKAGES, SCRIPT, VERSION
from azureml.train._framework_estimator import FrameworkEstimator

__all__ = ["SKLearn"]


class SKLearn(
    FrameworkEstimator,
    takes=f"{SCRIPT}, use_docker=True, custom_docker_image=None, image_registry_details=None, {PACKAGES}, "
    f"{LIMITS}, {VERSION}, {LINT}",
):
    """An estimator that adds scikit-learn, joblib and pandas to the script's packages, as Azure's image has them."""

    FRAMEWORK_NAME = "SKLearn"
    _PACKAGE = "scikit-learn"
    _COMPANIONS = ("joblib", "pandas")
    _SUPPORTED_VERSIONS = ("0.20.3",)
