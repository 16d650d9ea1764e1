"""Steps that run a Python script."""

import os
from typing import TYPE_CHECKING, Any, Dict

from azureml.pipeline.core.builder import PipelineStep
from azureml.pipeline.steps._script_fields import build_script_fields

if TYPE_CHECKING:
    from azureml.pipeline.core._graph_builder import StepDocuments

__all__ = ["PythonScriptStep"]


class PythonScriptStep(
    PipelineStep,
    takes="script_name, name=None, arguments=None, compute_target=None, runconfig=None, "
    "runconfig_pipeline_params=None, inputs=None, outputs=None, params=None, source_directory=None, "
    "allow_reuse=True, version=None, hash_paths=None",
):
    """A step that runs a Python script."""

    _kind = "PythonScriptStep"

    def _check_arguments(self) -> None:
        script = vars(self)["script_name"]
        if not isinstance(script, (str, os.PathLike)) or not os.fspath(script):
            raise ValueError(f"{type(self).__name__}: script_name is a path in the source_directory, not {script!r}.")

    def _get_default_name(self) -> str:
        return str(vars(self)["script_name"])

    def _build_document(self, documents: "StepDocuments") -> Dict[str, Any]:
        fields = vars(self)
        return {
            **build_script_fields(
                documents,
                self._kind,
                script=fields["script_name"],
                source_directory=fields["source_directory"],
                runconfig=fields["runconfig"],
                compute_target=fields["compute_target"],
            ),
            "arguments": documents.build_arguments(self._list_arguments()),
        }
