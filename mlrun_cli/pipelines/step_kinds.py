"""The kinds of steps in YAML files: their two spellings, and those that cannot run here."""

from __future__ import annotations

from collections.abc import Mapping

from mlrun_cli.core.documents.node import Node
from mlrun_cli.errors import MlrunError, Unsupported
from mlrun_cli.pipelines.graph import (
    COMMAND_STEP,
    ESTIMATOR_STEP,
    HYPER_DRIVE_STEP,
    MPI_STEP,
    PARALLEL_RUN_STEP,
    PYTHON_SCRIPT_STEP,
    R_SCRIPT_STEP,
    STEP_KINDS,
)
from mlrun_cli.pipelines.validation import build_name_hint

SECTIONS: Mapping[str, str] = {
    "python_script_step": PYTHON_SCRIPT_STEP,
    "command_step": COMMAND_STEP,
    "estimator_step": ESTIMATOR_STEP,
    "mpi_step": MPI_STEP,
    "r_script_step": R_SCRIPT_STEP,
    "hyper_drive_step": HYPER_DRIVE_STEP,
    "parallel_run_step": PARALLEL_RUN_STEP,
}
"""The older spelling: a section named after the kind of the step. Azure reads two of them."""

_REFUSED_SECTIONS = {
    "adla_step": "AdlaStep",
    "automl_step": "AutoMLStep",
    "azurebatch_step": "AzureBatchStep",
    "azure_batch_step": "AzureBatchStep",
    "data_transfer_step": "DataTransferStep",
    "databricks_step": "DatabricksStep",
    "kusto_step": "KustoStep",
    "module": "ModuleStep",
    "synapse_spark_step": "SynapseSparkStep",
}

_PYTHON_STEP_HINT = "Write what it does as a script, and run that in a PythonScriptStep."
_REFUSED_KINDS = {
    "AdlaStep": ("runs U-SQL in Azure Data Lake Analytics, which is not here", _PYTHON_STEP_HINT),
    "AutoMLStep": ("runs Azure's automated ML, which is not here", "Search models in a HyperDriveStep."),
    "AzureBatchStep": ("runs a program in Azure Batch, which is not here", "Run it in a CommandStep."),
    "DataTransferStep": (
        "copies data with Azure Data Factory, which is not here",
        "Copy them in a PythonScriptStep that has the one as its input and the other as its output.",
    ),
    "DatabricksStep": ("runs in Azure Databricks, which is not here", _PYTHON_STEP_HINT),
    "KustoStep": ("runs a query in Azure Data Explorer, which is not here", _PYTHON_STEP_HINT),
    "ModuleStep": (
        "runs a module that is stored in Azure, whose files are not here",
        "Name its script and folder in a PythonScriptStep: script_name and source_directory.",
    ),
    "SynapseSparkStep": ("runs in Azure Synapse, which is not here", _PYTHON_STEP_HINT),
}


def build_unsupported_error(node: Node, reason: str, hint: str) -> Unsupported:
    """Return the error for an unsupported Azure feature at a node of a file, for the caller to raise."""
    refusal = Unsupported(f"{node.location}: {node.key_path}: {reason}.", hint=hint)
    refusal.location, refusal.key_path = node.location, node.key_path
    return refusal


def get_step_kind(step: Node) -> tuple[str, Node | None]:
    """Return a step's kind and the section that contains its settings in the older spelling, or None in the newer.

    Raises:
        Unsupported: steps of the kind cannot run here.
        InvalidFile: the kind is not given, or does not exist.
    """
    keys = step.as_mapping()
    for section, kind in _REFUSED_SECTIONS.items():
        if section in keys:
            raise build_unsupported_error(keys[section], *_describe_refusal(kind))
    sections = [name for name in SECTIONS if name in keys]
    named = keys.get("type")
    if len(sections) + (named is not None) > 1:
        spelled = ["type"] * (named is not None) + sections
        raise step.build_error(f"the kind of the step is given more than once: {', '.join(spelled)}")
    if sections:
        return SECTIONS[sections[0]], keys[sections[0]]
    if named is None or named.is_null:
        hint = f"Write 'type: {PYTHON_SCRIPT_STEP}', or another of {', '.join(STEP_KINDS)}."
        raise step.build_error("the step has no type", hint=hint)
    return _check_kind(named), None


def _check_kind(kind_node: Node) -> str:
    kind = kind_node.as_text()
    if kind in STEP_KINDS:
        return kind
    if kind in _REFUSED_KINDS:
        raise build_unsupported_error(kind_node, *_describe_refusal(kind))
    error: MlrunError = kind_node.build_error(
        f"'{kind}' is not a kind of steps", hint=build_name_hint(kind, (*STEP_KINDS, *_REFUSED_KINDS))
    )
    raise error


def _describe_refusal(kind: str) -> tuple[str, str]:
    """Return why a kind of step is not supported, and a hint on what to use instead."""
    reason, hint = _REFUSED_KINDS[kind]
    return f"{'an' if kind[0] == 'A' else 'a'} {kind} {reason}", hint
