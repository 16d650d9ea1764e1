"""Whether a job is one of Slurm, and which nodes it has."""

from __future__ import annotations

import pytest

from mlrun_cli.targets.job_nodes import find_job_nodes

_JOB = {"SLURM_JOB_ID": "17", "SLURM_JOB_NODELIST": "n[1-4]"}
_TASK = {**_JOB, "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3"}


@pytest.mark.parametrize(
    ("job_id", "variables", "expected"),
    [
        ("17", _JOB, "n[1-4]"),
        ("12_3", _TASK, "n[1-4]"),
        ("exp_1790000000_01234567", _JOB, None),
        ("", _JOB, None),
        ("17", {}, None),
    ],
    ids=["job", "task", "job of Ray in a job of Slurm", "unknown", "elsewhere"],
)
def test_only_a_job_of_slurm_has_the_nodes_of_its_variables(
    job_id: str, variables: dict[str, str], expected: str | None
) -> None:
    nodes = find_job_nodes(job_id, variables)
    assert (None if nodes is None else nodes.node_list) == expected
