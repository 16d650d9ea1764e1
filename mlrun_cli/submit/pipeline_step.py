"""The submit request of a pipeline's step, from which its template is made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue, ScriptNotFound
from mlrun_cli.pipelines.data_flow import (
    OutputLocation,
    build_input_sections,
    build_output_sections,
    build_parameter_variables,
    compute_step_run_id,
    format_arguments,
    locate_output,
)
from mlrun_cli.pipelines.graph import (
    COMMAND_STEP,
    MPI_STEP,
    PARALLEL_RUN_STEP,
    R_SCRIPT_STEP,
    Graph,
    ParameterValue,
    Step,
    StepOutput,
)
from mlrun_cli.pipelines.validation import PROCESS_PARAMETERS
from mlrun_cli.runconfigs.communicators import PARALLEL_TASK
from mlrun_cli.runconfigs.run_configuration import NO_COMMUNICATOR, RunConfiguration
from mlrun_cli.runconfigs.runconfig import parse_configuration_document
from mlrun_cli.submit.parallel_run import build_parallel_command, find_environment_document, get_node_count
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.sweeps.definition import definition_from_json

_MPI_COMMUNICATOR = "Mpi"
_R_FRAMEWORK = "R"


class StepPlan(NamedTuple):
    """A step of a pipeline run: the pipeline, the step, the values of parameters and the id of the pipeline run."""

    graph: Graph
    step: Step
    values: Mapping[str, ParameterValue]
    pipeline_run_id: str

    @property
    def run_id(self) -> str:
        """The id of the step run."""
        return compute_step_run_id(self.pipeline_run_id, self.step.key)

    def locate_outputs(self, run_ids: Mapping[str, str] | None = None) -> dict[StepOutput, OutputLocation]:
        """Return the locations of the outputs that the step reads from other steps, keyed by output.

        Args:
            run_ids: the ids of the runs that wrote them, by the key of the step; without an entry, it is the run of
                the step in the same pipeline.
        """
        found = {}
        for one in self.step.inputs.values():
            source = one.source
            upstream = self.graph.find_step(source.step) if isinstance(source, StepOutput) else None
            if isinstance(source, StepOutput) and upstream is not None:
                run_id = (run_ids or {}).get(source.step) or compute_step_run_id(self.pipeline_run_id, source.step)
                found[source] = locate_output(self.graph, run_id, source.name, upstream.outputs[source.name])
        return found

    def build_sections(
        self, run_ids: Mapping[str, str] | None = None, *, is_preview: bool = False
    ) -> dict[str, dict[str, Any]]:
        """Return the data sections of the step's configuration, in the format of `build_input_sections`."""
        places = self.locate_outputs(run_ids)
        inputs = build_input_sections(self.graph, self.step, self.values, places, is_preview=is_preview)
        outputs = build_output_sections(self.graph, self.step, self.run_id)
        return {
            "data": inputs["data"],
            "dataReferences": {**inputs["dataReferences"], **outputs["dataReferences"]},
            "outputData": outputs["outputData"],
        }

    def build_command_or_arguments(self) -> tuple[str, ...]:
        """Return the command or the arguments of the step, with placeholders for data."""
        step = self.step
        if step.kind == PARALLEL_RUN_STEP:
            return build_parallel_command(step, self.values)
        return format_arguments(step.command if step.kind == COMMAND_STEP else step.arguments, step, self.values)


