"""Steps that run a script in several processes with MPI."""

from typing import TYPE_CHECKING, Any, Dict

from azureml.pipeline.core.graph import PipelineParameter
from azureml.pipeline.steps._script_fields import build_script_fields, unwrap_parameter
from azureml.pipeline.steps.python_script_step import PythonScriptStep

if TYPE_CHECKING:
    from azureml.pipeline.core._graph_builder import StepDocuments

__all__ = ["MpiStep"]

_OWN = [
    "name",
    "source_directory",
    "script_name",
    "arguments",
    "compute_target",
    "node_count",
    "process_count_per_node",
    "inputs",
    "outputs",
    "allow_reuse",
    "version",
    "hash_paths",
    "params",
]
_SETTINGS = {"node_count": "NodeCount", "process_count_per_node": "MpiProcessCountPerNode"}


class MpiStep(
    PythonScriptStep,
    takes="name=None, source_directory=None, script_name=None, arguments=None, compute_target=None, "
    "node_count=None, process_count_per_node=None, inputs=None, outputs=None, allow_reuse=True, "
    "version=None, hash_paths=None, **kwargs",
):
    """A step that runs a script with MPI; it also accepts the packages and the image of an Estimator."""

    _kind = "MpiStep"

    def _check_arguments(self) -> None:
        super()._check_arguments()
        for name in _SETTINGS:
            count = unwrap_parameter(vars(self)[name])
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise ValueError(f"MpiStep: {name} is a whole number above 0, not {count!r}.")

    def _build_document(self, documents: "StepDocuments") -> Dict[str, Any]:
        fields = vars(self)
        counts = {name: unwrap_parameter(fields[name]) for name in _SETTINGS}
        chosen = {_SETTINGS[name]: fields[name] for name in _SETTINGS if isinstance(fields[name], PipelineParameter)}
        document = build_script_fields(
            documents,
            self._kind,
            script=fields["script_name"],
            source_directory=fields["source_directory"],
            runconfig=self._build_configuration(counts),
            compute_target=fields["compute_target"],
        )
        return {
            **document,
            **counts,
            "runconfig_parameters": documents.build_runconfig_parameters(chosen),
            "arguments": documents.build_arguments(self._list_arguments()),
        }

    def _build_configuration(self, counts: "Dict[str, int]") -> Any:
        """Return the run configuration for MPI with these values of `node_count` and `process_count_per_node`."""
        from azureml.train.dnn import Mpi
        from azureml.train.estimator import Estimator

        more = {name: value for name, value in vars(self).items() if name not in _OWN and not name.startswith("_")}
        return Estimator(
            vars(self)["source_directory"] or ".",
            entry_script=vars(self)["script_name"],
            distributed_training=Mpi(),
            **counts,
            **more,
        ).run_config
