"""Validation of graphs: names must exist, data must have one source, and there must be no cycles."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue, MlrunError, SeveralProblems
from mlrun_cli.pipelines.graph import (
    COMMAND_STEP,
    DATA_PATH_TYPE,
    DATASET_TYPE,
    FILE_DATASET,
    HYPER_DRIVE_STEP,
    PARALLEL_RUN_STEP,
    Graph,
    ParameterReference,
    Step,
    StepOutput,
)

PROCESS_PARAMETERS: Mapping[str, str] = {
    "MpiProcessCountPerNode": "mpi.processCountPerNode",
    "TensorflowWorkerCount": "tensorflow.workerCount",
    "TensorflowParameterServerCount": "tensorflow.parameterServerCount",
}
"""Settings of a communicator that a parameter of the pipeline may set, with their keys in a runconfig."""
RUNCONFIG_PARAMETERS = ("NodeCount", "Target", "MaxRunDurationSeconds", *PROCESS_PARAMETERS)
"""Settings of a runconfig that a parameter of the pipeline may set."""

APPEND_ROW = "append_row"
SUMMARY_ONLY = "summary_only"
"""What a ParallelRunStep does with the rows of its batches: write them to its output, or count them."""

_MAX_NAMES = 12

_KEY = r"[0-9a-f]{8}"
_DATA_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,99}"
_REFERENCE_NAME = r"[A-Za-z0-9_]{1,100}"  # it is the end of a variable's name
_SCRIPT_HINT = "Name it as script_name of the step, or as script of its runconfig."


class GraphProblem(NamedTuple):
    """A problem of a graph.

    Attributes:
        step: the key of the step that it is about; None for the pipeline.
        key_path: the part of the step or of the pipeline, as in `pipeline.json`; empty for all of it.
        reason: what is wrong.
        hint: what to do about it.
    """

    step: str | None
    key_path: str
    reason: str
    hint: str | None = None


def check_graph(graph: Graph) -> None:
    """Raise if a graph is invalid, reporting all of its problems.

    Raises:
        InvalidValue: there is such a problem; the message names the step.
        SeveralProblems: there are several.
    """
    problems = [_build_error(graph, problem) for problem in iterate_graph_problems(graph)]
    if problems:
        raise problems[0] if len(problems) == 1 else SeveralProblems(problems)


def list_unused_parameters(graph: Graph) -> list[str]:
    """Return the names of the parameters that no step uses."""
    used = {name for step in graph.steps for name in step.list_parameter_names()}
    return [name for name in graph.parameters if name not in used]


def build_name_hint(name: str, known_names: Collection[str]) -> str:
    """Return a hint that suggests the most similar of the known names, or lists them."""
    if not known_names:
        return "There are none."
    nearest = find_similar_name(name, known_names)
    if nearest:
        return f"Did you mean '{nearest}'?"
    return f"There are: {', '.join(sorted(known_names)[:_MAX_NAMES])}{', …' if len(known_names) > _MAX_NAMES else ''}."


def find_similar_name(name: str, known_names: Collection[str]) -> str | None:
    """Return the known name that is most similar to a name, or None if none is similar."""
    import difflib  # noqa: PLC0415 - not on the way of what succeeds

    return next(iter(difflib.get_close_matches(name[:100], sorted(known_names), n=1)), None)


def iterate_graph_problems(graph: Graph, step_names: Mapping[str, str] | None = None) -> Iterator[GraphProblem]:
    """Yield the problems that make a graph invalid.

    Args:
        graph: the graph.
        step_names: what the steps are called in reasons, by their keys; by default their names, which may be shared.
    """
    names = {step.key: step.name for step in graph.steps} if step_names is None else step_names
    if not graph.steps:
        yield GraphProblem(None, "steps", "the pipeline has no steps", "Give it one.")
    for name in graph.parameters:
        if not name.strip():
            yield GraphProblem(None, f"parameters.{name}", "a parameter has no name", "Give it one.")
    keys = [step.key for step in graph.steps]
    for step in graph.steps:
        if not step.name.strip():
            yield GraphProblem(step.key, "name", "the name of the step is empty", "Give it one.")
        if not re.fullmatch(_KEY, step.key) or keys.count(step.key) > 1:
            yield GraphProblem(step.key, "key", "the key of a step is 8 hexadecimal digits, and no other step's")
        yield from _iterate_kind_problems(step)
        yield from _iterate_reference_problems(graph, step)
        yield from _iterate_parameter_problems(graph, step)
        yield from _iterate_data_problems(graph, step)
    yield from _iterate_shared_destinations(graph, names)
    yield from _iterate_cycle_problems(graph, names)


def _build_error(graph: Graph, problem: GraphProblem) -> MlrunError:
    step = None if problem.step is None else graph.find_step(problem.step)
    where = "The pipeline" if step is None else f"Step '{step.name}'"
    part = f", {problem.key_path}" if problem.key_path else ""
    return InvalidValue(f"{where}{part}: {problem.reason}.", hint=problem.hint, target=problem.key_path or None)


def _iterate_kind_problems(step: Step) -> Iterator[GraphProblem]:
    if step.kind == COMMAND_STEP:
        if not step.command:
            yield GraphProblem(step.key, "command", "the step has no command", "Name one.")
    elif step.kind != PARALLEL_RUN_STEP and not step.script and step.runconfig is None and step.runconfig_file is None:
        yield GraphProblem(step.key, "script", "the step has no script", _SCRIPT_HINT)
    if step.kind == HYPER_DRIVE_STEP and step.sweep is None:
        yield GraphProblem(step.key, "sweep", "the step does not say which values to try")
    if step.kind == PARALLEL_RUN_STEP:
        yield from _iterate_parallel_run_problems(step)
    if step.metrics_output is not None and step.metrics_output not in step.outputs:
        yield GraphProblem(step.key, "metrics_output", f"the step has no output '{step.metrics_output}'")
    for name in step.model_outputs:
        if step.sweep is None or name not in step.outputs:
            reason = "only a sweep has a best run" if step.sweep is None else f"the step has no output '{name}'"
            yield GraphProblem(step.key, f"model_outputs.{name}", reason)
        elif name == step.metrics_output:
            yield GraphProblem(step.key, f"model_outputs.{name}", "the output gets the metrics", "Use another one.")


def _iterate_parallel_run_problems(step: Step) -> Iterator[GraphProblem]:
    settings = step.parallel_run
    if settings is None:
        yield GraphProblem(step.key, "parallel_run", "the step does not say what to run on its batches")
        return
    if not settings.get("inputs") and step.inputs.keys() <= set(settings.get("side_inputs") or ()):
        yield GraphProblem(step.key, "inputs", "the step has no input of which batches are made", "Give it one.")
    if settings.get("output_action") == APPEND_ROW and not step.outputs:
        hint = f"Give it one, or write 'output_action: {SUMMARY_ONLY}'."
        yield GraphProblem(step.key, "outputs", "the step has no output that gets the rows of the batches", hint)


def _iterate_reference_problems(graph: Graph, step: Step) -> Iterator[GraphProblem]:
    """Yield a problem for each reference in arguments to an unknown input, output or parameter."""
    known: dict[str, Collection[str]] = {
        "input": step.inputs,
        "output": step.outputs,
        "parameter": graph.parameters,
        "step_parameter": step.parameters,
    }
    for part, words in (("arguments", step.arguments), ("command", step.command)):
        for index, word in enumerate(words):
            for reference in word:
                if not isinstance(reference, str) and reference.name not in known[reference.kind]:
                    yield GraphProblem(
                        step.key,
                        f"{part}[{index}]",
                        f"there is no {_describe_kind(reference.kind)} '{reference.name}'",
                        build_name_hint(reference.name, known[reference.kind]),
                    )


def _iterate_parameter_problems(graph: Graph, step: Step) -> Iterator[GraphProblem]:
    for key in step.parameters:
        if not key or re.search(r"[=\0]", key):
            yield GraphProblem(step.key, f"parameters.{key}", "an environment variable cannot be named so")
    for key in step.runconfig_parameters:
        if key not in RUNCONFIG_PARAMETERS:
            hint = f"A parameter can set {', '.join(RUNCONFIG_PARAMETERS)}."
            yield GraphProblem(step.key, f"runconfig_parameters.{key}", "no parameter can set this", hint)
    named = [(f"parameters.{key}", one) for key, one in step.parameters.items()]
    named += [(f"runconfig_parameters.{key}", one) for key, one in step.runconfig_parameters.items()]
    for path, value in named:
        if isinstance(value, ParameterReference) and value.name not in graph.parameters:
            hint = build_name_hint(value.name, graph.parameters)
            yield GraphProblem(step.key, path, f"the pipeline has no parameter '{value.name}'", hint)


def _describe_kind(kind: str) -> str:
    return {
        "input": "input",
        "output": "output",
        "parameter": "parameter of the pipeline",
        "step_parameter": "parameter of the step",
    }[kind]


def _iterate_data_problems(graph: Graph, step: Step) -> Iterator[GraphProblem]:
    is_dataset = {("inputs", name): one.as_dataset for name, one in step.inputs.items()}
    is_dataset |= {("outputs", name): one.kind == FILE_DATASET for name, one in step.outputs.items()}
    for part, names in (("inputs", step.inputs), ("outputs", step.outputs)):
        for name in names:
            if not re.fullmatch(_DATA_NAME if is_dataset[part, name] else _REFERENCE_NAME, name):
                hint = "Use letters, digits and underscores."
                yield GraphProblem(step.key, f"{part}.{name}", "an environment variable cannot be named so", hint)
    for name in step.inputs.keys() & step.outputs.keys():
        hint = "Give one of them another name: an environment variable is named after each."
        yield GraphProblem(step.key, f"outputs.{name}", "the step has an input of this name", hint)
    for name, found in step.inputs.items():
        reason = _find_source_problem(graph, found.source)
        if reason is not None:
            yield GraphProblem(step.key, f"inputs.{name}", reason)
    for key in step.run_after:
        if graph.find_step(key) is None:
            yield GraphProblem(step.key, "run_after", f"there is no step '{key}'")


def is_output_missing(graph: Graph, source: object) -> bool:
    """Return whether a source is the output of a step, and no step of the graph has it."""
    if not isinstance(source, StepOutput):
        return False
    step = graph.find_step(source.step)
    return step is None or source.name not in step.outputs


def _find_source_problem(graph: Graph, source: object) -> str | None:
    if isinstance(source, StepOutput) and is_output_missing(graph, source):
        return f"no step '{source.step}' of the pipeline has an output '{source.name}'"
    if isinstance(source, ParameterReference):
        parameter = graph.parameters.get(source.name)
        if parameter is None:
            return f"the pipeline has no parameter '{source.name}'"
        if parameter.kind not in {DATA_PATH_TYPE, DATASET_TYPE}:
            return f"the parameter '{source.name}' is of type {parameter.kind}, which is no data"
    return None


def _iterate_shared_destinations(graph: Graph, step_names: Mapping[str, str]) -> Iterator[GraphProblem]:
    """Yield a problem for each output that would write to another output's folder."""
    taken: dict[tuple[str | None, str], str] = {}
    for step in graph.steps:
        for name, output in step.outputs.items():
            destination = (output.destination or "").strip("/")
            if not destination or "{run-id}" in destination:
                continue
            folder = (output.datastore, destination.replace("{output-name}", name))
            if folder in taken:
                yield GraphProblem(
                    step.key,
                    f"outputs.{name}",
                    f"'{destination}' is where step '{taken[folder]}' writes too",
                    "Name another folder, or one with '{run-id}'.",
                )
            taken[folder] = step_names[step.key]


def _iterate_cycle_problems(graph: Graph, step_names: Mapping[str, str]) -> Iterator[GraphProblem]:
    left = {step.key for step in graph.steps} - {step.key for step in graph.iterate_in_order()}
    upstream = {key: _list_existing_upstream_keys(graph, key) for key in left}
    while left:
        path = [min(left)]
        while path[-1] not in path[:-1]:
            following = [key for key in upstream[path[-1]] if key in left]
            if not following:
                break
            path.append(following[0])
        cycle = path[path.index(path[-1]) :]
        if len(cycle) > 1:
            names = " → ".join(f"'{step_names[key]}'" for key in reversed(cycle))
            reason = "reads its own output" if len(cycle) == 2 else f"waits for itself: {names}"
            yield GraphProblem(cycle[0], "", f"the step {reason}", "Let no step need what comes after it.")
        left -= set(path)


def _list_existing_upstream_keys(graph: Graph, step_key: str) -> list[str]:
    step = graph.find_step(step_key)
    return [] if step is None else [one for one in step.list_upstream_keys() if graph.find_step(one) is not None]