def build_step_request(plan: StepPlan, request: SubmitRequest) -> tuple[SubmitRequest, tuple[str, ...]]:
    """Return the request that submits a step run, and notes about the step's runconfig.

    Args:
        plan: the step.
        request: what is the same for all steps: the experiment, the environment and the attached folder; and the
            earlier run of the step, if its snapshot, environment and configuration are reused.

    Raises:
        UsageError: the runconfig is not valid, or the step cannot be run here.
    """
    step = plan.step
    if step.sweep is not None:
        definition_from_json(step.sweep)
    configuration: RunConfiguration | None = None
    notes: tuple[str, ...] = ()
    document = step.runconfig or find_environment_document(step)
    if document is not None and request.earlier is None:
        configuration, notes = parse_configuration_document(document, Path(f"the runconfig of '{step.name}'"))
    target = step.target or plan.graph.default_target
    given = plan.step.runconfig_parameters.get("Target")
    if given is not None:
        target = str(plan.values[given.name])
    return (
        request._replace(
            source_directory=Path(step.source_directory),
            runconfig_name=step.runconfig_file,
            configuration=configuration,
            adapt=lambda before: _adapt_configuration(plan, before),
            target=request.target or target,
            display_name=step.name,
            tags={},
            description=None,
            notify=(),
            parent_run_id=None,
        ),
        notes,
    )


def _adapt_configuration(plan: StepPlan, configuration: RunConfiguration) -> RunConfiguration:
    """Return a copy of a configuration with the settings of the step applied."""
    step, changes = plan.step, dict[str, Any]()
    words = plan.build_command_or_arguments()
    if step.kind == PARALLEL_RUN_STEP:
        changes |= {"command": words, "script": None, "arguments": ()}
    elif step.kind == COMMAND_STEP:
        changes |= {"command": words[0] if step.is_command_line else words, "script": None, "arguments": ()}
    elif step.script is None and configuration.script is None and (words or configuration.command is None):
        raise ScriptNotFound(
            "There is no script.", hint="Name it with 'script_name:' in the step, or with 'script:' in its runconfig."
        )
    elif step.script is not None or words:
        changes |= {"command": None, "script": step.script or configuration.script, "arguments": words}
    rest = {**configuration.rest}
    for section, entries in plan.build_sections(is_preview=True).items():
        existing: Any = rest.get(section)
        rest[section] = {**(existing if isinstance(existing, Mapping) else {}), **entries}
    changes |= _apply_launch_settings(plan, configuration, rest)
    if step.kind == R_SCRIPT_STEP:
        changes["framework"] = _R_FRAMEWORK
    variables = {
        **configuration.environment_variables,
        **((step.parallel_run or {}).get("environment_variables") or {}),
        **build_parameter_variables(step, plan.values),
        **step.environment_variables,
    }
    return configuration.replace_fields(**changes)._replace(environment_variables=variables, rest=rest)


def _apply_launch_settings(
    plan: StepPlan, configuration: RunConfiguration, sections: dict[str, object]
) -> dict[str, Any]:
    """Return the fields that the step changes for nodes and processes; its communicator settings go to `sections`."""
    step, changes = plan.step, dict[str, Any]()
    if step.node_count is not None:
        changes["node_count"] = step.node_count
    parallel_nodes = get_node_count(step, plan.values)
    if parallel_nodes > 1:
        changes |= {"node_count": parallel_nodes, "communicator": PARALLEL_TASK}
    for key, field in (("NodeCount", "node_count"), ("MaxRunDurationSeconds", "max_run_duration_seconds")):
        given = step.runconfig_parameters.get(key)
        if given is not None:
            changes[field] = _check_count(key, plan.values[given.name])
    has_processes = step.process_count_per_node is not None and configuration.communicator == NO_COMMUNICATOR
    if step.kind == MPI_STEP or has_processes:
        changes["communicator"] = _MPI_COMMUNICATOR
    if step.process_count_per_node is not None:
        sections["mpi.processCountPerNode"] = step.process_count_per_node
    for key, path in PROCESS_PARAMETERS.items():
        given = step.runconfig_parameters.get(key)
        if given is not None:
            sections[path] = _check_count(key, plan.values[given.name])
    return changes


def _check_count(parameter_name: str, value: ParameterValue) -> int:
    """Return the value of a parameter if it is an integer of at least 1, or else raise."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidValue(
            f"{parameter_name} is a whole number of at least 1, and not {value!r}.", target=parameter_name
        )
    return value
