"""Azure's diagnostics settings, which have no effect because nothing is collected."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's

__all__ = ["get_diagnostics_collection_info", "is_diagnostics_collection_info_available", "set_diagnostics_collection"]


def set_diagnostics_collection(
    send_diagnostics: bool = True, verbosity: int = 20, reason: str = "", path: "str | None" = None
) -> None:
    """Do nothing, since no diagnostics are collected."""


def get_diagnostics_collection_info(
    component_name: "str | None" = None,  # noqa: ARG001 - Azure's signature
    path: "str | None" = None,  # noqa: ARG001 - Azure's signature
    proceed_in_hbi_mode: bool = False,  # noqa: ARG001 - Azure's signature
) -> "tuple[bool, str]":
    """Return whether diagnostics are sent (always False) and the log level (always `INFO`)."""
    return False, "INFO"


def is_diagnostics_collection_info_available() -> bool:
    """Return True, since the user need not decide about diagnostics."""
    return True
