"""Pipeline steps; steps that need Azure's services can be created, but a pipeline refuses them."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.pipeline.core.builder import PipelineStep
from azureml.pipeline.steps.command_step import CommandStep
from azureml.pipeline.steps.estimator_step import EstimatorStep
from azureml.pipeline.steps.hyper_drive_step import HyperDriveStep, HyperDriveStepRun
from azureml.pipeline.steps.mpi_step import MpiStep
from azureml.pipeline.steps.parallel_run_config import ParallelRunConfig
from azureml.pipeline.steps.parallel_run_step import ParallelRunStep
from azureml.pipeline.steps.python_script_step import PythonScriptStep
from azureml.pipeline.steps.r_script_step import RScriptStep

__all__ = [
    "AdlaStep",
    "AutoMLStep",
    "AzureBatchStep",
    "CommandStep",
    "DataTransferStep",
    "DatabricksStep",
    "EstimatorStep",
    "HyperDriveStep",
    "HyperDriveStepRun",
    "KustoStep",
    "ModuleStep",
    "MpiStep",
    "ParallelRunConfig",
    "ParallelRunStep",
    "PythonScriptStep",
    "RScriptStep",
    "SynapseSparkStep",
]


class AdlaStep(
    PipelineStep,
    takes="script_name, name=None, inputs=None, outputs=None, params=None, degree_of_parallelism=None, "
    "priority=None, runtime_version=None, compute_target=None, source_directory=None, "
    "allow_reuse=True, version=None, hash_paths=None",
):
    """A step that executes a U-SQL script in Data Lake Analytics."""


class AutoMLStep(
    PipelineStep,
    takes="name, automl_config, inputs=None, outputs=None, script_repl_params=None, allow_reuse=True, "
    "version=None, hash_paths=None, enable_default_model_output=True, "
    "enable_default_metrics_output=True, **kwargs",
):
    """A step that executes automated machine learning."""


class DatabricksStep(
    PipelineStep,
    takes="name, inputs=None, outputs=None, existing_cluster_id=None, spark_version=None, node_type=None, "
    "instance_pool_id=None, num_workers=None, min_workers=None, max_workers=None, "
    "spark_env_variables=None, spark_conf=None, init_scripts=None, cluster_log_dbfs_path=None, "
    "notebook_path=None, notebook_params=None, python_script_path=None, python_script_params=None, "
    "main_class_name=None, jar_params=None, python_script_name=None, source_directory=None, "
    "hash_paths=None, run_name=None, timeout_seconds=None, runconfig=None, maven_libraries=None, "
    "pypi_libraries=None, egg_libraries=None, jar_libraries=None, rcran_libraries=None, "
    "compute_target=None, allow_reuse=True, version=None, permit_cluster_restart=None",
):
    """A step that executes a notebook or script in Databricks."""


class DataTransferStep(
    PipelineStep,
    takes="name, source_data_reference=None, destination_data_reference=None, compute_target=None, "
    "source_reference_type=None, destination_reference_type=None, allow_reuse=True",
):
    """A step that copies data between storage locations."""


class AzureBatchStep(
    PipelineStep,
    takes="name, create_pool=False, pool_id=None, delete_batch_job_after_finish=True, "
    "delete_batch_pool_after_finish=False, is_positive_exit_code_failure=True, "
    "vm_image_urn='urn:MicrosoftWindowsServer:WindowsServer:2012-R2-Datacenter', "
    "run_task_as_admin=False, target_compute_nodes=1, vm_size='standard_d1_v2', "
    "source_directory=None, executable=None, arguments=None, inputs=None, outputs=None, "
    "allow_reuse=True, compute_target=None, version=None",
):
    """A step that executes a program in Azure Batch."""


class ModuleStep(
    PipelineStep,
    takes="module=None, version=None, module_version=None, inputs_map=None, outputs_map=None, "
    "compute_target=None, runconfig=None, runconfig_pipeline_params=None, arguments=None, "
    "params=None, name=None, _workflow_provider=None",
):
    """A step that executes a registered module."""


class KustoStep(
    PipelineStep,
    takes="name, compute_target, database_name, query_directory, output, parameter_dict=None, allow_reuse=False",
):
    """A step that executes queries in Azure Data Explorer."""


class SynapseSparkStep(
    PipelineStep,
    takes="file, source_directory, compute_target, driver_memory, driver_cores, executor_memory, "
    "executor_cores, num_executors, name=None, app_name=None, environment=None, arguments=None, "
    "inputs=None, outputs=None, conf=None, py_files=None, jars=None, files=None, allow_reuse=True, "
    "version=None",
):
    """A step that executes a Spark script in Synapse."""
