"""Tables of names in Azure's packages: aliases, re-exports, and unsupported names with advice on alternatives.

They cover SDK v1 versions 1.0.2 to 1.62. Only `_azure_lookup` reads the tables; other modules use the advice texts.
"""

AUTOML = (
    "Train in a script of your own, and submit it with ScriptRunConfig; to try several models, submit one run for each"
)
DATABASE = "Query the database in the script, and keep what comes back as files"
EVALUATE = (
    "Load and evaluate the model with mlflow.pyfunc.load_model and mlflow.evaluate, which log to the run, or compute "
    "the metrics with scikit-learn and log them with run.log"
)
EXPLAIN = "Explain with the package 'interpret' or 'shap', and keep what it writes with run.upload_folder"
INSIDE = (
    "It belongs to the inside of Azure's packages, which differs from version to version: use what azureml.core "
    "documents, or take it out"
)
LOCAL_STORE = "Attach a folder of this machine by Datastore.register_local(workspace, name, folder)"
MACHINES = (
    "Runs run on this machine: make an AmlCompute of the name that scripts use, by ComputeTarget.create(workspace, "
    "name, AmlCompute.provisioning_configuration(vm_size='…', max_nodes=1))"
)
OF_2019 = "Register a new version of the dataset, and work with pandas: to_pandas_dataframe()"
PIPELINES = "Make a Pipeline of PythonScriptSteps, and publish it by pipeline.publish(name)"
SERVING = (
    "Serve the model with a server of your own, such as FastAPI or 'mlflow models serve': Model.get_model_path and "
    "model.download find its files"
)
SAVED = "'mlrun pipeline get -i ID -p FILE' writes the YAML of a published pipeline, and 'clone' that of a run"
SIGN_IN = "Nobody has to sign in here: leave the argument out, or pass an InteractiveLoginAuthentication"
TELEMETRY = "Nothing is collected and sent here: take it out"

ALIASES = {
    "azureml._base_sdk_common.user_agent": "azureml.telemetry._user_agent",
    "azureml._common.exceptions": "azureml.exceptions",
    "azureml._restclient.constants": "azureml.core._run_status",
    "azureml._restclient.exceptions": "azureml.exceptions",
    "azureml.core.compute.adla": "azureml.core.compute._other_machines",
    "azureml.core.compute.batch": "azureml.core.compute._other_machines",
    "azureml.core.compute.databricks": "azureml.core.compute._other_machines",
    "azureml.core.compute.datafactory": "azureml.core.compute._other_machines",
    "azureml.core.compute.dsvm": "azureml.core.compute._other_machines",
    "azureml.core.compute.hdinsight": "azureml.core.compute._other_machines",
    "azureml.core.compute.kubernetescompute": "azureml.core.compute._other_machines",
    "azureml.core.compute.kusto": "azureml.core.compute._other_machines",
    "azureml.core.compute.remote": "azureml.core.compute._other_machines",
    "azureml.core.compute.synapse": "azureml.core.compute._other_machines",
    "azureml.exceptions._azureml_exception": "azureml.exceptions",
    "azureml.train.widgets": "azureml.widgets",
}
"""Azure's modules that are aliases of a module here."""

