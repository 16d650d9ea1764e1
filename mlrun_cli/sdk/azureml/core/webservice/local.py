"""Services in containers of this machine."""

from typing import Any

from azureml.core.webservice.webservice import Webservice, WebserviceDeploymentConfiguration

__all__ = [
    "LocalWebservice",
    "LocalWebserviceDeploymentConfiguration",
]


class LocalWebserviceDeploymentConfiguration(
    WebserviceDeploymentConfiguration,
    takes="port=None",
):
    """The configuration of a model served in a container here."""


class LocalWebservice(Webservice):
    """A model in a container here; there are none."""

    deploy_configuration: Any = LocalWebserviceDeploymentConfiguration
