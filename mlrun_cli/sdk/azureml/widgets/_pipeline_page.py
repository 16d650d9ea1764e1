"""The view of a pipeline run in a notebook: its graph, and a table of its steps."""

from html import escape as html
from typing import Any, Dict, List, Sequence

from azureml.core._run_listing import iterate_records
from azureml.widgets._page import RunPage, format_table

_WIDTH, _HEIGHT = 180, 40
_GAP_ACROSS, _GAP_DOWN = 20, 36
_LONGEST_NAME = 24
_COLOURS = {"Completed": "#1a7340", "Failed": "#b3261e", "Canceled": "#63656b"}
_LIVE, _WAITING = "#2057b8", "#b9b7b1"
_LEFT_ALIGNED = 12


class PipelinePage(RunPage):
    """A view of a pipeline run in its last known state."""

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self._steps: List[Dict[str, Any]] = []
        self._records: Dict[str, Dict[str, Any]] = {}

    def read(self) -> Dict[str, Any]:
        """Read the state of the pipeline and its steps, and return the record of its run."""
        record = super().read()
        if not self._steps:
            self._steps = self._run._request("pipelines.graph")["steps"]
        children = iterate_records(self._run._names, {"parent_run_id": self._run.id})
        self._records = {child["properties"].get("azureml.nodeid", ""): child for child in children}
        return record

    def _build_children_html(self) -> "List[str]":
        """Return the parts of the page, in HTML, about the pipeline's steps."""
        rows = []
        for step in self._steps:
            record = self._records.get(step["key"], {})
            properties = record.get("properties") or {}
            status = "Reused" if "azureml.reusedrunid" in properties else record.get("status", "Not started")
            rows.append((step["name"], status, properties.get("mlrun.reuse", ""), record.get("run_id", "")))
        statuses = {key: record["status"] for key, record in self._records.items()}
        heads = ("Step", "Status", "Earlier results", "Id")
        return [draw_graph(self._steps, statuses), format_table(heads, rows, len(rows))]


def draw_graph(steps: "Sequence[Dict[str, Any]]", statuses: Dict[str, str]) -> str:
    """Return the graph of a pipeline as SVG, with each step below the steps that it depends on.

    Args:
        steps: The steps of the graph's document.
        statuses: The statuses of those that have started, by the keys of the steps.
    """
    upstream = {step["key"]: _list_upstream_keys(step) for step in steps}
    layers: List[List[str]] = []
    placed: Dict[str, int] = {}
    left = list(upstream)
    while left:
        ready = [key for key in left if all(one in placed for one in upstream[key])]
        if not ready:
            break
        placed.update(dict.fromkeys(ready, len(layers)))
        layers.append(ready)
        left = [key for key in left if key not in placed]
    width = max(map(len, layers), default=0) * (_WIDTH + _GAP_ACROSS) + _GAP_ACROSS
    corners = {
        key: ((width - len(row) * (_WIDTH + _GAP_ACROSS) + _GAP_ACROSS) // 2 + index * (_WIDTH + _GAP_ACROSS), top)
        for top, row in ((number * (_HEIGHT + _GAP_DOWN) + 4, row) for number, row in enumerate(layers))
        for index, key in enumerate(row)
    }
    lines = [_draw_line(corners[one], corners[key]) for key in corners for one in upstream[key]]
    boxes = [
        _draw_box(step, corners[step["key"]], statuses.get(step["key"])) for step in steps if step["key"] in corners
    ]
    height = len(layers) * (_HEIGHT + _GAP_DOWN) - _GAP_DOWN + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" '
        f'aria-label="The steps of the pipeline">{"".join([*lines, *boxes])}</svg>'
    )


def _list_upstream_keys(step: Dict[str, Any]) -> List[str]:
    """Return the distinct keys of the steps that a step depends on."""
    sources = [one["source"].get("output") for one in step["inputs"].values()]
    return list(dict.fromkeys([*(one["step"] for one in sources if one), *step["run_after"]]))


def _draw_line(source_corner: Any, target_corner: Any) -> str:
    """Return a line in SVG between two boxes that are given by their corners."""
    x, y, to_x, to_y = (
        source_corner[0] + _WIDTH // 2,
        source_corner[1] + _HEIGHT,
        target_corner[0] + _WIDTH // 2,
        target_corner[1],
    )
    middle = (y + to_y) // 2
    return f'<path d="M{x} {y} C{x} {middle} {to_x} {middle} {to_x} {to_y}" fill="none" stroke="#8a8d94"/>'


def _draw_box(step: Dict[str, Any], corner: Any, status: "str | None") -> str:
    """Return a step's box in SVG, coloured by the step's status."""
    x, y = corner
    name = step["name"]
    shown = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    colour = _WAITING if status is None else _COLOURS.get(status, _LIVE)
    return (
        f"<g><title>{html(name)}: {html(status or 'Not started')}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="4" fill="#ffffff" stroke="{colour}" '
        f'stroke-width="2"/><text x="{x + _LEFT_ALIGNED}" y="{y + _HEIGHT // 2 + 4}" font-size="12" '
        f'font-family="sans-serif" fill="#1e1f22">{html(shown)}</text></g>'
    )
