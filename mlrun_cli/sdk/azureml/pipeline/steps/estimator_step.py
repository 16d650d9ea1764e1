"""Steps that run the script of an estimator."""

from typing import TYPE_CHECKING, Any, Dict, List

from azureml.pipeline.core.builder import PipelineStep, to_list
from azureml.pipeline.steps._script_fields import build_script_fields

if TYPE_CHECKING:
    from azureml.pipeline.core._graph_builder import StepDocuments

__all__ = ["EstimatorStep"]


class EstimatorStep(
    PipelineStep,
    takes="name=None, estimator=None, estimator_entry_script_arguments=None, "
    "runconfig_pipeline_params=None, inputs=None, outputs=None, compute_target=None, "
    "allow_reuse=True, version=None",
):
    """A step that runs the script of an estimator, with the step's arguments or else the estimator's."""

    estimator: Any

    def _check_arguments(self) -> None:
        if not hasattr(self.estimator, "_to_script_run_config"):
            raise ValueError(f"EstimatorStep: estimator is an Estimator, not {self.estimator!r}.")

    def _list_arguments(self) -> List[Any]:
        own = vars(self)["estimator_entry_script_arguments"]
        return list(self.estimator.run_config.arguments) if own is None else to_list(own, "arguments")

    def _get_default_name(self) -> str:
        return str(self.estimator.run_config.script)

    def _build_document(self, documents: "StepDocuments") -> Dict[str, Any]:
        submission = self.estimator._to_script_run_config()
        return {
            **build_script_fields(
                documents,
                "EstimatorStep",
                script=submission.script,
                source_directory=submission.source_directory,
                runconfig=submission.run_config,
                compute_target=vars(self)["compute_target"],
            ),
            "arguments": documents.build_arguments(self._list_arguments()),
        }
