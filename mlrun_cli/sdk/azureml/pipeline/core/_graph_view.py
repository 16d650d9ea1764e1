"""The graph of a pipeline that has been built, submitted or published."""

from typing import Any, Dict, List

__all__ = ["Edge", "Graph", "Node"]


class Node:
    """A step in a graph."""

    def __init__(self, document: Dict[str, Any]) -> None:
        self._document = document

    @property
    def name(self) -> str:
        """The name of the step."""
        return str(self._document["name"])

    @property
    def node_id(self) -> str:
        """The id of the step in its pipeline: 8 hexadecimal digits."""
        return str(self._document["key"])

    def __repr__(self) -> str:
        return f"Node(name={self.name!r}, node_id={self.node_id!r})"


class Edge:
    """Data that pass from one step to another, or only their order if there is no name."""

    def __init__(self, source: Node, destination: Node, name: "str | None") -> None:
        self.source = source
        self.destination = destination
        self.name = name

    def __repr__(self) -> str:
        return f"Edge({self.source.name!r} -> {self.destination.name!r}, {self.name!r})"


class Graph:
    """The steps of a pipeline, and the data passed between them."""

    def __init__(self, document: Dict[str, Any]) -> None:
        self._document = document

    @property
    def nodes(self) -> List[Node]:
        """The steps in the order of the pipeline."""
        return [Node(step) for step in self._document["steps"]]

    @property
    def node_dict(self) -> Dict[str, Node]:
        """The steps, keyed by node id."""
        return {node.node_id: node for node in self.nodes}

    @property
    def node_name_dict(self) -> Dict[str, List[Node]]:
        """The lists of steps with the same name, keyed by that name."""
        found: Dict[str, List[Node]] = {}
        for node in self.nodes:
            found.setdefault(node.name, []).append(node)
        return found

    @property
    def edges(self) -> List[Edge]:
        """The edges of the graph: data passed from one step to another, and orders by `run_after`."""
        nodes = self.node_dict
        found = []
        for step in self._document["steps"]:
            after = [(key, None) for key in step["run_after"]]
            outputs = [one["source"]["output"] for one in step["inputs"].values() if "output" in one["source"]]
            for key, name in [*((one["step"], one["name"]) for one in outputs), *after]:
                found.append(Edge(nodes[key], nodes[step["key"]], name))
        return found

    @property
    def params(self) -> Dict[str, Any]:
        """The default values of the pipeline's parameters, keyed by name."""
        return {name: one["default"] for name, one in self._document["parameters"].items()}

    def get_node(self, node_id: str) -> "Node | None":
        """Return the step with this node id, or None if there is none."""
        return self.node_dict.get(node_id)

    def find_node(self, name: str) -> "Node | None":
        """Return the first step with this name, or None if there is none."""
        return next((node for node in self.nodes if node.name == name), None)
