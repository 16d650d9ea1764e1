"""Estimators that bring a framework with them."""

from azureml.train._base_estimator import MMLBaseEstimator


class FrameworkEstimator(MMLBaseEstimator):
    """An estimator with the packages of a framework: of `framework_version`, else of the newest one.

    Attributes:
        FRAMEWORK_NAME: The framework's name.
        framework_version: The version that was asked for, or None.
    """

    FRAMEWORK_NAME = ""
    framework_version: "str | None"
    _PACKAGE = ""
    _COMPANIONS: "tuple[str, ...]" = ()
    _SUPPORTED_VERSIONS: "tuple[str, ...]" = ()

    @classmethod
    def get_supported_versions(cls) -> "list[str]":
        """Return the versions that Azure has; here any may be asked for that pip finds."""
        return list(cls._SUPPORTED_VERSIONS)

    def _list_framework_packages(self) -> "list[str]":
        if self._find_given("environment_definition") is not None:
            return []
        version = self.framework_version
        return [self._PACKAGE + ("" if version is None else _pin(version)), *self._COMPANIONS]


def _pin(version: str) -> str:
    """Return a full version as it is, and a short one with all that it begins: 1.4 is any 1.4.x."""
    return f"=={version}" if version.count(".") >= 2 else f"=={version}.*"
