"""Steps that run a script in parallel on small batches of their input."""

from typing import TYPE_CHECKING, Any, Dict, List

from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.data.file_dataset import FileDataset
from azureml.data.output_dataset_config import OutputDatasetConfig
from azureml.exceptions import UserErrorException
from azureml.pipeline.core._ports import find_dataset, find_table_options
from azureml.pipeline.core.builder import PipelineStep, to_list
from azureml.pipeline.core.graph import PipelineData, PipelineDataset
from azureml.pipeline.core.pipeline_output_dataset import PipelineOutputAbstractDataset
from azureml.pipeline.steps._script_fields import build_script_fields
from azureml.pipeline.steps.parallel_run_config import ParallelRunConfig

if TYPE_CHECKING:
    from azureml.pipeline.core._graph_builder import StepDocuments
    from azureml.pipeline.core._ports import Port

__all__ = ["ParallelRunStep"]

_SETTINGS = [
    "mini_batch_size",
    "error_threshold",
    "allowed_failed_count",
    "allowed_failed_percent",
    "output_action",
    "append_row_file_name",
    "partition_keys",
    "process_count_per_node",
    "node_count",
    "run_invocation_timeout",
    "run_max_try",
    "logging_level",
]
_DATASETS = (DatasetConsumptionConfig, PipelineDataset, PipelineOutputAbstractDataset, AbstractDataset)


class ParallelRunStep(
    PipelineStep,
    takes="name, parallel_run_config, inputs, output=None, side_inputs=None, arguments=None, allow_reuse=True, "
    "*, models=None, tags=None, properties=None",
):
    """A step that runs a script in parallel on small batches of its inputs, which are datasets.

    `models`, `tags` and `properties` are of `azureml.contrib.pipeline.steps`, where they only described the step.
    """

    parallel_run_config: Any
    output: Any

    def _check_arguments(self) -> None:
        if not isinstance(self.parallel_run_config, ParallelRunConfig):
            raise ValueError(  # noqa: TRY004 - as in Azure
                f"ParallelRunStep: parallel_run_config is a ParallelRunConfig, not {self.parallel_run_config!r}."
            )
        inputs = to_list(vars(self)["inputs"], "inputs")
        if not inputs or not all(isinstance(one, _DATASETS) for one in inputs):
            raise ValueError(
                "ParallelRunStep: the inputs are datasets, such as dataset.as_named_input(name), or outputs of other "
                f"steps as datasets, not {inputs!r}."
            )
        action = vars(self.parallel_run_config)["output_action"]
        if not isinstance(self.output, (PipelineData, OutputDatasetConfig)) and (
            self.output or action != "summary_only"
        ):
            raise ValueError(
                f"ParallelRunStep: output is PipelineData or an OutputFileDatasetConfig, not {self.output!r}."
            )

    def _list_inputs(self) -> List[Any]:
        return [*super()._list_inputs(), *to_list(vars(self)["side_inputs"], "side_inputs")]

    def _list_outputs(self) -> List[Any]:
        return [*([] if self.output is None else [self.output]), *super()._list_outputs()]

    def _build_document(self, documents: "StepDocuments") -> Dict[str, Any]:
        from azureml.core.runconfig import RunConfiguration

        config = vars(self.parallel_run_config)
        runconfig = RunConfiguration()
        runconfig.environment = config["environment"]
        runconfig.environment_variables = dict(config["environment_variables"] or {})
        count = len(super()._list_inputs())
        keys = [port.key for port in documents.inputs]
        tables = [(port.key, find_table_options(port.data)) for port in documents.inputs[:count]]
        if config["partition_keys"]:
            for port in documents.inputs[:count]:
                self._check_partition_keys(port, config["partition_keys"])
        return {
            **build_script_fields(
                documents,
                "ParallelRunStep",
                script=config["entry_script"],
                source_directory=config["source_directory"],
                runconfig=runconfig,
                compute_target=config["compute_target"],
            ),
            "arguments": documents.build_arguments(self._list_arguments()),
            "parallel_run": {
                **{name: documents.build_setting(config[name]) for name in _SETTINGS},
                "entry_script": config["entry_script"],
                "inputs": keys[:count],
                "tables": {key: table for key, table in tables if table is not None},
                "side_inputs": keys[count:],
                "output": documents.outputs[0].key if self.output is not None else None,
            },
        }

    def _check_partition_keys(self, port: "Port", partition_keys: List[str]) -> None:
        """Raise UserErrorException if it is certain that an input's file paths lack values for the partition keys."""
        dataset = find_dataset(port.data)
        if find_table_options(port.data) is not None or not (dataset is None or isinstance(dataset, FileDataset)):
            return
        known = [] if dataset is None else dataset.partition_keys
        missing = [key for key in partition_keys if key not in known]
        if missing:
            raise UserErrorException(
                f"ParallelRunStep '{self.name}': the files of the input '{port.key}' have no partition key "
                f"{', '.join(missing)}. Make the dataset by Dataset.File.from_files(…, "
                f"partition_format='/{{{missing[0]}}}/*'), read the files as a table, or give mini_batch_size instead "
                "of partition_keys."
            )
        if port.document["mode"] != "direct":
            raise UserErrorException(
                f"ParallelRunStep '{self.name}': with partition_keys the input '{port.key}' cannot be given by "
                "as_mount() or as_download(), which leave the partition format behind: dataset.as_named_input(name) "
                "keeps it."
            )
