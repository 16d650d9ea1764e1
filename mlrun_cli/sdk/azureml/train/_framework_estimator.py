"""The base class of estimators for specific frameworks."""

from azureml.train._base_estimator import MMLBaseEstimator


class FrameworkEstimator(MMLBaseEstimator):
    """An estimator that adds the packages of a framework, by default the newest versions.

    Attributes:
        FRAMEWORK_NAME: The framework's name.
        framework_version: The requested version, or None for the newest.
    """

    FRAMEWORK_NAME = ""
    framework_version: "str | None"
    _PACKAGE = ""
    _COMPANIONS: "tuple[str, ...]" = ()
    _SUPPORTED_VERSIONS: "tuple[str, ...]" = ()

    @classmethod
    def get_supported_versions(cls) -> "list[str]":
        """Return the framework versions that Azure supports; here, any version that pip finds can be used."""
        return list(cls._SUPPORTED_VERSIONS)

    def _list_framework_packages(self) -> "list[str]":
        if self._get_parameter("environment_definition") is not None:
            return []
        version = self.framework_version
        return [self._PACKAGE + ("" if version is None else _build_version_specifier(version)), *self._COMPANIONS]


def _build_version_specifier(version: str) -> str:
    """Return the version specifier of a requirement for a version; a short version such as 1.4 matches any 1.4.x."""
    return f"=={version}" if version.count(".") >= 2 else f"=={version}.*"
