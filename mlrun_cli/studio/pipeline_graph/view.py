"""The view of a pipeline run's graph: its steps with their runs, inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.pipelines.graph import (
    DataPath,
    DatasetReference,
    Graph,
    ParameterReference,
    Source,
    Step,
    StepOutput,
)
from mlrun_cli.pipelines.run_types import NODE_PROPERTY, REUSED_PROPERTY
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.pipeline_graph.layered_drawing import NODE_HEIGHT, NODE_WIDTH, LayeredDrawing, draw_layers

REUSE_PROPERTY = "mlrun.reuse"

_LABEL_CHARACTERS = 30


class PortView(NamedTuple):
    """An input or output of a step: its name, its description, and the key of the step that writes it."""

    name: str
    text: str
    step_key: str | None = None


class StepView(NamedTuple):
    """A step of a pipeline run.

    Attributes:
        step: the step.
        run: its run; None if it has not started.
        label: its name, shortened for the graph.
        inputs, outputs: what it reads and writes.
        after: the names of steps that it waits for although no data pass.
        reused_run_id: the run whose results stand for it; None if it has run itself.
        reason: why an earlier result was used, or what differed; empty before its start.
    """

    step: Step
    run: Run | None
    label: str
    inputs: Sequence[PortView]
    outputs: Sequence[PortView]
    after: Sequence[str]
    reused_run_id: str | None
    reason: str


class EdgeView(NamedTuple):
    """An edge of the graph: its SVG path, the names of the data passed along, and whether it is only an order."""

    path: str
    title: str
    is_order_only: bool


class GraphView(NamedTuple):
    """The graph of a pipeline run, with its steps in the order in which they can run."""

    drawing: LayeredDrawing
    steps: Sequence[StepView]
    edges: Sequence[EdgeView]
    box: tuple[int, int] = (NODE_WIDTH, NODE_HEIGHT)

    def get_position(self, step_key: str) -> tuple[int, int]:
        """Return the x and y coordinates, in pixels, of the upper left corner of a step's box."""
        return next((node.x, node.y) for node in self.drawing.nodes if node.key == step_key)


def build_graph_view(graph: Graph, runs: Sequence[Run]) -> GraphView:
    """Build the view of a pipeline's graph with the runs of the steps that have started."""
    by_key = {run.properties.get(NODE_PROPERTY): run for run in runs}
    steps = [build_step_view(graph, step, by_key.get(step.key)) for step in graph.iterate_in_order()]
    drawing = draw_layers(
        [view.step.key for view in steps], {view.step.key: view.step.list_upstream_keys() for view in steps}
    )
    names = {view.step.key: view.step.name for view in steps}
    edges = [_build_edge(graph, edge.source, edge.target, edge.path, names) for edge in drawing.edges]
    return GraphView(drawing, steps, edges)


def build_step_view(graph: Graph, step: Step, run: Run | None) -> StepView:
    """Build the view of a step with its run, if it has started."""
    properties: Mapping[str, str] = {} if run is None else run.properties
    return StepView(
        step=step,
        run=run,
        label=step.name if len(step.name) <= _LABEL_CHARACTERS else f"{step.name[: _LABEL_CHARACTERS - 1]}…",
        inputs=[_build_input(graph, name, one.source) for name, one in step.inputs.items()],
        outputs=[
            PortView(name, _describe_output(output.datastore or graph.default_datastore, output.destination))
            for name, output in step.outputs.items()
        ],
        after=[found.name for key in step.run_after if (found := graph.find_step(key)) is not None],
        reused_run_id=properties.get(REUSED_PROPERTY),
        reason=properties.get(REUSE_PROPERTY, ""),
    )


def _build_edge(graph: Graph, source: str, target: str, svg_path: str, step_names: Mapping[str, str]) -> EdgeView:
    step = graph.find_step(target)
    inputs = () if step is None else step.inputs.values()
    passed = [one.source.name for one in inputs if isinstance(one.source, StepOutput) and one.source.step == source]
    what = ", ".join(dict.fromkeys(passed)) or "order only"
    return EdgeView(svg_path, f"{step_names[source]} → {step_names[target]}: {what}", not passed)


def _build_input(graph: Graph, input_name: str, source: Source) -> PortView:
    if isinstance(source, StepOutput):
        step = graph.find_step(source.step)
        return PortView(input_name, f"{source.name} of {step.name if step else source.step}", source.step)
    if isinstance(source, DataPath):
        return PortView(input_name, "/".join(filter(None, (source.datastore, source.path))))
    if isinstance(source, DatasetReference):
        version = f", version {source.version}" if source.version else ""
        return PortView(input_name, f"dataset {source.name or source.dataset_id}{version}")
    assert isinstance(source, ParameterReference)
    return PortView(input_name, f"parameter {source.name}")


def _describe_output(datastore: str | None, destination: str | None) -> str:
    return "/".join(filter(None, (datastore or "default datastore", destination)))
