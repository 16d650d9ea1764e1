"""Web services in Azure Kubernetes Service."""

from typing import Any

from azureml.core.webservice.webservice import Webservice, WebserviceDeploymentConfiguration

__all__ = [
    "AksEndpoint",
    "AksEndpointDeploymentConfiguration",
    "AksServiceDeploymentConfiguration",
    "AksWebservice",
]


_SERVED = (
    "autoscale_enabled=None, autoscale_min_replicas=None, autoscale_max_replicas=None, "
    "autoscale_refresh_seconds=None, autoscale_target_utilization=None, collect_model_data=None, "
    "auth_enabled=None, cpu_cores=None, memory_gb=None, enable_app_insights=None, "
    "scoring_timeout_ms=None, replica_max_concurrent_requests=None, max_request_wait_time=None, "
    "num_replicas=None, primary_key=None, secondary_key=None, tags=None, properties=None, "
    "description=None, gpu_cores=None, period_seconds=None, initial_delay_seconds=None, "
    "timeout_seconds=None, success_threshold=None, failure_threshold=None, namespace=None, "
    "token_auth_enabled=None, "
)


class AksServiceDeploymentConfiguration(
    WebserviceDeploymentConfiguration,
    takes=f"{_SERVED}compute_target_name=None, cpu_cores_limit=None, memory_gb_limit=None, blobfuse_enabled=None",
):
    """The configuration of a web service in Azure Kubernetes Service."""


class AksWebservice(Webservice):
    """A web service in Azure Kubernetes Service; none exist here."""

    deploy_configuration: Any = AksServiceDeploymentConfiguration


class AksEndpointDeploymentConfiguration(
    WebserviceDeploymentConfiguration,
    takes=f"{_SERVED}version_name=None, traffic_percentile=None, compute_target_name=None, cpu_cores_limit=None, "
    "memory_gb_limit=None",
):
    """The configuration of an endpoint that serves several versions of a model."""


class AksEndpoint(AksWebservice):
    """An endpoint that serves several versions of a model; none exist here."""

    deploy_configuration: Any = AksEndpointDeploymentConfiguration