AREAS = {
    "azureml.automl": "Train in a script of your own, and submit it with ScriptRunConfig",
    "azureml.contrib": (
        "What it does is to be done by other packages; its results can be kept with run.log and run.upload_file"
    ),
    "azureml.contrib.explain": EXPLAIN,
    "azureml.contrib.interpret": EXPLAIN,
    "azureml.contrib.notebook": (
        "Let papermill run the notebook: command=['papermill', 'a.ipynb', 'outputs/a.ipynb', '-p', 'lr', '0.1'] of "
        "ScriptRunConfig, or of CommandStep in a pipeline"
    ),
    "azureml.contrib.services": (
        "A server of your own, such as FastAPI, passes the request itself: 'async def run(request: Request)' reads "
        "'await request.body()' in place of request.get_data(), and returns a Response in place of an AMLResponse"
    ),
    "azureml.core.compute.batchai": MACHINES,
    "azureml.core.image": SERVING,
    "azureml.core.profile": "Measure the model in a script, and run.log what it needs",
    "azureml.core.util": INSIDE,
    "azureml.core.webservice": SERVING,
    "azureml.data.azure_data_lake_datastore": LOCAL_STORE,
    "azureml.data.azure_my_sql_datastore": DATABASE,
    "azureml.data.azure_postgre_sql_datastore": DATABASE,
    "azureml.data.azure_sql_database_datastore": DATABASE,
    "azureml.data.context_managers": "Use as_mount or as_download of the dataset: its files are on this machine",
    "azureml.data.datacache": "Use as_mount of the dataset: its files are on this machine",
    "azureml.data.datacache_client": INSIDE,
    "azureml.data.datacache_consumption_config": "Use as_mount of the dataset: its files are on this machine",
    "azureml.data.datacache_singularity_settings": "Use as_mount of the dataset: its files are on this machine",
    "azureml.data.dataset_action_run": OF_2019,
    "azureml.data.dataset_definition": OF_2019,
    "azureml.data.dataset_profile": OF_2019,
    "azureml.data.dataset_profile_run": OF_2019,
    "azureml.data.dataset_profile_run_config": OF_2019,
    "azureml.data.dataset_snapshot": OF_2019,
    "azureml.data.datastore_client": INSIDE,
    "azureml.data.dbfs_datastore": LOCAL_STORE,
    "azureml.data.hdfs_datastore": LOCAL_STORE,
    "azureml.data.sql_data_reference": DATABASE,
    "azureml.datadrift": "Compare the data in a script, and run.log what it finds",
    "azureml.dataprep": "Read the files with pandas, or with Dataset.Tabular.from_delimited_files",
    "azureml.evaluate": EVALUATE,
    "azureml.explain": EXPLAIN,
    "azureml.history": INSIDE,
    "azureml.interpret": EXPLAIN,
    "azureml.metrics": EVALUATE,
    "azureml.mlflow": INSIDE,
    "azureml.mlflow.deploy": SERVING,
    "azureml.monitoring": "Write it with the logging of the server that serves the model",
    "azureml.opendatasets": (
        "Download the files once, and use Dataset.File.from_files or Dataset.Tabular.from_delimited_files on them"
    ),
    "azureml.pipeline": PIPELINES,
    "azureml.responsibleai": EXPLAIN,
    "azureml.telemetry": TELEMETRY,
    "azureml.tensorboard": INSIDE,
    "azureml.train.automl": AUTOML,
    "azureml.train.hyperdrive.error_definition": INSIDE,
    "azureml.train.hyperdrive.error_strings": INSIDE,
    "azureml.train.restclients": INSIDE,
    "azureml.widgets.parallel_run_step_details": PIPELINES,
}
"""Advice for an unsupported module, its contents and its submodules, unless a submodule has its own entry.

Submodules that exist as files, and the names that they define, are supported.
"""

_DESIGNER = (
    "the Designer of Azure ML",
    "Read and write the tables with pandas: the folders of its ports hold Parquet files",
)
_WORKBENCH = "the Azure ML Workbench of 2017", SERVING
ABSENT = {
    "azureml.acft": ("SDK v2", "Train with the library that it wraps, such as transformers"),
    "azureml.api": _WORKBENCH,
    "azureml.datacollector": _WORKBENCH,
    "azureml.designer": _DESIGNER,
    "azureml.studio": _DESIGNER,
}
"""What other modules belong to, and advice; importing them is an ImportError, which scripts catch."""

