"""Services in Kubernetes clusters."""

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
    """The configuration of a model served in a Kubernetes cluster."""


class AksWebservice(Webservice):
    """A model in a Kubernetes cluster; there are none."""

    deploy_configuration: Any = AksServiceDeploymentConfiguration


class AksEndpointDeploymentConfiguration(
    WebserviceDeploymentConfiguration,
    takes=f"{_SERVED}version_name=None, traffic_percentile=None, compute_target_name=None, cpu_cores_limit=None, "
    "memory_gb_limit=None",
):
    """The configuration of several versions of a served model."""


class AksEndpoint(AksWebservice):
    """Several versions of a model; there are none."""

    deploy_configuration: Any = AksEndpointDeploymentConfiguration
