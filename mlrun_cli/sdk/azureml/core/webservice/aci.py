"""Web services in Azure Container Instances."""

from typing import Any

from azureml.core.webservice.webservice import Webservice, WebserviceDeploymentConfiguration

__all__ = [
    "AciServiceDeploymentConfiguration",
    "AciWebservice",
]


class AciServiceDeploymentConfiguration(
    WebserviceDeploymentConfiguration,
    takes="cpu_cores=None, memory_gb=None, tags=None, properties=None, description=None, location=None, "
    "auth_enabled=None, ssl_enabled=None, enable_app_insights=None, ssl_cert_pem_file=None, "
    "ssl_key_pem_file=None, ssl_cname=None, dns_name_label=None, primary_key=None, "
    "secondary_key=None, collect_model_data=None, cmk_vault_base_url=None, cmk_key_name=None, "
    "cmk_key_version=None, vnet_name=None, subnet_name=None",
):
    """The configuration of a web service in Azure Container Instances."""


class AciWebservice(Webservice):
    """A web service in Azure Container Instances; none exist here."""

    deploy_configuration: Any = AciServiceDeploymentConfiguration
