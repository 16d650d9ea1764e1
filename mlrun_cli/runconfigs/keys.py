"""Every key of a runconfig: its type, its default, and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TEXT: Mapping[str, Any] = {"type": "string"}
TRUTH: Mapping[str, Any] = {"type": "boolean"}
NUMBER: Mapping[str, Any] = {"type": "integer"}
COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 1}
SCALAR: Mapping[str, Any] = {"type": ["string", "number", "boolean"]}
TEXTS: Mapping[str, Any] = {"type": "array", "items": SCALAR}
MAPPING: Mapping[str, Any] = {"type": "object"}
LIST: Mapping[str, Any] = {"type": "array"}
VARIABLES: Mapping[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": "^[^=]+$"},
    "additionalProperties": {"type": [*SCALAR["type"], "null"]},
}


@dataclass(frozen=True, slots=True)
class Key:
    """`shape` is JSON Schema's words for the type; an older key is not written any more."""

    shape: Mapping[str, Any]
    default: Any
    meaning: str
    is_older: bool = False


def _one_of(*names: str) -> Mapping[str, Any]:
    """One of the names, in any letter case."""
    return {"anyOf": [{"enum": names}, TEXT]}


def _entries(**keys: Mapping[str, Any]) -> Mapping[str, Any]:
    """A mapping from names of the user's to mappings with these keys."""
    return {"type": "object", "additionalProperties": {"type": "object", "properties": keys}}


_PLACE = {"type": "object", "properties": {"datastoreName": TEXT, "relativePath": TEXT}}
_REFERENCES = _entries(
    dataStoreName=TEXT,
    pathOnDataStore=TEXT,
    mode=_one_of("mount", "download", "upload"),
    pathOnCompute=TEXT,
    overwrite=TRUTH,
)
_INPUTS = _entries(
    dataLocation={
        "type": "object",
        "properties": {
            "dataset": {
                "type": "object",
                "properties": {
                    "id": TEXT,
                    "name": TEXT,
                    "version": {"type": ["string", "integer"]},
                    "definition": MAPPING,
                },
            },
            "dataPath": _PLACE,
            "datapath": _PLACE,
            "uri": {"type": "object", "properties": {"path": TEXT, "isFile": TRUTH}},
        },
    },
    mechanism=_one_of("direct", "mount", "download"),
    environmentVariableName=TEXT,
    pathOnCompute=TEXT,
    createOutputDirectories=TRUTH,
    overwrite=TRUTH,
    options=MAPPING,
)
_OUTPUTS = _entries(
    outputLocation={"type": "object", "properties": {"dataPath": _PLACE}},
    mechanism=_one_of("mount", "upload"),
    additionalOptions=MAPPING,
)
_COMMUNICATORS = _one_of("None", "OpenMpi", "IntelMpi", "Mpi", "Horovod", "ParameterServer", "PyTorch", "Nccl", "Gloo")
_MPI_BY_MISTAKE = {
    "type": "object",
    "description": "The section mpi, put here by mistake: with its defaults it is read as None.",
    "additionalProperties": {"enum": [1, None]},
}