SHARED = {
    "azureml._client.missing": "ErrorResponseException",
    "azureml.core._run_status": "POST_PROCESSING_STATES RUNNING_STATES RunStatus",
    "azureml.core.authentication": (
        "ArmTokenAuthentication AzureMlTokenAuthentication InteractiveLoginAuthentication "
        "ServicePrincipalAuthentication"
    ),
    "azureml.core.compute.adla": "AdlaCompute",
    "azureml.core.compute.aks": "AksCompute",
    "azureml.core.compute.amlcompute": "AmlCompute",
    "azureml.core.compute.batch": "BatchCompute",
    "azureml.core.compute.compute": (
        "ComputeTarget ComputeTargetAttachConfiguration ComputeTargetProvisioningConfiguration "
        "ComputeTargetUpdateConfiguration"
    ),
    "azureml.core.compute.computeinstance": "ComputeInstance",
    "azureml.core.compute.databricks": "DatabricksCompute",
    "azureml.core.compute.datafactory": "DataFactoryCompute",
    "azureml.core.compute.dsvm": "DsvmCompute",
    "azureml.core.compute.hdinsight": "HDInsightCompute",
    "azureml.core.compute.kubernetescompute": "KubernetesCompute",
    "azureml.core.compute.kusto": "KustoCompute",
    "azureml.core.compute.remote": "RemoteCompute",
    "azureml.core.compute.synapse": "SynapseCompute",
    "azureml.core.compute_target": (
        "AbstractComputeTarget attach_legacy_compute_target is_compute_target_prepared prepare_compute_target "
        "remove_legacy_compute_target"
    ),
    "azureml.core.conda_dependencies": (
        "CPU CondaDependencies GPU HOROVOD_DEFAULT_VERSION PYTHON_DEFAULT_VERSION PYTORCH_DEFAULT_VERSION "
        "PYTORCH_PACKAGE_PREFIX TORCHVISION_DEFAULT_VERSION TORCHVISION_PACKAGE_PREFIX"
    ),
    "azureml.core.container_registry": "ContainerRegistry",
    "azureml.core.databricks": (
        "DatabricksCluster DatabricksEnvironment DatabricksSection EggLibrary JarLibrary MavenLibrary PyPiLibrary "
        "RCranLibrary"
    ),
    "azureml.core.dataset": "Dataset",
    "azureml.core.datastore": "Datastore",
    "azureml.core.environment": (
        "DEFAULT_CPU_IMAGE DEFAULT_GPU_IMAGE DockerEnvironment DockerSection Environment PythonEnvironment "
        "PythonSection SparkEnvironment SparkSection"
    ),
    "azureml.core.experiment": "Experiment",
    "azureml.core.image.container": "ContainerImage ContainerImageConfig",
    "azureml.core.image.image": "Asset Image ImageConfig TargetRuntime",
    "azureml.core.image.unknown_image": "UnknownImage",
    "azureml.core.keyvault": "KeyVaultContentType Keyvault",
    "azureml.core.linked_service": "LinkedService SynapseWorkspaceLinkedServiceConfiguration",
    "azureml.core.model": "InferenceConfig Model",
    "azureml.core.private_endpoint": "PrivateEndPoint PrivateEndPointConfig",
    "azureml.core.profile": "MAX_PROFILE_CPU MAX_PROFILE_MEMORY MIN_PROFILE_CPU MIN_PROFILE_MEMORY ModelProfile",
    "azureml.core.resource_configuration": "ResourceConfiguration",
    "azureml.core.run": "Run get_run",
    "azureml.core.runconfig": (
        "Data DataLocation DataReferenceConfiguration DatacacheConfiguration DockerConfiguration EnvironmentDefinition "
        "MPI_CPU_IMAGE MPI_GPU_IMAGE MpiConfiguration PyTorchConfiguration RUNCONFIGURATION_EXTENSION RunConfiguration "
        "TensorflowConfiguration"
    ),
    "azureml.core.script_run": "ScriptRun",
    "azureml.core.script_run_config": "ScriptRunConfig get_run_config_from_script_run",
    "azureml.core.util": "NewLoggingLevel",
    "azureml.core.webservice.aci": "AciWebservice",
    "azureml.core.webservice.aks": "AksEndpoint AksWebservice",
    "azureml.core.webservice.local": "LocalWebservice",
    "azureml.core.webservice.unknown_webservice": "UnknownWebservice",
    "azureml.core.webservice.webservice": "WebServiceAccessToken Webservice WebserviceDeploymentConfiguration",
    "azureml.core.workspace": "Workspace",
    "azureml.data.abstract_dataset": "AbstractDataset",
    "azureml.data.abstract_datastore": "AbstractDatastore",
    "azureml.data.azure_data_lake_datastore": "AzureDataLakeDatastore AzureDataLakeGen2Datastore",
    "azureml.data.azure_my_sql_datastore": "AzureMySqlDatastore",
    "azureml.data.azure_postgre_sql_datastore": "AzurePostgreSqlDatastore",
    "azureml.data.azure_sql_database_datastore": "AzureSqlDatabaseDatastore",
    "azureml.data.azure_storage_datastore": "AbstractAzureStorageDatastore AzureBlobDatastore AzureFileDatastore",
    "azureml.data.constants": (
        "CONFLICT_MESSAGE DIRECT_MODE DOWNLOAD_MODE HDFS_MODE LINK_MODE MOUNT_MODE ROLE_ID_OF_READER "
        "ROLE_ID_OF_STORAGE_BLOB_DATA_READER UPLOAD_MODE"
    ),
    "azureml.data.data_reference": "DataReference",
    "azureml.data.datacache": "DatacacheStore",
    "azureml.data.datacache_consumption_config": "DatacacheConsumptionConfig",
    "azureml.data.datapath": "DataPath DataPathComputeBinding",
    "azureml.data.dataset_consumption_config": "DatasetConsumptionConfig",
    "azureml.data.dataset_definition": "DatasetDefinition",
    "azureml.data.dataset_factory": "DataType FileDatasetFactory TabularDatasetFactory",
    "azureml.data.dataset_profile_run": "DatasetProfileRun",
    "azureml.data.dataset_snapshot": "DatasetSnapshot",
    "azureml.data.dataset_type_definitions": (
        "FileEncoding HistogramCompareMethod PromoteHeadersBehavior SkipLinesBehavior"
    ),
    "azureml.data.dbfs_datastore": "DBFSDatastore",
    "azureml.data.file_dataset": "FileDataset",
    "azureml.data.hdfs_datastore": "HDFSDatastore",
    "azureml.data.output_dataset_config": (
        "HDFSOutputDatasetConfig LinkFileOutputDatasetConfig LinkTabularOutputDatasetConfig OutputDatasetConfig "
        "OutputFileDatasetConfig OutputTabularDatasetConfig"
    ),
    "azureml.data.sql_data_reference": "SqlDataReference",
    "azureml.data.tabular_dataset": "TabularDataset",
    "azureml.dataprep": "Dataflow",
    "azureml.exceptions": (
        "ActivityFailedException AuthenticationException AzureMLAggregatedException AzureMLException "
        "ComputeTargetException DatasetTimestampMissingError DiscoveryUrlNotFoundException "
        "ExperimentExecutionException ModelNotFoundException ModelPathNotFoundException ParallelRunException "
        "ProjectSystemException RunConfigurationException RunEnvironmentException ServiceException SnapshotException "
        "TrainingException UserErrorException WebserviceException WorkspaceException WorkspacePrivateEndpointException"
    ),
    "azureml.pipeline.core._graph_view": "Edge Graph Node",
    "azureml.pipeline.core._port_data": "PortDataReference",
    "azureml.pipeline.core._published": "PublishedPipeline",
    "azureml.pipeline.core._time_zones": "TimeZone",
    "azureml.pipeline.core.builder": "PipelineStep StepSequence",
    "azureml.pipeline.core.graph": (
        "DataSource DataSourceDef InputPortBinding InputPortDef ModuleDef OutputPortBinding OutputPortDef ParamDef "
        "PipelineData PipelineDataset PipelineParameter TrainingOutput"
    ),
    "azureml.pipeline.core.module": "ModuleVersion ModuleVersionDescriptor",
    "azureml.pipeline.core.module_step_base": "ModuleStepBase",
    "azureml.pipeline.core.pipeline": "Pipeline",
    "azureml.pipeline.core.pipeline_draft": "PipelineDraft",
    "azureml.pipeline.core.pipeline_endpoint": "PipelineEndpoint",
    "azureml.pipeline.core.pipeline_output_dataset": (
        "DatasetRegistration PipelineOutputAbstractDataset PipelineOutputFileDataset PipelineOutputTabularDataset"
    ),
    "azureml.pipeline.core.run": "PipelineRun StepRun StepRunOutput",
    "azureml.pipeline.core.schedule": "Schedule ScheduleRecurrence",
    "azureml.pipeline.databricks": "AutoScale",
    "azureml.pipeline.steps": (
        "AdlaStep AutoMLStep AzureBatchStep CommandStep DataTransferStep DatabricksStep EstimatorStep HyperDriveStep "
        "KustoStep ModuleStep MpiStep ParallelRunConfig ParallelRunStep PythonScriptStep RScriptStep SynapseSparkStep"
    ),
    "azureml.pipeline.steps.automl_step": "AutoMLStepRun",
    "azureml.pipeline.steps.hyper_drive_step": "HyperDriveStepRun",
    "azureml.train.automl.automlconfig": "AutoMLConfig",
    "azureml.train.automl.exceptions": "ConfigException",
    "azureml.train.automl.run": "AutoMLRun",
    "azureml.train.dnn": "Chainer Gloo Mpi Nccl ParameterServer PyTorch TensorFlow",
    "azureml.train.estimator": "Estimator MMLBaseEstimator MMLBaseEstimatorRunConfig",
    "azureml.train.hyperdrive.error_definition": (
        "DictValidationInvalidArgument DistributionValidationFailure HyperDriveNotImplemented "
        "HyperDriveRunCancellationError InvalidConfigSetting InvalidKeyInDict InvalidType MissingChoiceValues "
        "RehydratePolicyNotFound RehydrateUnknownSampling ResumeChildRunsContainsDuplicate "
        "ResumeChildRunsFromTooManyParentRuns ResumeChildRunsNotInTerminalState ResumeChildRunsWithoutParentRun "
        "WarmStartRunsDontMatch"
    ),
    "azureml.train.hyperdrive.error_strings": "HyperDriveErrorStrings",
    "azureml.train.hyperdrive.exceptions": (
        "HyperDriveConfigException HyperDriveNotImplementedException HyperDriveRehydrateException "
        "HyperDriveScenarioNotSupportedException"
    ),
    "azureml.train.hyperdrive.parameter_expressions": (
        "choice lognormal loguniform normal qlognormal qloguniform qnormal quniform randint uniform"
    ),
    "azureml.train.hyperdrive.policy": (
        "BanditPolicy EarlyTerminationPolicy MedianStoppingPolicy NoTerminationPolicy TruncationSelectionPolicy"
    ),
    "azureml.train.hyperdrive.run": "HyperDriveRun",
    "azureml.train.hyperdrive.runconfig": "HyperDriveConfig HyperDriveRunConfig PrimaryMetricGoal",
    "azureml.train.hyperdrive.sampling": (
        "BayesianParameterSampling GridParameterSampling HyperParameterSampling RandomParameterSampling"
    ),
    "azureml.train.restclients.hyperdrive.rest": "ApiException",
    "azureml.train.restclients.hyperdrive.rest_client": "RestClient",
    "azureml.widgets.parallel_run_step_details": "ParallelRunStepDetails",
    "azureml.widgets.run_details": "RunDetails",
}
"""Names that Azure's modules re-export from each other, keyed by the module that defines them here."""

