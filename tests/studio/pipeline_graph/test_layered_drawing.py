"""The layout of graphs in layers."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mlrun_cli.studio.pipeline_graph.layered_drawing import NODE_HEIGHT, NODE_WIDTH, draw_layers


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], dict[str, list[str]]]:
    keys = [f"{number:08x}" for number in range(draw(st.integers(0, 14)))]
    upstream = {
        key: draw(st.lists(st.sampled_from(keys[:index]), max_size=3)) if index else []
        for index, key in enumerate(keys)
    }
    return draw(st.permutations(keys)), upstream


@given(graphs())
def test_every_step_is_below_those_that_it_depends_on_and_boxes_do_not_overlap(
    graph: tuple[list[str], dict[str, list[str]]],
) -> None:
    keys, upstream = graph
    drawing = draw_layers(keys, upstream)
    places = {node.key: (node.x, node.y) for node in drawing.nodes}
    assert list(places) == keys
    for key, sources in upstream.items():
        assert all(places[source][1] + NODE_HEIGHT < places[key][1] for source in sources)
    boxes = sorted(places.values(), key=lambda place: (place[1], place[0]))
    for (x, y), (other_x, other_y) in pairwise(boxes):
        assert other_y > y or other_x >= x + NODE_WIDTH
    for x, y in boxes:
        assert 0 <= x <= drawing.width - NODE_WIDTH and 0 <= y <= drawing.height - NODE_HEIGHT
    assert {(edge.source, edge.target) for edge in drawing.edges} == {
        (source, key) for key, sources in upstream.items() for source in sources
    }


@given(graphs())
def test_edges_pass_beside_the_boxes_of_other_steps(graph: tuple[list[str], dict[str, list[str]]]) -> None:
    drawing = draw_layers(*graph)
    for edge in drawing.edges:
        # The straight parts of an edge, which lead past the boxes of a layer.
        for x, y, end in re.findall(r"(\d+) (\d+) V(\d+)", edge.path):
            for node in drawing.nodes:
                is_beside = not node.x < int(x) < node.x + NODE_WIDTH
                assert is_beside or int(end) <= node.y or int(y) >= node.y + NODE_HEIGHT


def test_a_cycle_is_left_out() -> None:
    drawing = draw_layers(["a", "b", "c"], {"a": [], "b": ["c"], "c": ["b"]})
    assert [node.key for node in drawing.nodes] == ["a"]
    assert drawing.edges == []
