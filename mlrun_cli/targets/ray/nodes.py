"""The nodes of a Ray cluster, with their total and free resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable
from mlrun_cli.targets.ray.client import RayClient
from mlrun_cli.targets.ray.settings import CPU, GPU, to_int_if_whole

_NODES = "/api/v0/nodes?detail=1&limit=1000"
_STATUS = "/api/cluster_status"
_ALIVE = "ALIVE"
_GROUP_LABEL = "ray.io/node-group"
"""A label of nodes that a provider of nodes has started, which may start others."""
# What Ray counts besides, for itself.
_MEMORY = "memory"
_INTERNAL = frozenset({_MEMORY, "object_store_memory", CPU, GPU})
_NODE_PREFIX = "node:"
_MAX_NAMED = 5
_MEBIBYTE = 1 << 20


class RayNode(NamedTuple):
    """A node of the cluster.

    Attributes:
        node_id: Ray's id of it.
        name: its address.
        total: the amounts of all its resources, keyed by Ray's names.
        free: the amounts that no task, actor or job reserves, as far as Ray tells them.
    """

    node_id: str
    name: str
    is_head: bool
    total: Mapping[str, float]
    free: Mapping[str, float]
    labels: Mapping[str, str]

    def to_record(self) -> dict[str, Any]:
        """Return the node as a JSON-compatible dict."""
        own = sorted(name for name in self.total if name not in _INTERNAL and not name.startswith(_NODE_PREFIX))
        return {
            "name": self.name,
            "is_head": self.is_head,
            "cpus": to_int_if_whole(self.total.get(CPU, 0)),
            "free_cpus": self._get_free_amount(CPU),
            "gpus": to_int_if_whole(self.total.get(GPU, 0)),
            "free_gpus": self._get_free_amount(GPU),
            "memory_mb": int(self.total.get(_MEMORY, 0)) // _MEBIBYTE,
            "free_memory_mb": None if (free := self._get_free_amount(_MEMORY)) is None else int(free) // _MEBIBYTE,
            "resources": {name: to_int_if_whole(self.total[name]) for name in own},
            "free_resources": {name: self._get_free_amount(name) for name in own},
        }

    def _get_free_amount(self, resource: str) -> float | None:
        """Return a resource's free amount: 0 if the node does not have the resource, None if Ray does not report it."""
        if resource not in self.total:
            return 0
        free = self.free.get(resource)
        return None if free is None else to_int_if_whole(free)


def list_nodes(client: RayClient) -> list[RayNode]:
    """Return the nodes that are up, the head first.

    Raises:
        EngineUnavailable: Ray does not answer.
    """
    listed = _get_nested_value(client.request("GET", _NODES).parse_json(), "result", "result")
    usage = _read_usage(client)
    nodes = [_parse_node(each, usage) for each in listed or () if each.get("state") == _ALIVE]
    return sorted(nodes, key=lambda node: (not node.is_head, node.name))


def check_feasibility(client: RayClient, resources: Mapping[str, float]) -> None:
    """Raise if no node has these amounts of resources, even if nothing else is running on it.

    Ray would have a job wait for them for ever, or give it up after some time. Where nodes are started when they are
    needed, nothing is known of those to come.

    Raises:
        EngineRefused: no node has them.
        EngineUnavailable: Ray does not answer.
    """
    nodes = list_nodes(client)
    if not nodes:
        raise EngineUnavailable(f"Ray at {client.address} has no node that is up.", target=client.address)
    if any(_has_resources(node, resources) for node in nodes) or any(_GROUP_LABEL in node.labels for node in nodes):
        return
    names = sorted({CPU, *resources})
    shown = [f"{node.name} has {_format_amounts({name: node.total.get(name, 0) for name in names})}" for node in nodes]
    rest = f", and {len(shown) - _MAX_NAMED} more" if len(shown) > _MAX_NAMED else ""
    raise EngineRefused(
        f"No node of the Ray cluster has {_format_amounts(resources)}: {'; '.join(shown[:_MAX_NAMED])}{rest}.",
        hint="Ask for less, or attach the cluster with smaller --num-cpus, --num-gpus or --resources.",
        target=client.address,
    )


def _has_resources(node: RayNode, resources: Mapping[str, float]) -> bool:
    return all(node.total.get(name, 0) >= amount for name, amount in resources.items())


def _format_amounts(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {amount:g}" for name, amount in resources.items())


def _parse_node(document: Mapping[str, Any], usage: Mapping[str, Mapping[str, Sequence[float]]]) -> RayNode:
    total: dict[str, float] = dict(document.get("resources_total") or {})
    used = usage.get(document["node_id"], {})
    free = {}
    for name in total:
        pair = used.get(_convert_resource_name(name))
        if pair is not None:
            free[name] = max(0.0, pair[1] - pair[0])
    return RayNode(
        document["node_id"],
        str(document.get("node_ip") or document.get("node_name") or document["node_id"]),
        bool(document.get("is_head_node")),
        total,
        free,
        document.get("labels") or {},
    )


def _read_usage(client: RayClient) -> Mapping[str, Mapping[str, Sequence[float]]]:
    """Return the used and total amounts, keyed by node and resource; empty if the cluster's monitor is not running."""
    answer = client.request("GET", _STATUS)
    if not answer.is_ok:
        return {}
    found = _get_nested_value(answer.parse_json(), "clusterStatus", "loadMetricsReport", "usageByNode")
    return found if isinstance(found, dict) else {}


def _get_nested_value(document: Any, *keys: str) -> Any:
    """Return the value at a path of keys within the `data` of a response, or None if it is missing."""
    part = document.get("data") if isinstance(document, dict) else None
    for key in keys:
        part = part.get(key) if isinstance(part, dict) else None
    return part


def _convert_resource_name(name: str) -> str:
    """Convert a resource's name to the camel case of Ray's cluster status."""
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))
