"""Compute targets, to which runs can be submitted; most of them represent this machine."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.core.compute.amlcompute import AmlCompute
from azureml.core.compute.compute import ComputeTarget
from azureml.core.compute.computeinstance import ComputeInstance

_MODULES = {
    "AdlaCompute": "_other_machines",
    "AksCompute": "aks",
    "BatchAiCompute": "batchai",
    "BatchCompute": "_other_machines",
    "DataFactoryCompute": "_other_machines",
    "DatabricksCompute": "_other_machines",
    "DsvmCompute": "_other_machines",
    "HDInsightCompute": "_other_machines",
    "KubernetesCompute": "_other_machines",
    "KustoCompute": "_other_machines",
    "RemoteCompute": "_other_machines",
    "SynapseCompute": "_other_machines",
}
__all__ = ["AmlCompute", "ComputeInstance", "ComputeTarget", *_MODULES]  # noqa: PLE0604 - they are all texts
