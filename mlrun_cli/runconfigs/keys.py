"""The keys of a runconfig: a table with their types, defaults, meanings and treatment.

Those of the communicators' sections stand in `communicators.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlrun_cli.runconfigs.communicators import LAUNCH_KEYS, LAUNCH_SECTIONS
from mlrun_cli.runconfigs.key import Key, Refusal
from mlrun_cli.runconfigs.value_schemas import (
    COMMAND,
    COMMUNICATOR,
    CONDA,
    COUNT,
    FRAMEWORK,
    INPUTS,
    LIST,
    MAPPING,
    NUMBER,
    OUTPUTS,
    REFERENCES,
    TEXT,
    TEXTS,
    TRUTH,
    VARIABLES,
    build_suggestion_schema,
)

_NO_ENGINE = Refusal(
    "neither docker nor podman is on PATH, and its packages are in the image",
    "Set it to false, or name the packages in the conda dependencies, or submit with '--environment current'.",
    concerns_environment=True,
)
_NO_DATABRICKS = Refusal("there is no Databricks here", "Take it out and name the packages in the conda dependencies.")
_NO_DATA = Refusal("Azure's data stores are not here", "Take it out and hand the script a path as an argument.")
_NO_IDENTITY = Refusal("there is no Azure identity here", "Take it out.")
_DOCKER_IS_OFF = "docker is not enabled"
_NO_CONTAINER = "the run is in no container, whose shared memory it limits"
_ALWAYS_SHARED = "the run's folders are always shared with its container"
_IMAGE_PLATFORM = "the container has the platform of its image"
_NO_CLUSTER = "no cluster is made"
_PARALLEL = "it is for parallel steps of pipelines"

KEYS: Mapping[str, Key] = {
    "script": Key(
        TEXT,
        None,
        "The script to run, relative to the source folder. The command line may name another.",
        field="script",
    ),
    "arguments": Key(
        TEXTS, [], "The script's arguments, each of which it is given as it is written here.", field="arguments"
    ),
    "command": Key(
        COMMAND, "", "In place of a script: a line for a shell, or a program and its arguments.", field="command"
    ),
    "target": Key(
        TEXT, "local", "The compute target: local is this machine, others are made in the workspace.", field="target"
    ),
    "framework": Key(
        FRAMEWORK,
        "Python",
        "What starts the script: Python, or spark-submit or Rscript where they are installed.",
        field="framework",
    ),
    "communicator": Key(
        COMMUNICATOR, "None", "How the processes of a distributed run find each other.", field="communicator"
    ),
    "maxRunDurationSeconds": Key(
        COUNT, None, "A run that takes longer is cancelled. Nothing means no limit.", field="max_run_duration_seconds"
    ),
    "nodeCount": Key(COUNT, 1, "How many nodes the run has; all of them are on this machine.", field="node_count"),
    "priority": Key(
        NUMBER, None, "Order of runs on Azure's clusters. Skipped here.", skipped="it orders runs on Azure's clusters"
    ),
    "environment.name": Key(
        TEXT, "default-environment", "Name of the environment. Alone, it means the registered one."
    ),
    "environment.version": Key({"type": ["string", "integer"]}, None, "Version of the registered environment."),
    "environment.environmentVariables": Key(
        VARIABLES, {}, "Variables of every run that has the environment.", field="environment_variables"
    ),
    "environment.python.userManagedDependencies": Key(
        TRUTH,
        False,
        "True: the interpreter is used as it is. False: the conda dependencies are installed.",
        field="python.user_managed_dependencies",
    ),
    "environment.python.interpreterPath": Key(
        TEXT,
        "python",
        "The interpreter, when packages are the user's: a name on PATH, or a path.",
        field="python.interpreter_path",
    ),
    "environment.python.condaDependenciesFile": Key(
        TEXT,
        None,
        "Conda file with the packages, relative to the source folder or to this file.",
        field="python.conda_dependencies_file",
    ),
    "environment.python.condaDependencies": Key(
        CONDA,
        None,
        "The content of a conda file, written here: name, channels, dependencies.",
        field="python.conda_dependencies",
    ),
    "environment.python.baseCondaEnvironment": Key(
        TEXT, None, "A conda environment to add to.", field="python.base_conda_environment"
    ),
    "environment.docker.enabled": Key(
        TRUTH, False, "Whether the run is in a container. docker.useDocker is newer.", refused=_NO_ENGINE
    ),
    "environment.docker.baseImage": Key(TEXT, None, "Image of the container.", skipped=_DOCKER_IS_OFF),
    "environment.docker.baseDockerfile": Key(
        TEXT, None, "Dockerfile, as text, to make the image from.", skipped=_DOCKER_IS_OFF
    ),
    "environment.docker.buildContext": Key(MAPPING, None, "Folder to make the image from.", skipped=_DOCKER_IS_OFF),
    "environment.docker.sharedVolumes": Key(
        TRUTH, True, "Whether folders are shared with the container.", skipped_in_container=_ALWAYS_SHARED
    ),
    "environment.docker.gpuSupport": Key(
        TRUTH, False, "Whether the container sees GPUs.", other_defaults=(True,), is_older=True
    ),
    "environment.docker.shmSize": Key(
        TEXT,
        "2g",
        "Size of the container's shared memory.",
        other_defaults=("1g",),
        skipped=_DOCKER_IS_OFF,
        skipped_without_container=_NO_CONTAINER,
    ),
    "environment.docker.arguments": Key(TEXTS, [], "More arguments of 'docker run'.", skipped=_DOCKER_IS_OFF),
    "environment.docker.baseImageRegistry.address": Key(TEXT, None, "Registry that has the image."),
    "environment.docker.baseImageRegistry.username": Key(TEXT, None, "User of the registry."),
    "environment.docker.baseImageRegistry.password": Key(TEXT, None, "Password for the registry; never shown."),
    "environment.docker.baseImageRegistry.registryIdentity": Key(
        MAPPING, None, "Azure identity for the registry.", skipped_in_container="the engine logs in by itself"
    ),
    "environment.docker.platform.os": Key(TEXT, "Linux", "System of the image.", skipped_in_container=_IMAGE_PLATFORM),
    "environment.docker.platform.architecture": Key(
        TEXT, "amd64", "Processor of the image.", skipped_in_container=_IMAGE_PLATFORM
    ),
    "environment.spark.repositories": Key(LIST, [], "Repositories of Spark's packages."),
    "environment.spark.packages": Key(LIST, [], "Packages of Spark: group, artifact, version."),
    "environment.spark.precachePackages": Key(
        TRUTH, True, "Whether Spark's packages are fetched beforehand.", other_defaults=(False,)
    ),
    "environment.databricks.mavenLibraries": Key(LIST, [], "Libraries of a Databricks step.", refused=_NO_DATABRICKS),
    "environment.databricks.pypiLibraries": Key(LIST, [], "Libraries of a Databricks step.", refused=_NO_DATABRICKS),
    "environment.databricks.rcranLibraries": Key(LIST, [], "Libraries of a Databricks step.", refused=_NO_DATABRICKS),
    "environment.databricks.jarLibraries": Key(LIST, [], "Libraries of a Databricks step.", refused=_NO_DATABRICKS),
    "environment.databricks.eggLibraries": Key(LIST, [], "Libraries of a Databricks step.", refused=_NO_DATABRICKS),
    "environment.databricks.cluster": Key(MAPPING, None, "Cluster of a Databricks step.", refused=_NO_DATABRICKS),
    "environment.r": Key(
        MAPPING,
        None,
        "Version and packages of R.",
        refused=Refusal("R environments are not made here", "Take it out.", concerns_environment=True),
    ),
    "environment.inferencingStackVersion": Key(
        TEXT, None, "Version of Azure's web service. Skipped here.", skipped="it is for web services"
    ),
    "environment.assetId": Key(
        TEXT, None, "Id of the environment in Azure. Skipped here.", skipped="it names an asset in Azure"
    ),
    "environment.configUri": Key(
        TEXT,
        None,
        "Address of the environment in Azure. Skipped here.",
        skipped="it is an address in Azure; what the section itself says is used",
        is_older=True,
    ),
    "history.enabled": Key(
        TRUTH, True, "Whether the run is recorded. Here it always is.", skipped="every run is recorded", is_older=True
    ),
    "history.outputCollection": Key(
        TRUTH, True, "Whether the folder outputs is kept. Here it always is.", skipped="outputs are always kept"
    ),
    "history.snapshotProject": Key(
        TRUTH, True, "Whether the source folder is kept. Here it always is.", skipped="a snapshot is always taken"
    ),
    "history.directoriesToWatch": Key(TEXTS, ["logs"], "Folders whose files are kept while the script runs."),
    "history.ambientAuthentication": Key(
        MAPPING, None, "Azure identity for the run.", refused=_NO_IDENTITY, is_older=True
    ),
    "spark.configuration": Key(
        MAPPING, {"spark.app.name": "Azure ML Experiment", "spark.yarn.maxAppAttempts": 1}, "Settings of Spark."
    ),
    "docker.useDocker": Key(TRUTH, False, "Whether the run is in a container.", refused=_NO_ENGINE),
    "docker.sharedVolumes": Key(
        TRUTH, True, "Whether folders are shared with the container.", skipped_in_container=_ALWAYS_SHARED
    ),
    "docker.arguments": Key(TEXTS, [], "More arguments of 'docker run'.", skipped=_DOCKER_IS_OFF),
    "docker.shmSize": Key(
        TEXT,
        "2g",
        "Size of the container's shared memory.",
        skipped=_DOCKER_IS_OFF,
        skipped_without_container=_NO_CONTAINER,
    ),
    "hdi.yarnDeployMode": Key(
        build_suggestion_schema("cluster", "client"), "cluster", "How Spark is started on HDInsight."
    ),
    **LAUNCH_KEYS,
    "paralleltask.maxRetriesPerWorker": Key(NUMBER, 0, "Retries of a worker of a parallel task.", skipped=_PARALLEL),
    "paralleltask.workerCountPerNode": Key(COUNT, 1, "Workers of a parallel task on each node.", skipped=_PARALLEL),
    "paralleltask.terminalExitCodes": Key(LIST, None, "Exit codes that end a parallel task.", skipped=_PARALLEL),
    "dataReferences": Key(REFERENCES, {}, "Places in datastores, as $AZUREML_DATAREFERENCE_<name>."),
    "data": Key(INPUTS, {}, "Datasets that the script reads, as DatasetConsumptionConfig:<name>."),
    "datacaches": Key(LIST, [], "Caches of datasets in Azure.", refused=_NO_DATA),
    "outputData": Key(OUTPUTS, {}, "Places that the script writes to, as DatasetOutputConfig:<name>."),
    "sourceDirectoryDataStore": Key(
        TEXT,
        None,
        "Datastore for a copy of the source folder. Skipped here.",
        skipped="a snapshot holds the source folder, of any size",
    ),
    "amlcompute.vmSize": Key(
        TEXT, None, "Machine of a cluster that is made for the run. Skipped here.", skipped=_NO_CLUSTER
    ),
    "amlcompute.vmPriority": Key(TEXT, None, "Priority of such a cluster. Skipped here.", skipped=_NO_CLUSTER),
    "amlcompute.retainCluster": Key(TRUTH, False, "Whether such a cluster is kept. Skipped here.", skipped=_NO_CLUSTER),
    "amlcompute.name": Key(TEXT, None, "Name of such a cluster. Skipped here.", skipped=_NO_CLUSTER),
    "amlcompute.clusterMaxNodeCount": Key(
        COUNT, None, "Nodes of such a cluster. Skipped here.", other_defaults=(1,), skipped=_NO_CLUSTER
    ),
    "autoClusterComputeSpecification": Key(
        MAPPING, None, "A cluster that is made for the run. Skipped here.", skipped=_NO_CLUSTER
    ),
    "kubernetescompute.instanceType": Key(
        TEXT, None, "Kind of node on Kubernetes. Skipped here.", skipped="it is for Kubernetes clusters"
    ),
    "credentialPassthrough": Key(
        TRUTH,
        False,
        "Whether the run acts as its user in Azure.",
        refused=Refusal("there is no Azure identity here", "Set it to false."),
    ),
    "applicationEndpoints": Key(
        MAPPING, {}, "Ports of the run that are published. Skipped here.", skipped="nothing is published"
    ),
    "environmentVariables": Key(
        VARIABLES, {}, "Variables of the script, over those of the environment.", field="environment_variables"
    ),
    "autoPrepareEnvironment": Key(
        TRUTH,
        True,
        "Whether a missing environment is made. Here it always is.",
        skipped="an environment that is missing is always made",
        is_older=True,
    ),
    "prepareEnvironment": Key(TRUTH, True, "The same.", other_defaults=(False,), is_older=True),
    "batchai.nodeCount": Key(COUNT, 1, "Nodes on Azure Batch AI, which is no more.", is_older=True),
    "containerInstance.region": Key(TEXT, None, "Region of a container instance.", is_older=True),
    "containerInstance.cpuCores": Key({"type": "number"}, 1, "Cores of a container instance.", is_older=True),
    "containerInstance.memoryGb": Key({"type": "number"}, 4, "Memory of a container instance.", is_older=True),
}
"""By key path, in the order in which they are written."""

SECTIONS: Mapping[str, str] = {
    "environment": "Where the script runs: its packages, its interpreter, its container.",
    "environment.python": "The interpreter and its packages.",
    "environment.docker": "The container that the run is in, if it is in one.",
    "environment.docker.baseImageRegistry": "Where the image is.",
    "environment.docker.platform": "The machine that the image is for.",
    "environment.spark": "Packages of Spark.",
    "environment.databricks": "Libraries of a Databricks step; such are not run here.",
    "history": "What is kept of a run.",
    "spark": "Settings of Spark.",
    "docker": "Whether the run is in a container, and how that is started.",
    "hdi": "HDInsight.",
    **LAUNCH_SECTIONS,
    "paralleltask": "Workers of a parallel task.",
    "amlcompute": "A cluster that Azure makes for a run.",
    "kubernetescompute": "What a run needs of Kubernetes.",
    "batchai": "Azure Batch AI.",
    "containerInstance": "Azure Container Instances.",
}
"""The sections that keys stand in, by key path: what each is for."""

EMPTY: tuple[object, ...] = (None, "", [], {})
"""Empty values, which are accepted as the default of every key."""


def is_default(key_path: str, value: object) -> bool:
    """Return whether a value is empty or is the default of its key in some version of Azure's SDK."""
    if value in EMPTY:
        return True
    if key_path == "environment.r" and _uses_installed_r(value):
        return True
    key = KEYS.get(key_path)
    return key is not None and (value == key.default or value in key.other_defaults)


def _uses_installed_r(section: object) -> bool:
    """Return whether an `environment.r` section needs only the R and the R packages that are already installed."""
    if not isinstance(section, Mapping) or section.get("userManaged") is not True:
        return False
    return all(value in EMPTY for name, value in section.items() if name != "userManaged")
