"""Web services in local containers."""

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
    """The configuration of a web service in a local container."""


class LocalWebservice(Webservice):
    """A web service in a local container; none exist here."""

    deploy_configuration: Any = LocalWebserviceDeploymentConfiguration
