"""The routes of the Graph tab of a pipeline run, and of the Step tab of a step run."""

from __future__ import annotations

from starlette.responses import Response

from mlrun_cli.pipelines.run_types import NODE_PROPERTY
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.tabs import get_requested_run, render_tab
from mlrun_cli.studio.pipeline_graph.view import build_graph_view, build_step_view
from mlrun_cli.submit.pipeline_runs import list_step_outputs, list_step_runs, read_run_graph


def show(page: PageRequest) -> Response:
    """Show the graph of a pipeline run and a table of its steps."""
    run = get_requested_run(page)
    graph = read_run_graph(page.workspace, run)
    return render_tab(
        page,
        run,
        "graph",
        "pages/run/graph/template.html",
        view=build_graph_view(graph, list_step_runs(page.workspace, run)),
        parameters=graph.parameters,
        topic=page.build_topic("runs"),
    )


def show_step(page: PageRequest) -> Response:
    """Show the inputs, outputs, reuse and configuration of a step run."""
    run = get_requested_run(page)
    outputs = list_step_outputs(page.workspace, run)
    parent = page.workspace.runs.get(run.parent_run_id or "")
    graph = read_run_graph(page.workspace, parent)
    step = graph.find_step(run.properties[NODE_PROPERTY])
    assert step is not None
    view = build_step_view(graph, step, run)
    sources = {child.properties.get(NODE_PROPERTY): child for child in list_step_runs(page.workspace, parent)}
    return render_tab(
        page, run, "step", "pages/run/graph/step.html", view=view, outputs=outputs, sources=sources, step=step
    )
