"""Steps that run a command line."""

import os
from typing import TYPE_CHECKING, Any, Dict, List

from azureml.pipeline.core.builder import PipelineStep
from azureml.pipeline.steps._script_fields import build_script_fields

if TYPE_CHECKING:
    from azureml.pipeline.core._graph_builder import StepDocuments

__all__ = ["CommandStep"]


class CommandStep(
    PipelineStep,
    takes="command=None, name=None, compute_target=None, runconfig=None, runconfig_pipeline_params=None, "
    "inputs=None, outputs=None, params=None, source_directory=None, allow_reuse=True, version=None",
):
    """A step that runs a command: a line for the shell, or a list of words.

    `runconfig` is a RunConfiguration, or a ScriptRunConfig with the command.
    """

    command: Any
    runconfig: Any
    source_directory: Any

    def _check_arguments(self) -> None:
        from azureml.core.script_run_config import ScriptRunConfig, unwrap_shell_command

        if isinstance(self.runconfig, ScriptRunConfig):
            submission = self.runconfig
            self.command = self.command or submission.command
            self.source_directory = self.source_directory or submission.source_directory
            self.runconfig = submission.run_config
        self.command = unwrap_shell_command(self.command or getattr(self.runconfig, "command", None))
        if not self.command or not isinstance(self.command, (str, list, tuple)):
            raise ValueError(f"CommandStep: command is a line or a list of words, not {self.command!r}.")

    def _list_arguments(self) -> List[Any]:
        return [] if isinstance(self.command, str) else list(self.command)

    def _get_default_name(self) -> str:
        words = self.command.split() if isinstance(self.command, str) else self.command
        return f"CommandStep_{os.path.basename(str(words[0])) if words else ''}"

    def _build_document(self, documents: "StepDocuments") -> Dict[str, Any]:
        return {
            **build_script_fields(
                documents,
                "CommandStep",
                source_directory=self.source_directory,
                runconfig=self.runconfig,
                compute_target=vars(self)["compute_target"],
            ),
            "command": self.command
            if isinstance(self.command, str)
            else documents.build_arguments(self._list_arguments()),
        }
