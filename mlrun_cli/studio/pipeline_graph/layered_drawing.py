"""The layout of a directed graph in layers, in which each node is below the nodes that it depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from mlrun_cli.core.named_tuple import NamedTuple

NODE_WIDTH, NODE_HEIGHT = 216, 54
_GAP_ACROSS, _GAP_DOWN = 28, 46
_PASS_WIDTH = 16
_MARGIN = 8
_SWEEPS = 4


class NodeShape(NamedTuple):
    """The box of a node, given by the pixel coordinates of its upper left corner."""

    key: str
    x: int
    y: int


class EdgeShape(NamedTuple):
    """The line of an edge, as the path of an SVG element."""

    source: str
    target: str
    path: str


class LayeredDrawing(NamedTuple):
    """The shapes of a graph, and the size of the drawing in pixels."""

    nodes: Sequence[NodeShape]
    edges: Sequence[EdgeShape]
    width: int
    height: int


class _Place(NamedTuple):
    """A position in a layer, occupied by a node or by an edge that passes through the layer."""

    layer: int
    is_node: bool


def draw_layers(node_keys: Sequence[str], dependencies: Mapping[str, Sequence[str]]) -> LayeredDrawing:
    """Draw an acyclic graph in layers, each node below those that it depends on.

    Args:
        node_keys: the nodes, in the order in which those of a layer are drawn if nothing else decides.
        dependencies: the nodes that each node depends on; others than those of `node_keys` are ignored.
    """
    layers = _assign_layers(node_keys, dependencies)
    places = {key: _Place(layer, is_node=True) for key, layer in layers.items()}
    chains: list[list[str]] = []
    for key in node_keys:
        for source in _list_placed_dependencies(key, dependencies, layers):
            passed = [f"{source}>{key}:{layer}" for layer in range(layers[source] + 1, layers[key])]
            places |= {name: _Place(places[source].layer + number, False) for number, name in enumerate(passed, 1)}
            chains.append([source, *passed, key])
    rows = _order_rows(places, chains)
    across, width = _assign_positions(rows, places)
    nodes = [
        NodeShape(key, across[key] - NODE_WIDTH // 2, _compute_layer_top(layers[key]))
        for key in node_keys
        if key in layers
    ]
    edges = [EdgeShape(chain[0], chain[-1], _draw_edge(chain, across, places)) for chain in chains]
    return LayeredDrawing(nodes, edges, width, _compute_layer_top(len(rows)) - _GAP_DOWN + _MARGIN)


def _list_placed_dependencies(
    node_key: str, dependencies: Mapping[str, Sequence[str]], layers: Mapping[str, int]
) -> list[str]:
    """Return the distinct dependencies of a node that have been assigned to a layer."""
    return [one for one in dict.fromkeys(dependencies.get(node_key, ())) if one in layers]


def _assign_layers(node_keys: Sequence[str], dependencies: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the layer of each node, one below its lowest dependency; nodes that depend on a cycle are omitted."""
    layers: dict[str, int] = {}
    left = list(node_keys)
    while left:
        ready = [key for key in left if all(one in layers or one not in node_keys for one in dependencies.get(key, ()))]
        if not ready:
            break
        for key in ready:
            layers[key] = 1 + max(
                (layers[one] for one in _list_placed_dependencies(key, dependencies, layers)), default=-1
            )
        left = [key for key in left if key not in layers]
    return layers


def _order_rows(places: Mapping[str, _Place], chains: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the nodes and passing edges of each layer, sorted by the positions of their neighbours."""
    rows: list[list[str]] = [[] for _ in range(1 + max((place.layer for place in places.values()), default=-1))]
    for name, place in places.items():
        rows[place.layer].append(name)
    above: dict[str, list[str]] = {name: [] for name in places}
    below: dict[str, list[str]] = {name: [] for name in places}
    for chain in chains:
        for upper, lower in pairwise(chain):
            above[lower].append(upper)
            below[upper].append(lower)
    for sweep in range(_SWEEPS):
        neighbours, numbers = (above, range(1, len(rows))) if sweep % 2 == 0 else (below, range(len(rows) - 2, -1, -1))
        for number in numbers:
            rows[number] = _sort_row(rows, number, neighbours)
    return rows


def _sort_row(rows: Sequence[Sequence[str]], row_index: int, neighbours: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a row of nodes, sorted by the mean position of each node's neighbours."""
    shares = {
        name: (index + 0.5) / len(row) for row in rows for index, name in enumerate(row)
    }  # of the width, since rows have different lengths
    weights = {
        name: sum(shares[one] for one in neighbours[name]) / len(neighbours[name]) if neighbours[name] else shares[name]
        for name in rows[row_index]
    }
    return sorted(rows[row_index], key=weights.__getitem__)


def _assign_positions(rows: Sequence[Sequence[str]], places: Mapping[str, _Place]) -> tuple[dict[str, int], int]:
    """Return the x coordinate of the centre of each node or passing edge, and the width of the drawing."""
    widths = [
        sum(NODE_WIDTH if places[name].is_node else _PASS_WIDTH for name in row) + _GAP_ACROSS * (len(row) - 1)
        for row in rows
    ]
    width = max(widths, default=0) + 2 * _MARGIN
    across: dict[str, int] = {}
    for row, own in zip(rows, widths, strict=True):
        left = (width - own) // 2
        for name in row:
            size = NODE_WIDTH if places[name].is_node else _PASS_WIDTH
            across[name] = left + size // 2
            left += size + _GAP_ACROSS
    return across, width


def _compute_layer_top(layer: int) -> int:
    """Return the y coordinate of the top of a layer."""
    return _MARGIN + layer * (NODE_HEIGHT + _GAP_DOWN)


def _draw_edge(chain: Sequence[str], x_positions: Mapping[str, int], places: Mapping[str, _Place]) -> str:
    """Return the SVG path of an edge from the bottom of its source to the top of its target."""
    source, target = chain[0], chain[-1]
    points = [(x_positions[source], _compute_layer_top(places[source].layer) + NODE_HEIGHT)]
    for name in chain[1:-1]:
        top = _compute_layer_top(places[name].layer)
        points += [(x_positions[name], top), (x_positions[name], top + NODE_HEIGHT)]
    points.append((x_positions[target], _compute_layer_top(places[target].layer) - 3))  # room for the arrow's tip
    path = f"M{points[0][0]} {points[0][1]}"
    for (x, y), (to_x, to_y) in pairwise(points):
        half = (to_y - y) // 2
        path += f" V{to_y}" if x == to_x else f" C{x} {y + half} {to_x} {to_y - half} {to_x} {to_y}"
    return path