KEYS: Mapping[str, Key] = {
    "script": Key(TEXT, None, "The script to run, relative to the source folder. The command line may name another."),
    "arguments": Key(TEXTS, [], "The script's arguments, each of which it is given as it is written here."),
    "command": Key(
        {"anyOf": [TEXT, TEXTS]}, "", "In place of a script: a line for a shell, or a program and its arguments."
    ),
    "target": Key(TEXT, "local", "The compute target: local is this machine, others are made in the workspace."),
    "framework": Key(
        _one_of("Python", "PyTorch", "TensorFlow", "Chainer", "CNTK", "PySpark", "R"),
        "Python",
        "What starts the script: Python, or spark-submit or Rscript where they are installed.",
    ),
    "communicator": Key(
        {"anyOf": [*_COMMUNICATORS["anyOf"], _MPI_BY_MISTAKE]},
        "None",
        "How the processes of a distributed run find each other.",
    ),
    "maxRunDurationSeconds": Key(COUNT, None, "A run that takes longer is cancelled. Nothing means no limit."),
    "nodeCount": Key(COUNT, 1, "How many nodes the run has; all of them are on this machine."),
    "priority": Key(NUMBER, None, "Order of runs on Azure's clusters. Skipped here."),
    "environment.name": Key(
        TEXT, "default-environment", "Name of the environment. Alone, it means the registered one."
    ),
    "environment.version": Key({"type": ["string", "integer"]}, None, "Version of the registered environment."),
    "environment.environmentVariables": Key(VARIABLES, {}, "Variables of every run that has the environment."),
    "environment.python.userManagedDependencies": Key(
        TRUTH, False, "True: the interpreter is used as it is. False: the conda dependencies are installed."
    ),
    "environment.python.interpreterPath": Key(
        TEXT, "python", "The interpreter, when packages are the user's: a name on PATH, or a path."
    ),
    "environment.python.condaDependenciesFile": Key(
        TEXT, None, "Conda file with the packages, relative to the source folder or to this file."
    ),
    "environment.python.condaDependencies": Key(
        MAPPING, None, "The content of a conda file, written here: name, channels, dependencies."
    ),
    "environment.python.baseCondaEnvironment": Key(TEXT, None, "A conda environment to add to."),
    "environment.docker.enabled": Key(TRUTH, False, "Whether the run is in a container. docker.useDocker is newer."),
    "environment.docker.baseImage": Key(TEXT, None, "Image of the container."),
    "environment.docker.baseDockerfile": Key(TEXT, None, "Dockerfile, as text, to make the image from."),
    "environment.docker.buildContext": Key(MAPPING, None, "Folder to make the image from."),
    "environment.docker.sharedVolumes": Key(TRUTH, True, "Whether folders are shared with the container."),
    "environment.docker.gpuSupport": Key(TRUTH, False, "Whether the container sees GPUs.", is_older=True),
    "environment.docker.shmSize": Key(TEXT, "2g", "Size of the container's shared memory."),
    "environment.docker.arguments": Key(TEXTS, [], "More arguments of 'docker run'."),
    "environment.docker.baseImageRegistry.address": Key(TEXT, None, "Registry that has the image."),
    "environment.docker.baseImageRegistry.username": Key(TEXT, None, "User of the registry."),
    "environment.docker.baseImageRegistry.password": Key(TEXT, None, "Password for the registry; never shown."),
    "environment.docker.baseImageRegistry.registryIdentity": Key(MAPPING, None, "Azure identity for the registry."),
    "environment.docker.platform.os": Key(TEXT, "Linux", "System of the image."),
    "environment.docker.platform.architecture": Key(TEXT, "amd64", "Processor of the image."),
    "environment.spark.repositories": Key(LIST, [], "Repositories of Spark's packages."),
    "environment.spark.packages": Key(LIST, [], "Packages of Spark: group, artifact, version."),
    "environment.spark.precachePackages": Key(TRUTH, True, "Whether Spark's packages are fetched beforehand."),
    "environment.databricks.mavenLibraries": Key(LIST, [], "Libraries of a Databricks step."),
    "environment.databricks.pypiLibraries": Key(LIST, [], "Libraries of a Databricks step."),
    "environment.databricks.rcranLibraries": Key(LIST, [], "Libraries of a Databricks step."),
    "environment.databricks.jarLibraries": Key(LIST, [], "Libraries of a Databricks step."),
    "environment.databricks.eggLibraries": Key(LIST, [], "Libraries of a Databricks step."),
    "environment.databricks.cluster": Key(MAPPING, None, "Cluster of a Databricks step."),
    "environment.r": Key(MAPPING, None, "Version and packages of R."),
    "environment.inferencingStackVersion": Key(TEXT, None, "Version of Azure's web service. Skipped here."),
    "environment.assetId": Key(TEXT, None, "Id of the environment in Azure. Skipped here."),
    "environment.configUri": Key(TEXT, None, "Address of the environment in Azure. Skipped here.", is_older=True),
    "history.enabled": Key(TRUTH, True, "Whether the run is recorded. Here it always is.", is_older=True),
    "history.outputCollection": Key(TRUTH, True, "Whether the folder outputs is kept. Here it always is."),
    "history.snapshotProject": Key(TRUTH, True, "Whether the source folder is kept. Here it always is."),
    "history.directoriesToWatch": Key(TEXTS, ["logs"], "Folders whose files are kept while the script runs."),
    "history.ambientAuthentication": Key(MAPPING, None, "Azure identity for the run.", is_older=True),
    "spark.configuration": Key(
        MAPPING, {"spark.app.name": "Azure ML Experiment", "spark.yarn.maxAppAttempts": 1}, "Settings of Spark."
    ),
    "docker.useDocker": Key(TRUTH, False, "Whether the run is in a container."),
    "docker.sharedVolumes": Key(TRUTH, True, "Whether folders are shared with the container."),
    "docker.arguments": Key(TEXTS, [], "More arguments of 'docker run'."),
    "docker.shmSize": Key(TEXT, "2g", "Size of the container's shared memory."),
    "hdi.yarnDeployMode": Key(_one_of("cluster", "client"), "cluster", "How Spark is started on HDInsight."),
    "tensorflow.workerCount": Key(COUNT, 1, "Workers, when the communicator is ParameterServer."),
    "tensorflow.parameterServerCount": Key(
        {"type": "integer", "minimum": 0}, 1, "Parameter servers, when the communicator is ParameterServer."
    ),
    "mpi.processCountPerNode": Key(COUNT, 1, "Processes on each node, when the communicator is an MPI."),
    "mpi.nodeCount": Key(COUNT, 1, "The same as nodeCount."),
    "pytorch.communicationBackend": Key(_one_of("nccl", "gloo"), "nccl", "How PyTorch's processes talk."),
    "pytorch.processCount": Key(COUNT, None, "Processes on all nodes together. Nothing means one on each."),
    "pytorch.nodeCount": Key(COUNT, 1, "The same as nodeCount."),
    "paralleltask.maxRetriesPerWorker": Key(NUMBER, 0, "Retries of a worker of a parallel task."),
    "paralleltask.workerCountPerNode": Key(COUNT, 1, "Workers of a parallel task on each node."),
    "paralleltask.terminalExitCodes": Key(LIST, None, "Exit codes that end a parallel task."),
    "dataReferences": Key(_REFERENCES, {}, "Places in datastores, as $AZUREML_DATAREFERENCE_<name>."),
    "data": Key(_INPUTS, {}, "Datasets that the script reads, as DatasetConsumptionConfig:<name>."),
    "datacaches": Key(LIST, [], "Caches of datasets in Azure."),
    "outputData": Key(_OUTPUTS, {}, "Places that the script writes to, as DatasetOutputConfig:<name>."),
    "sourceDirectoryDataStore": Key(TEXT, None, "Datastore that holds the source folder."),
    "amlcompute.vmSize": Key(TEXT, None, "Machine of a cluster that is made for the run. Skipped here."),
    "amlcompute.vmPriority": Key(TEXT, None, "Priority of such a cluster. Skipped here."),
    "amlcompute.retainCluster": Key(TRUTH, False, "Whether such a cluster is kept. Skipped here."),
    "amlcompute.name": Key(TEXT, None, "Name of such a cluster. Skipped here."),
    "amlcompute.clusterMaxNodeCount": Key(COUNT, None, "Nodes of such a cluster. Skipped here."),
    "autoClusterComputeSpecification": Key(MAPPING, None, "A cluster that is made for the run. Skipped here."),
    "kubernetescompute.instanceType": Key(TEXT, None, "Kind of node on Kubernetes. Skipped here."),
    "credentialPassthrough": Key(TRUTH, False, "Whether the run acts as its user in Azure."),
    "applicationEndpoints": Key(MAPPING, {}, "Ports of the run that are published. Skipped here."),
    "environmentVariables": Key(VARIABLES, {}, "Variables of the script, over those of the environment."),
    "autoPrepareEnvironment": Key(
        TRUTH, True, "Whether a missing environment is made. Here it always is.", is_older=True
    ),
    "prepareEnvironment": Key(TRUTH, True, "The same.", is_older=True),
    "batchai.nodeCount": Key(COUNT, 1, "Nodes on Azure Batch AI, which is no more.", is_older=True),
    "containerInstance.region": Key(TEXT, None, "Region of a container instance.", is_older=True),
    "containerInstance.cpuCores": Key({"type": "number"}, 1, "Cores of a container instance.", is_older=True),
    "containerInstance.memoryGb": Key({"type": "number"}, 4, "Memory of a container instance.", is_older=True),
}
"""In the order in which they are written."""