KNOWN = {
    INSIDE: (
        "ABC ACQUIRE_DURATION_THRESHOLD ADLS_RESOURCE_URI AKS_ENDPOINT_TYPE AML_CONFIG_DIR ARCHITECTURE_AMD64 "
        "ASSET_ARTIFACTS_UPLOAD_TIMEOUT_SECONDS_PER_BYTE AZUREML_ARTIFACTS_MIN_TIMEOUT "
        "AZUREML_ARTIFACTS_TIMEOUT_ENV_VAR AZUREML_DIR AbstractRunConfigElement ActionRequestDto ArtifactsClient "
        "AssetsClient AsyncTask AzureMLError AzureMachineLearningWorkspaces BASE_PROJECT_FILE_RELATIVE_PATH "
        "BASE_PROJECT_MODULE BASE_RUN_SOURCE BlobServiceClient BlockBlobService CHAINER_PACKAGE_PREFIX "
        "CNTK_PACKAGE_PREFIX COMPUTECONTEXT_EXTENSION CONFIG_FILE_NAME CONFLICT_MESSAGE CPU CUPY_DEFAULT_VERSION "
        "CUSTOM_BASE_IMAGE_SUPPORTED_RUNTIMES ChainedIdentity ClientBase DATASET_SNAPSHOT_ID_FORMAT "
        "DEFAULT_CHAINER_VERSION DEFAULT_MMLSPARK_CPU_IMAGE DEFAULT_MMLSPARK_GPU_IMAGE DEFAULT_PAGE_SIZE "
        "DEFAULT_SDK_ORIGIN DISCOVERY_END_POINT Daemon EMPTY_FILE EnvironmentClient ExperimentSubmitRegistrar FILE "
        "FILENAME_LENGTH_ERROR_MESSAGE FOLDER FileProperties FileService GPU GRAPH_API_VERSION HOROVOD_DEFAULT_VERSION "
        "HOW_TO_USE_ENVIRONMENTS_DOC_URL HYPERDRIVE_URL_SUFFIX HasExperimentPortal HasWorkspacePortal "
        "INVALID_PATHON_MESSAGE Identity InputDatasets InvalidStatus InvalidUri LINUX_PLATFORM LinkOutput "
        "LinkedServiceProps LinkedServiceRequest LinkedServicesOperations LoggedLock MANAGED_DATASET "
        "MAX_DURATION_MINUTES MAX_PARENT_RUNS MIR_SINGLE_MODEL_WEBSERVICE_TYPE MIR_WEBSERVICE_TYPE "
        "MLC_COMPUTE_RESOURCE_ID_FMT MLC_ENDPOINT_FMT MLC_LIST_COMPUTES_FMT MLC_WORKSPACE_API_VERSION "
        "MMLBaseEstimatorRunConfig MMS_SYNC_TIMEOUT_SECONDS MMS_WORKSPACE_API_VERSION ModelsClient ONE_LAKE "
        "OUTPUTS_DIR OutputDatasets PLATFORM PYTORCH_DEFAULT_VERSION PYTORCH_PACKAGE_PREFIX "
        "RECOMMENDED_MAX_CONCURRENT_RUNS_BAYESIAN RECOMMENDED_MIN_RUNS_PER_PARAMETER_BAYESIAN RESUME_FROM_TOTAL_RUNS "
        "ROLE_ID_OF_READER ROLE_ID_OF_STORAGE_BLOB_DATA_READER RP_COMPUTE_RESOURCE_ID_FMT RP_LIST_COMPUTES_FMT "
        "RUN_CANCELREQUESTED RUN_FINALIZING RUN_ORIGIN RUN_PREPARING RUN_PROVISIONING RUN_QUEUED RUN_RUNNING "
        "RUN_STARTING RUN_TYPE_PROVIDERS_ENTRYPOINT_KEY RequestHeaders ResourceIdentityType RestoreSnapshot "
        "RunHistoryClient RunTypeV2 "
        "SDKVERSION SDK_TARGET STORAGE_RESOURCE_URI SUPPORTED_CUDA_VERSIONS SUPPORTED_DELIVERY_MECHANISM "
        "SUPPORTED_PYTORCH_BACKENDS SUPPORTED_RUNTIMES SecretsClient ServiceContext ShareClient ShareDirectoryClient "
        "ShareFileClient SparkPackage TENSORFLOW_PACKAGE_PREFIX TERMINAL_STATES TORCHVISION_DEFAULT_VERSION "
        "TORCHVISION_PACKAGE_PREFIX TaskQueue UNDOCUMENTED_RUNTIMES VERSION_REGEX WEBAPI_IMAGE_FLAVOR WINDOWS_PLATFORM "
        "WORKSPACE_API_VERSION WORKSPACE_DEFAULT_BLOB_STORE_NAME WorkspaceClient accumulate add_sdk_to_requirements "
        "adla_payload_template aks_payload_template amlcompute_payload_template az_device_login batch_compute_template "
        "build_and_validate_no_code_environment_image_request camel_case_transformer check_and_create_dir "
        "check_duplicate_properties check_for_lock_file check_valid_resource_name collect_datasets_usage common_path "
        "computeinstance_payload_template convert_dict_keys_to_camel_case convert_dict_to_list "
        "convert_duration_to_seconds convert_list_to_dict convert_parts_to_environment convert_seconds_to_duration "
        "create_project_context create_retry create_session_with_retry create_snapshot current_package "
        "databricks_compute_template datafactory_payload_template dataprep dataprep_fuse dataprep_stub "
        "dataset_to_dataset_reference deprecated diagnostic_log download_docker_build_context download_file "
        "download_file_stream dsvm_payload_template ensure_dataflow execute_func experiment_method experimental "
        "fetch_tenantid_from_aad_token get_config_file_name get_dataflow_for_execution get_dataflow_with_meta_flags "
        "get_dataprep_missing_message get_docker_client get_docs_url get_experiment_submit get_mms_operation "
        "get_paginated_compute_nodes get_paginated_compute_results get_paginated_compute_supported_vms "
        "get_paginated_results get_progress_logger get_project_files get_requests_session get_run_config_dir_name "
        "get_run_config_dir_path get_service_url get_token_for_adal_auth get_tracer get_user_agent "
        "get_workspace_registry_credentials give_warning global_tracking_info_registry hdinsight_payload_template "
        "is_dataprep_installed joinPath kubernetes_compute_template kusto_compute_template list_remove_empty_items "
        "logger login_to_docker_registry make_http_request make_link merge_dict merge_list model_name_validation "
        "model_payload_template models module_logger normalize_file_ext normalize_path normalize_path_and_join "
        "normalize_windows_paths parse_target perform_interactive_login populate_model_not_found_details "
        "pull_docker_image remote_payload_template resource_to_scopes scrubbed_data search "
        "serialize_object_without_none_values submit submit_mms_operation synapse_compute_template to_camel_case "
        "to_formatted_html_table to_html to_json_dict to_snake_case to_unix_path trace trace_error trace_warn track "
        "traverse_up_path_and_find_file upload_dependency upload_dir upload_files validate_entry_script_name "
        "validate_path_exists_or_throw warn_deprecated_blocks webservice_name_validation "
        "wrap_execution_script_with_source_directory write_spark_dataframe"
    ),
    MACHINES: ("KubernetesComputeStatus SystemService"),
    SERVING: ("ModelPackage"),
    SIGN_IN: ("AccessToken AzureMlTokenAuthentication AzureNotebooksAuthentication"),
}
"""Unsupported names in supported modules, keyed by the advice."""
