"""Azure ML's Python interface; each name that scripts import is loaded at the first access."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's

VERSION = "1.61.0"
"""The version of Azure's SDK that this one follows; scripts print it and compare it."""

__version__ = VERSION

_MODULES = {
    "ComputeTarget": "compute",
    "ContainerRegistry": "container_registry",
    "Dataset": "dataset",
    "Datastore": "datastore",
    "Environment": "environment",
    "Experiment": "experiment",
    "Image": "image",
    "Keyvault": "keyvault",
    "LinkedService": "linked_service",
    "Model": "model",
    "PrivateEndPoint": "private_endpoint",
    "PrivateEndPointConfig": "private_endpoint",
    "Run": "run",
    "RunConfiguration": "runconfig",
    "ScriptRun": "script_run",
    "ScriptRunConfig": "script_run_config",
    "SynapseWorkspaceLinkedServiceConfiguration": "linked_service",
    "Webservice": "webservice",
    "Workspace": "workspace",
    "get_run": "run",
}
__all__ = ["VERSION", *_MODULES]  # noqa: PLE0604 - they are all texts
