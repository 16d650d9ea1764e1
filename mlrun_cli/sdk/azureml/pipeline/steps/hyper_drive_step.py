"""Steps that run a sweep."""

from typing import TYPE_CHECKING, Any, Dict, List

from azureml.exceptions import UserErrorException
from azureml.pipeline.core._ports import find_producer_record
from azureml.pipeline.core.builder import PipelineStep, to_list
from azureml.pipeline.steps._script_fields import build_script_fields
from azureml.train.hyperdrive.run import HyperDriveRun

if TYPE_CHECKING:
    from azureml.pipeline.core._graph_builder import StepDocuments

__all__ = ["HyperDriveStep", "HyperDriveStepRun"]


class HyperDriveStep(
    PipelineStep,
    takes="name, hyperdrive_config, estimator_entry_script_arguments=None, inputs=None, outputs=None, "
    "metrics_output=None, allow_reuse=True, version=None",
):
    """A step that runs a sweep; `metrics_output` gets a JSON file of the metrics of all its runs.

    An output with a `TrainingOutput` gets such a file, or a model file of the best run.
    """

    hyperdrive_config: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "hyperdrive_run_config" in kwargs:  # its name in the first versions of Azure's SDK
            kwargs["hyperdrive_config"] = kwargs.pop("hyperdrive_run_config")
        super().__init__(*args, **kwargs)

    def _check_arguments(self) -> None:
        from azureml.train.hyperdrive import HyperDriveConfig

        if not isinstance(self.hyperdrive_config, HyperDriveConfig):
            raise ValueError(  # noqa: TRY004 - as in Azure
                f"HyperDriveStep: hyperdrive_config is a HyperDriveConfig, not {self.hyperdrive_config!r}."
            )
        if self.hyperdrive_config.pipeline is not None:
            raise UserErrorException(f"Step {self.name!r}: a sweep over a pipeline is not run here.")

    def _get_script_run_config(self) -> Any:
        """Return the ScriptRunConfig of the sweep's runs."""
        configuration = self.hyperdrive_config
        return configuration.run_config or configuration.estimator._to_script_run_config()

    def _list_arguments(self) -> List[Any]:
        own = vars(self)["estimator_entry_script_arguments"]
        return list(self._get_script_run_config().arguments or []) if own is None else to_list(own, "arguments")

    def _list_outputs(self) -> List[Any]:
        metrics = vars(self)["metrics_output"]
        return [*super()._list_outputs(), *([] if metrics is None else [metrics])]

    def _build_document(self, documents: "StepDocuments") -> Dict[str, Any]:
        submission = self._get_script_run_config()
        if submission.command:
            raise UserErrorException(
                f"Step {self.name!r}: the runs of a sweep in a pipeline have a script, no command."
            )
        return {
            **build_script_fields(
                documents,
                "HyperDriveStep",
                script=submission.script,
                source_directory=submission.source_directory,
                runconfig=submission.run_config,
            ),
            "arguments": documents.build_arguments(self._list_arguments()),
            "sweep": self.hyperdrive_config._to_definition(),
            "metrics_output": self._find_metrics_output_key(documents),
            "model_outputs": self._list_model_files(documents),
        }

    def _find_metrics_output_key(self, documents: "StepDocuments") -> "str | None":
        """Return the key of the output for the sweep's metrics, or None if there is none."""
        metrics = vars(self)["metrics_output"]
        for port in documents.outputs:
            is_own = metrics is not None and find_producer_record(metrics) is find_producer_record(port.data)
            if is_own or _get_training_output_type(port.data) == "Metrics":
                return port.key
        return None

    def _list_model_files(self, documents: "StepDocuments") -> Dict[str, str]:
        """Return the paths of the best run's files to copy to outputs, keyed by output key."""
        found = {}
        for port in documents.outputs:
            if _get_training_output_type(port.data) == "Model":
                found[port.key] = vars(port.data.training_output)["model_file"]
                if not found[port.key]:
                    raise UserErrorException(
                        f"Step {self.name!r}: the output {port.key!r} does not say which file of the best run it gets: "
                        "TrainingOutput('Model', model_file='outputs/model.pkl')."
                    )
        return found


def _get_training_output_type(data: Any) -> Any:
    """Return the type of a training output, `Metrics` or `Model`, or None for other outputs."""
    return getattr(getattr(data, "training_output", None), "type", None)


class HyperDriveStepRun(HyperDriveRun):
    """A handle of the sweep of a HyperDriveStep."""

    def __init__(self, step_run: Any) -> None:
        """Initialize the handle of the sweep that the run of a step has started.

        Raises:
            HyperDriveRehydrateException: The run is not that of a HyperDriveStep, or its sweep has not started.
        """
        sweep = next(step_run.get_children(type=HyperDriveRun.RUN_TYPE), step_run)
        super().__init__(step_run.experiment, sweep.id)
