"""Azure's collection of diagnostics: nothing is collected, so that turning it on or off changes nothing."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's

__all__ = ["get_diagnostics_collection_info", "is_diagnostics_collection_info_available", "set_diagnostics_collection"]


def set_diagnostics_collection(
    send_diagnostics: bool = True, verbosity: int = 20, reason: str = "", path: "str | None" = None
) -> None:
    """Do nothing: no diagnostics are sent."""


def get_diagnostics_collection_info(
    component_name: "str | None" = None,  # noqa: ARG001 - Azure's signature
    path: "str | None" = None,  # noqa: ARG001 - Azure's signature
    proceed_in_hbi_mode: bool = False,  # noqa: ARG001 - Azure's signature
) -> "tuple[bool, str]":
    """Return whether diagnostics are sent, and from which level on: they are not."""
    return False, "INFO"


def is_diagnostics_collection_info_available() -> bool:
    """Return whether a choice about diagnostics was made: it was."""
    return True
