"""What a Slurm cluster has and what of it is free."""

from __future__ import annotations

from mlrun_cli.targets.slurm.nodes import Partition, SlurmNode, list_nodes, list_partitions
from tests.engines.slurm import CPUS, MEMORY_MB, Slurm
from tests.running import until


def test_partitions_and_nodes_with_what_is_free(slurm: Slurm) -> None:
    assert list_partitions() == [
        Partition("main", is_default=True, state="up", time_limit="2-00:00:00", node_count=2, idle_node_count=2),
        Partition("short", is_default=False, state="up", time_limit="10:00", node_count=1, idle_node_count=1),
        Partition("spare", is_default=False, state="up", time_limit="infinite", node_count=2, idle_node_count=2),
    ]
    free = SlurmNode("n1", ("main", "spare"), "idle", CPUS, CPUS, MEMORY_MB, MEMORY_MB, gpus=2, free_gpus=2)
    assert list_nodes() == [free, free._replace(name="n2", partitions=("main", "short", "spare"))]
    slurm.submit("sleep 600", "--nodelist=n1", "--cpus-per-task=3", "--mem=1000", "--gres=gpu:1")
    used = until(lambda: found if (found := list_nodes("main")[0]).free_cpus < CPUS else None)
    assert used == free._replace(
        partitions=("main",), state="mixed", free_cpus=CPUS - 3, free_memory_mb=MEMORY_MB - 1000, free_gpus=1
    )


def test_a_node_that_is_lost_is_shown_as_down(slurm: Slurm) -> None:
    slurm.kill_node("n1")
    slurm.mark_node_down("n1")
    assert list_nodes()[0].state == "down"
